#include "wire/service_notification.hpp"

#include <string_view>

namespace liveswap::wire {
namespace {

std::string with_status(std::string what, std::string_view text) {
  if (text.empty()) return what;
  what += "\nSTATUS=";
  what += text;
  return what;
}

}  // namespace

std::string notification_text(const guard::Notify& what) {
  using guard::NotifyKind;
  const std::string text(what.text), number = std::to_string(what.number);
  switch (what.kind) {
    case NotifyKind::ready: return with_status("READY=1", text);
    case NotifyKind::reloading: return with_status("RELOADING=1\nMONOTONIC_USEC=" + number, text);
    case NotifyKind::stopping: return with_status("STOPPING=1", text);
    case NotifyKind::status: return "STATUS=" + text;
    case NotifyKind::watchdog: return "WATCHDOG=1";
    case NotifyKind::extend_timeout: return "EXTEND_TIMEOUT_USEC=" + number;
    case NotifyKind::fdstore: return "FDSTORE=1\nFDPOLL=0\nFDNAME=" + text;
    case NotifyKind::fdstore_remove: return "FDSTOREREMOVE=1\nFDNAME=" + text;
    case NotifyKind::error_number: return "ERRNO=" + number;
  }
  return "";
}

}  // namespace liveswap::wire

// The parser of sd_notify datagrams. The first byte of an input is how many descriptors came along. Whatever
// reaches people is one line without control characters.
#include "wire/sd_notify.hpp"

#include <algorithm>

#include "require.hpp"
#include "wire/printable.hpp"

namespace {

using namespace liveswap::wire;

bool is_one_clean_line(std::string_view text) {
  return std::ranges::none_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view datagram{reinterpret_cast<const char*>(data) + 1, size - 1};
  const Notification said = parse_notification(datagram, data[0]);
  if (said.status) {
    require(is_one_clean_line(*said.status), "STATUS is one clean line");
    require(said.status->size() <= kNotificationStatusMax, "STATUS is short");
    require(printable_text(*said.status, kNotificationStatusMax) == *said.status,
            "STATUS is clean after one pass");
  }
  for (const std::string& problem : said.problems)
    require(is_one_clean_line(problem), "a problem is one clean line");
  if (said.main_pid) require(*said.main_pid > 0, "MAINPID is a process id");
  if (said.barrier) require(data[0] == 1 && !said.ready, "a barrier comes alone with one descriptor");
  if (datagram.size() > kNotificationMax) require(said.problems.size() == 1, "too long is one problem");
  return 0;
}

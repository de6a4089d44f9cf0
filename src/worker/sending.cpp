#include <cerrno>

#include "worker/worker_state.hpp"

namespace liveswap::worker {
namespace {

int result_of(ssize_t sent) {
  if (sent != -1) return 0;
  switch (errno) {
    case EAGAIN:
    case ENOBUFS: return -EAGAIN;
    // The master has closed its end, or its socket is there no more, or nobody reads it.
    case EPIPE:
    case ECONNRESET:
    case ENOTCONN:
    case ECONNREFUSED:
    case ENOENT: return -EPIPE;
    default: return -errno;
  }
}

template <class Send>
int send_uninterrupted(Send send) {
  ssize_t sent = -1;
  do {
    sent = send();
  } while (sent == -1 && errno == EINTR);
  return result_of(sent);
}

}  // namespace

int send_on_channel(liveswap_worker& worker, const wire::channel::Message& message) {
  if (worker.channel == -1) return -EPIPE;
  std::byte
      packet[wire::channel::kHeaderSize + 4096];  // the longest text that liveswap_status sends, and more
  const auto size = wire::channel::encode(message, 0, packet);
  if (!size) return -EINVAL;
  return send_uninterrupted(
      [&] { return ::send(worker.channel, packet, *size, MSG_DONTWAIT | MSG_NOSIGNAL); });
}

int send_notification(liveswap_worker& worker, std::string_view text) {
  if (worker.notify.fd == -1) return 0;
  const auto* address = reinterpret_cast<const sockaddr*>(&worker.notify.address);
  return send_uninterrupted([&] {
    return ::sendto(worker.notify.fd, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL, address,
                    worker.notify.address_size);
  });
}

}  // namespace liveswap::worker

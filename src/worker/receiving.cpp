#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <limits>
#include <span>

#include "os/cmsg.hpp"
#include "worker/worker_state.hpp"

namespace liveswap::worker {

namespace channel = wire::channel;

namespace {

// Descriptors that came with a packet; those that nobody took are closed with it.
class ReceivedFds {
 public:
  ReceivedFds() = default;
  ReceivedFds(const ReceivedFds&) = delete;
  ReceivedFds& operator=(const ReceivedFds&) = delete;
  ~ReceivedFds() {
    for (std::size_t i = taken_; i < count_; ++i) ::close(fds_[i]);
  }

  // Alignment can let the kernel pass one more than was asked for.
  void add(int fd) {
    if (count_ < os::kMaxPacketFds) {
      fds_[count_++] = fd;
    } else {
      ::close(fd);
    }
  }
  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] int take_next() { return fds_[taken_++]; }

 private:
  int fds_[os::kMaxPacketFds];
  std::size_t count_ = 0;
  std::size_t taken_ = 0;
};

// A peer that closes with unread data leaves one ECONNRESET in front of what it had sent before; the second
// try gets at that.
ssize_t receive(int fd, msghdr& message) {
  const msghdr fresh = message;
  bool reset_seen = false;
  for (;;) {
    message = fresh;
    const ssize_t size = ::recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size != -1 || (errno != EINTR && (errno != ECONNRESET || reset_seen))) return size;
    reset_seen = reset_seen || errno == ECONNRESET;
  }
}

// The callback comes first: it can still take the descriptor out of whatever it is polled by.
int lose_master(liveswap_worker& worker) {
  if (worker.callbacks.lost != nullptr) worker.callbacks.lost(worker.callback_data);
  ::close(worker.channel);
  worker.channel = -1;
  return 0;
}

void ask_drain(liveswap_worker& worker, const channel::Drain& drain) {
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (worker.callbacks.drain == nullptr) return;
  std::int64_t deadline_ms = -1;
  if (drain.deadline_ms && *drain.deadline_ms <= kMax)
    deadline_ms = static_cast<std::int64_t>(*drain.deadline_ms);
  worker.callbacks.drain(worker.callback_data, deadline_ms);
}

// The text ends where the packet's field ends, in a NUL.
void hand_message(liveswap_worker& worker, const channel::OperatorMessage& message) {
  if (worker.callbacks.message == nullptr) return;
  worker.callbacks.message(worker.callback_data, message.text.data(), message.text.size());
}

int take_listeners(liveswap_worker& worker, const channel::Listeners& listeners, ReceivedFds& fds) {
  for (const std::string_view name : listeners.names) {
    const std::size_t index = worker.listeners.count();
    const int fd = fds.take_next();
    if (!worker.listeners.add(name, fd)) {
      ::close(fd);
      return -ENOMEM;
    }
    if (worker.callbacks.listener == nullptr) continue;
    worker.callbacks.listener(worker.callback_data, worker.listeners.at(index)->name, fd);
  }
  return 1;
}

}  // namespace

int receive_one(liveswap_worker& worker) {
  alignas(cmsghdr) std::byte control[os::control_space_for_fds(os::kMaxPacketFds)];
  iovec part{worker.packet, sizeof worker.packet};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t size = receive(worker.channel, message);
  if (size == -1 && errno == EAGAIN) return 0;
  if (size <= 0) return lose_master(worker);

  ReceivedFds fds;
  os::for_each_fd(message, [&](int fd) { fds.add(fd); });
  if ((message.msg_flags & MSG_CTRUNC) != 0) return -EMFILE;
  const std::span packet{worker.packet, static_cast<std::size_t>(size)};
  const auto decoded = channel::decode(packet, fds.count(), channel::End::worker);
  if (!decoded || (message.msg_flags & MSG_TRUNC) != 0) return -EPROTO;
  if (const auto* drain = std::get_if<channel::Drain>(&*decoded)) ask_drain(worker, *drain);
  if (const auto* said = std::get_if<channel::OperatorMessage>(&*decoded)) hand_message(worker, *said);
  if (const auto* late = std::get_if<channel::Listeners>(&*decoded))
    return take_listeners(worker, *late, fds);
  return 1;
}

}  // namespace liveswap::worker

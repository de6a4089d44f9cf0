// libliveswap, with the test as its master: over a channel, over NOTIFY_SOCKET, and with nobody there.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <liveswap/worker.hpp>
#include <stdexcept>
#include <vector>

#include "os/fd.hpp"
#include "os/scm.hpp"
#include "wire/channel.hpp"

namespace {

using namespace liveswap;
using namespace std::string_view_literals;
namespace channel = wire::channel;
using wire::FieldList;

// The variables of one test; all that the library reads are gone before and after it.
class Environment {
 public:
  Environment() { clear(); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment() { clear(); }
  void set(const char* name, const std::string& value) { ::setenv(name, value.c_str(), 1); }
  void set(const char* name, std::int64_t value) { set(name, std::to_string(value)); }

 private:
  static void clear() {
    for (const char* name : {"LIVESWAP_CHANNEL", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES",
                             "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) {
      ::unsetenv(name);
    }
  }
};

// Puts a new descriptor at a number that the library will look at, and what was there back afterwards.
class AtNumber {
 public:
  AtNumber(int number, int fd) : number_(number), before_(::fcntl(number, F_DUPFD_CLOEXEC, 100)) {
    REQUIRE(::dup2(fd, number) == number);
  }
  AtNumber(const AtNumber&) = delete;
  AtNumber& operator=(const AtNumber&) = delete;
  ~AtNumber() {
    if (before_ == -1) {
      ::close(number_);
    } else {
      ::dup2(before_, number_);
      ::close(before_);
    }
  }

 private:
  int number_;
  int before_;
};

// The other end of a native worker's channel.
class Master {
 public:
  explicit Master(Environment& environment) {
    int ends[2] = {-1, -1};
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    own_ = {os::adopt, ends[0]};
    environment.set("LIVESWAP_CHANNEL", ends[1]);  // the worker closes it
  }

  void send(const channel::Message& message, std::vector<os::FdRef> fds = {}) {
    std::vector<std::byte> buffer(channel::kPacketMax);
    buffer.resize(channel::encode(message, fds.size(), buffer).value());
    REQUIRE(os::send_packet(own_, buffer, fds).has_value());
  }
  void send_bytes(std::string_view bytes, std::vector<os::FdRef> fds = {}) {
    REQUIRE(os::send_packet(own_, std::as_bytes(std::span{bytes}), fds).has_value());
  }
  // What the worker has said: "READY", "STATUS up", "CONNECTIONS 7", …; "" for nothing.
  std::string heard() {
    auto packet = os::receive_packet(own_, channel::kPacketMax, 0, MSG_DONTWAIT);
    REQUIRE(packet.has_value());
    if (!*packet) return "";
    if ((*packet)->eof) return "closed";
    const auto message = channel::decode((*packet)->payload, 0, channel::End::master);
    if (!message) return std::string{message.error().reason};
    std::string text{channel::name(*message)};
    if (const auto* hello = std::get_if<channel::Hello>(&*message)) {
      text += " " + std::string{hello->library} + (hello->pid == ::getpid() ? " our pid" : " another pid");
    }
    if (const auto* status = std::get_if<channel::Status>(&*message)) text += " " + std::string{status->text};
    if (const auto* said = std::get_if<channel::Connections>(&*message))
      text += " " + std::to_string(said->open);
    if (const auto* said = std::get_if<channel::Extend>(&*message))
      text += " " + std::to_string(said->microseconds);
    return text;
  }
  void leave() { own_.reset(); }

 private:
  os::OwnedFd own_;
};

// A NOTIFY_SOCKET.
class NotifySocket {
 public:
  explicit NotifySocket(Environment& environment) {
    path_ =
        (std::filesystem::temp_directory_path() / ("liveswap-notify-" + std::to_string(::getpid()))).string();
    fd_ = {os::adopt, ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
    REQUIRE(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    environment.set("NOTIFY_SOCKET", path_);
  }
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;
  ~NotifySocket() { ::unlink(path_.c_str()); }
  std::string heard() {
    std::array<char, 4096> buffer{};
    const ssize_t size = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    return size < 0 ? "" : std::string{buffer.data(), static_cast<std::size_t>(size)};
  }
  void leave() { fd_.reset(); }

 private:
  std::string path_;
  os::OwnedFd fd_;
};

bool readable(int fd) {
  pollfd poll_fd{fd, POLLIN, 0};
  return ::poll(&poll_fd, 1, 0) == 1;
}

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) != -1; }

std::string open_error(unsigned flags = 0) {
  try {
    const Worker worker{flags};
    return "opened";
  } catch (const std::system_error& error) {
    return error.what();
  }
}

TEST_CASE("worker: with no supervisor there is nothing, and nothing fails") {
  const Environment environment;
  Worker worker;
  CHECK(worker.protocol() == Worker::Protocol::none);
  CHECK(worker.listener_count() == 0);
  CHECK(worker.find_listener("http") == std::nullopt);
  CHECK(worker.fd() == -1);
  CHECK(worker.process() == 0);
  worker.ready();
  CHECK(worker.status("up"));
  CHECK(worker.connections(3));
  CHECK(worker.watchdog());
  CHECK(worker.extend(std::chrono::seconds{1}));
  CHECK(worker.stopping());
  CHECK(worker.watchdog_interval() == std::chrono::microseconds{0});
}

TEST_CASE("worker: a native worker says hello, and then what it is told to say") {
  Environment environment;
  Master master{environment};
  Worker worker;
  CHECK(worker.protocol() == Worker::Protocol::native);
  CHECK(master.heard() == "HELLO libliveswap " + std::string{liveswap_version()} + " our pid");
  CHECK(master.heard() == "");
  worker.ready();
  CHECK(master.heard() == "READY");
  CHECK(worker.status("two\nlines"));
  CHECK(master.heard() == "STATUS two lines");
  CHECK(worker.extend(std::chrono::microseconds{1500}));
  CHECK(master.heard() == "EXTEND 1500");
  CHECK(worker.stopping());
  CHECK(master.heard() == "STOPPING");
  CHECK(worker.status(std::string(5000, 'x')));
  CHECK(master.heard() == "STATUS " + std::string(1024, 'x'));
}

TEST_CASE("worker: the number of connections is sent now and then, but zero at once") {
  Environment environment;
  Master master{environment};
  Worker worker;
  static_cast<void>(master.heard());
  for (std::uint64_t open = 1; open <= 100; ++open) CHECK(worker.connections(open));
  CHECK(worker.connections(0));
  CHECK(worker.connections(0));
  std::vector<std::string> heard;
  for (std::string text = master.heard(); !text.empty(); text = master.heard()) heard.push_back(text);
  REQUIRE(heard.size() >= 3);
  CHECK(heard.size() < 20);  // a hundred numbers in far less than a second
  CHECK(heard.front() == "CONNECTIONS 1");
  CHECK(heard[heard.size() - 2] == "CONNECTIONS 0");
  CHECK(heard.back() == "CONNECTIONS 0");
}

TEST_CASE("worker: the watchdog can be told at each turn of a loop, and hears enough") {
  Environment environment;
  Master master{environment};
  environment.set("WATCHDOG_USEC", 3600000000U);
  Worker worker;
  static_cast<void>(master.heard());
  CHECK(worker.watchdog_interval() == std::chrono::hours{1});
  for (int i = 0; i < 100; ++i) CHECK(worker.watchdog());
  CHECK(master.heard() == "WATCHDOG");
  CHECK(master.heard() == "");

  environment.set("WATCHDOG_USEC", 1);
  Master other{environment};
  Worker hasty;
  static_cast<void>(other.heard());
  for (int i = 0; i < 3; ++i) CHECK(hasty.watchdog());
  for (int i = 0; i < 3; ++i) CHECK(other.heard() == "WATCHDOG");
}

TEST_CASE("worker: without a watchdog nothing is said to it") {
  Environment environment;
  Master master{environment};
  Worker worker;
  static_cast<void>(master.heard());
  CHECK(worker.watchdog());
  CHECK(master.heard() == "");
}

TEST_CASE("worker: the request to drain comes with the time that is left") {
  Environment environment;
  Master master{environment};
  Worker worker;
  std::vector<Worker::Deadline> asked;
  worker.on_drain([&](Worker::Deadline deadline) { asked.push_back(deadline); });
  CHECK_FALSE(readable(worker.fd()));
  master.send(channel::Drain{60000});
  master.send(channel::Drain{std::nullopt});
  CHECK(readable(worker.fd()));
  CHECK(worker.process() == 2);
  CHECK(asked == std::vector<Worker::Deadline>{std::chrono::milliseconds{60000}, std::nullopt});
  CHECK(worker.process() == 0);
}

TEST_CASE("worker: an operator's message comes whole, with a NUL behind it") {
  Environment environment;
  Master master{environment};
  Worker worker;
  std::vector<std::string> heard;
  worker.on_message([&](std::string_view text) {
    CHECK(text.data()[text.size()] == '\0');
    heard.emplace_back(text);
  });
  const std::string longest(channel::kTextMax, 'x');
  master.send(channel::OperatorMessage{"reload the keys"});
  master.send(channel::OperatorMessage{longest});
  CHECK(worker.process() == 2);
  CHECK(heard == std::vector<std::string>{"reload the keys", longest});
}

TEST_CASE("worker: late listeners are the program's, close-on-exec, and found by name") {
  Environment environment;
  Master master{environment};
  Worker worker;
  std::vector<std::string> names;
  worker.on_listener([&](std::string_view name, int fd) {
    names.emplace_back(name);
    CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  });
  int pipe_ends[2];
  REQUIRE(::pipe2(pipe_ends, O_CLOEXEC) == 0);
  master.send(channel::Listeners{FieldList{"http\0admin\0"sv}},
              {os::FdRef{pipe_ends[0]}, os::FdRef{pipe_ends[1]}});
  CHECK(worker.process() == 1);
  CHECK(names == std::vector<std::string>{"http", "admin"});
  REQUIRE(worker.listener_count() == 2);
  CHECK(worker.listener(1).name == "admin");
  const int first = worker.find_listener("http").value();
  const int second = worker.find_listener("admin").value();
  CHECK(is_open(first));
  CHECK(worker.find_listener("http", 1) == std::nullopt);
  {
    Worker gone = std::move(worker);  // closed here
  }
  CHECK(is_open(first));
  CHECK(is_open(second));
  for (const int fd : {first, second, pipe_ends[0], pipe_ends[1]}) ::close(fd);
}

TEST_CASE("worker: a packet that is not understood is dropped with its descriptors, and the next is read") {
  Environment environment;
  Master master{environment};
  Worker worker;
  int drains = 0;
  worker.on_drain([&](Worker::Deadline) { ++drains; });
  master.send_bytes("nonsense");
  master.send(channel::Drain{1});
  CHECK(liveswap_process(worker.get()) == -EPROTO);
  CHECK(drains == 0);
  CHECK(liveswap_process(worker.get()) == 1);
  CHECK(drains == 1);
}

TEST_CASE("worker: a message of a later version is skipped, and its descriptors are closed") {
  Environment environment;
  Master master{environment};
  Worker worker;
  const int next_number = ::dup(0);
  ::close(next_number);
  master.send_bytes({"\x01\x09\xe7\x03\x01\x00\x00\x00", 8}, {os::FdRef{0}});
  CHECK(worker.process() == 1);
  const int number_after = ::dup(0);
  ::close(number_after);
  CHECK(number_after == next_number);
}

TEST_CASE("worker: a master that goes away is told once, and the worker goes on") {
  Environment environment;
  Master master{environment};
  Worker worker;
  int lost = 0;
  int drains = 0;
  worker.on_lost([&] {
    ++lost;
    CHECK(worker.fd() != -1);  // so that the program can take it out of its loop
  });
  worker.on_drain([&](Worker::Deadline) { ++drains; });
  master.send(channel::Drain{5});
  master.leave();  // without having read HELLO
  CHECK(worker.process() == 1);
  CHECK(drains == 1);
  CHECK(lost == 1);
  CHECK(worker.fd() == -1);
  CHECK(worker.process() == 0);
  CHECK(lost == 1);
  CHECK(liveswap_ready(worker.get()) == -EPIPE);
  CHECK_FALSE(worker.connections(0));
}

TEST_CASE("worker: a master that does not read is told of by EAGAIN, and blocks nobody") {
  Environment environment;
  const Master master{environment};
  Worker worker;
  int result = 0;
  for (int i = 0; i < 100000 && result == 0; ++i) result = liveswap_stopping(worker.get());
  CHECK(result == -EAGAIN);
}

TEST_CASE("worker: what a callback throws comes out of process") {
  Environment environment;
  Master master{environment};
  Worker worker;
  worker.on_drain([](Worker::Deadline) { throw std::runtime_error("no"); });
  master.send(channel::Drain{1});
  CHECK_THROWS_WITH(worker.process(), "no");
  CHECK(worker.process() == 0);
}

TEST_CASE("worker: listeners are those of LISTEN_FDS, made close-on-exec, with their names") {
  Environment environment;
  int pipe_ends[2];
  REQUIRE(::pipe(pipe_ends) == 0);
  const AtNumber three{3, pipe_ends[0]};
  const AtNumber four{4, pipe_ends[1]};
  environment.set("LISTEN_FDS", 2);
  environment.set("LISTEN_PID", ::getpid());
  environment.set("LISTEN_FDNAMES", "http");
  const Worker worker{LIVESWAP_UNSET_ENVIRONMENT};
  CHECK(worker.protocol() == Worker::Protocol::systemd);
  REQUIRE(worker.listener_count() == 2);
  CHECK(worker.listener(0).name == "http");
  CHECK(worker.listener(0).fd == 3);
  CHECK(worker.listener(1).name == "");
  CHECK(worker.find_listener("http") == 3);
  CHECK(worker.find_listener("") == 4);
  CHECK((::fcntl(3, F_GETFD) & FD_CLOEXEC) != 0);
  CHECK(std::getenv("LISTEN_FDS") == nullptr);
  CHECK(std::getenv("LISTEN_PID") == nullptr);
  CHECK(std::getenv("LISTEN_FDNAMES") == nullptr);
  CHECK(liveswap_listener_fd(worker.get(), 2) == -EINVAL);
  CHECK(std::string{liveswap_listener_name(worker.get(), 2)} == "");
  for (const int fd : pipe_ends) ::close(fd);
}

TEST_CASE("worker: what was meant for another process is left alone") {
  Environment environment;
  environment.set("LISTEN_FDS", 2);
  environment.set("LISTEN_PID", ::getpid() + 1);
  environment.set("LIVESWAP_CHANNEL", 5);
  environment.set("WATCHDOG_USEC", 1000000);
  environment.set("WATCHDOG_PID", ::getpid() + 1);
  const Worker worker;
  CHECK(worker.protocol() == Worker::Protocol::none);
  CHECK(worker.listener_count() == 0);
  CHECK(worker.watchdog_interval() == std::chrono::microseconds{0});
}

TEST_CASE("worker: a bad environment is refused with its error") {
  {
    Environment environment;
    environment.set("LISTEN_FDS", "many");
    environment.set("LISTEN_PID", ::getpid());
    CHECK(open_error() == "liveswap_open: Invalid argument");
  }
  {
    Environment environment;
    environment.set("LISTEN_FDS", 5000);
    environment.set("LISTEN_PID", ::getpid());
    CHECK(open_error() == "liveswap_open: Bad file descriptor");
  }
  {
    Environment environment;
    environment.set("LIVESWAP_CHANNEL", 1);  // no socket of packets
    CHECK(open_error() == "liveswap_open: Bad file descriptor");
    environment.set("LIVESWAP_CHANNEL", "x");
    CHECK(open_error() == "liveswap_open: Invalid argument");
  }
  {
    Environment environment;
    environment.set("NOTIFY_SOCKET", "relative");
    CHECK(open_error() == "liveswap_open: Invalid argument");
  }
}

TEST_CASE("worker: under systemd all is said by notifications") {
  Environment environment;
  NotifySocket master{environment};
  environment.set("WATCHDOG_USEC", 3000000);
  environment.set("WATCHDOG_PID", ::getpid());
  Worker worker;
  CHECK(worker.protocol() == Worker::Protocol::systemd);
  CHECK(worker.fd() == -1);
  CHECK(worker.watchdog_interval() == std::chrono::seconds{3});
  worker.ready();
  CHECK(master.heard() == "READY=1");
  CHECK(worker.status("two\nREADY=1"));
  CHECK(master.heard() == "STATUS=two READY=1");
  CHECK(worker.watchdog());
  CHECK(master.heard() == "WATCHDOG=1");
  CHECK(worker.extend(std::chrono::microseconds{1500}));
  CHECK(master.heard() == "EXTEND_TIMEOUT_USEC=1500");
  CHECK(worker.stopping());
  CHECK(master.heard() == "STOPPING=1");
  CHECK(worker.connections(5));
  CHECK(master.heard() == "");
  master.leave();
  CHECK(liveswap_ready(worker.get()) == -EPIPE);
}

TEST_CASE("worker: where asked for, SIGTERM is the request to drain") {
  const Environment environment;
  sigset_t before;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &before);
  {
    Worker worker{LIVESWAP_DRAIN_ON_SIGTERM};
    std::vector<Worker::Deadline> asked;
    worker.on_drain([&](Worker::Deadline deadline) { asked.push_back(deadline); });
    CHECK(worker.process() == 0);
    ::raise(SIGTERM);
    CHECK(readable(worker.fd()));
    CHECK(worker.process() == 1);
    CHECK(asked == std::vector<Worker::Deadline>{std::nullopt});
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST_CASE("worker: a native worker's SIGTERM stays what it is") {
  Environment environment;
  const Master master{environment};
  const Worker worker{LIVESWAP_DRAIN_ON_SIGTERM};
  sigset_t mask;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  CHECK(::sigismember(&mask, SIGTERM) == 0);
}

}  // namespace

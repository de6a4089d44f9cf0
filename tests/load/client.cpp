#include "client.hpp"

#include <strings.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace hammer {

namespace {

constexpr auto kTimeLimit = std::chrono::seconds(5);
constexpr auto kPause = std::chrono::milliseconds(10);
constexpr auto kCrossing = std::chrono::milliseconds(300);

// The value of a header, or "". `head` ends with an empty line.
std::string_view header(std::string_view head, std::string_view name) {
  for (std::size_t at = head.find("\r\n"); at + 2 < head.size(); at = head.find("\r\n", at + 2)) {
    const std::string_view line = head.substr(at + 2, head.find("\r\n", at + 2) - at - 2);
    if (line.size() > name.size() && line[name.size()] == ':' &&
        strncasecmp(line.data(), name.data(), name.size()) == 0) {
      const std::size_t value = line.find_first_not_of(' ', name.size() + 1);
      return value == std::string_view::npos ? "" : line.substr(value);
    }
  }
  return "";
}

bool read_number(std::string_view text, int base, std::size_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return error == std::errc{} && end == text.data() + text.size();
}

// What follows the head, up to where it is known: the body, and how many bytes it took.
struct Body {
  enum class State { partial, whole, bad } state = State::partial;
  std::string text{};
  std::size_t bytes = 0;
};

Body read_chunks(std::string_view rest) {
  Body body;
  for (;;) {
    const std::size_t line = rest.find("\r\n", body.bytes);
    if (line == std::string_view::npos) return body;
    std::size_t size = 0;
    if (!read_number(rest.substr(body.bytes, line - body.bytes), 16, size)) return {Body::State::bad};
    const std::size_t end = line + 2 + size + 2;
    if (rest.size() < end) return body;
    body.text += rest.substr(line + 2, size);
    body.bytes = end;
    if (size == 0) {
      body.state = Body::State::whole;
      return body;
    }
  }
}

// An answer that says nothing of its length cannot be told whole: as bad as none.
Body read_body(std::string_view head, std::string_view rest) {
  if (header(head, "Transfer-Encoding") == "chunked") return read_chunks(rest);
  std::size_t length = 0;
  if (!read_number(header(head, "Content-Length"), 10, length)) return {Body::State::bad};
  if (rest.size() < length) return {};
  return {Body::State::whole, std::string(rest.substr(0, length)), length};
}

}  // namespace

Client::~Client() { close(); }

void Client::close() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
  fd_ = -1;
  watched_ = false;
  reused_ = false;
  answer_.clear();
}

void Client::watch(unsigned events) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = this;
  epoll_ctl(epoll_, watched_ ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd_, &event);
  watched_ = true;
}

void Client::connect(Time now) {
  close();
  last_pid_.clear();
  begun_ = now;
  fd_ = ::socket(target_->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) {
    fail(now, Failure::client);
    return;
  }
  begin_again(now);
}

// Also for a Unix socket whose queue is full (EAGAIN): there is nothing to wait for, so on_tick tries again.
void Client::begin_again(Time now) {
  state_ = State::connecting;
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&target_->address), target_->size) == 0) {
    connected(now);
  } else if (errno == EINPROGRESS) {
    watch(EPOLLOUT);
  } else if (errno == EADDRNOTAVAIL) {
    fail(now, Failure::client);
  } else if (errno == ECONNRESET) {
    fail(now, Failure::reset_before);
  } else if (errno != EAGAIN) {
    fail(now, Failure::refused);
  }
}

void Client::connected(Time now) {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error == 0) {
    state_ = State::asking;
    watch(EPOLLIN);
    ask(now);
  } else {
    fail(now, error == ECONNRESET ? Failure::reset_before : Failure::refused);
  }
}

void Client::ask(Time now) {
  const std::string& request = keep_alive_ ? target_->request_keep_alive : target_->request_close;
  // The request is a few dozen bytes on an idle connection: the kernel takes it whole or not at all.
  if (::send(fd_, request.data(), request.size(), MSG_NOSIGNAL) < 0) {
    broken(now, true);
  }
}

void Client::on_event(Time now) {
  if (state_ == State::connecting) {
    connected(now);
  } else if (state_ == State::pausing) {
    read_nothing(now);
  } else if (state_ == State::asking || state_ == State::closing) {
    read(now);
  }
}

// No request is under way: a server that closes, or resets, loses none. A byte is an answer that nobody asked for.
void Client::read_nothing(Time now) {
  char byte = 0;
  const ssize_t got = ::recv(fd_, &byte, 1, 0);
  if (got > 0) {
    fail(now, Failure::bad_status);
  } else if (got == 0 || errno != EAGAIN) {
    connect(now);
  }
}

void Client::read(Time now) {
  std::array<char, 65536> buffer;
  const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
  if (got < 0 && errno == EAGAIN) {
    return;
  }
  if (state_ == State::closing) {
    if (got <= 0) {
      connect(now);
    }
    return;
  }
  if (got <= 0) {
    broken(now, got < 0);
    return;
  }
  answer_.append(buffer.data(), static_cast<std::size_t>(got));
  const std::size_t head = answer_.find("\r\n\r\n");
  if (head == std::string::npos) {
    return;
  }
  const std::string_view answer = answer_;
  const Body body = read_body(answer.substr(0, head + 2), answer.substr(head + 4));
  const bool good = answer.starts_with("HTTP/1.1 200 ") ||
                    (!target_->also.empty() && answer.starts_with("HTTP/1.1 " + target_->also + " "));
  if (!good || body.state == Body::State::bad) {
    fail(now, Failure::bad_status);
  } else if (body.state == Body::State::whole) {
    const bool closes = header(answer.substr(0, head + 2), "Connection") == "close";
    answered(now, body.text, closes, answer.size() > head + 4 + body.bytes);
  }
}

void Client::answered(Time now, const std::string& body, bool closes, bool more) {
  const bool last = !keep_alive_ || closes;
  tally_->success(now, std::chrono::duration_cast<std::chrono::microseconds>(now - begun_), body);
  last_pid_ = word_after("pid=", body);
  answer_.clear();
  if (more) {  // bytes after the answer that nobody asked for
    fail(now, Failure::bad_status);
  } else if (last) {
    // The server closes first, so that its side, not our few ports, is kept in TIME_WAIT.
    state_ = State::closing;
  } else {
    reused_ = true;
    begun_ = now;
    state_ = State::pausing;
    on_tick(now);
  }
}

// Whether the end of a kept connection may have met the request on its way: then HTTP clients ask again on a new one
// (RFC 9112, 9.3.1). One that comes later has cut a request that the server was at.
bool Client::crossed(Time now) const { return target_->again && reused_ && now - begun_ < kCrossing; }

void Client::broken(Time now, bool reset) {
  if (answer_.empty() && crossed(now)) {
    tally_->repeated();
    connect(now);
  } else if (!answer_.empty()) {
    fail(now, Failure::truncated);
  } else if (reused_) {
    fail(now, reset ? Failure::reused_reset : Failure::reused_eof);
  } else {
    fail(now, reset ? Failure::reset_before : Failure::eof_before);
  }
}

void Client::fail(Time now, Failure kind) {
  tally_->failure(now, kind, last_pid_);
  close();
  state_ = State::waiting;
  begun_ = now;
}

void Client::on_tick(Time now) {
  if (state_ == State::waiting) {
    if (now - begun_ >= kPause) {
      connect(now);
    }
  } else if (state_ == State::pausing) {
    if (now - begun_ >= target_->pause) {
      state_ = State::asking;
      begun_ = now;
      ask(now);
    }
  } else if (now - begun_ >= kTimeLimit) {
    if (state_ == State::closing) {
      connect(now);  // it had answered in full
    } else {
      fail(now, Failure::timeout);
    }
  } else if (state_ == State::connecting && !watched_) {
    begin_again(now);
  }
}

}  // namespace hammer

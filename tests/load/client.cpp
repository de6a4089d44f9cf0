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

// The length that Content-Length gives; without a number there, the answer cannot be told whole: as bad as none.
bool body_length(std::string_view head, std::size_t& length) {
  const std::string_view value = header(head, "Content-Length");
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), length);
  return error == std::errc{} && end == value.data() + value.size();
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
  } else if (state_ == State::asking || state_ == State::closing) {
    read(now);
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
  std::size_t length = 0;
  if (!answer_.starts_with("HTTP/1.1 200 ") || !body_length({answer_.data(), head + 2}, length)) {
    fail(now, Failure::bad_status);
  } else if (answer_.size() >= head + 4 + length) {
    answered(now, head, length);
  }
}

void Client::answered(Time now, std::size_t head, std::size_t length) {
  const std::string body = answer_.substr(head + 4, length);
  const bool more = answer_.size() > head + 4 + length;
  const bool last = !keep_alive_ || header({answer_.data(), head + 2}, "Connection") == "close";
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
    ask(now);
  }
}

void Client::broken(Time now, bool reset) {
  if (!answer_.empty()) {
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

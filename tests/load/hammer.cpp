// hammer: a closed-loop load generator that counts every failure by its class.
//
// N clients ask one service over and over, on a new connection each time or on kept ones, with --pause not at once. It
// ends after --seconds, or --requests, or TERM, and prints one JSON object; with --live, one every so often before
// that. One thread; a client that waits costs nothing. See tally.hpp for what a failure can be, test_hammer.py for the
// proof that each is seen.

#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "client.hpp"
#include "tally.hpp"

namespace {

using hammer::Clock;
using hammer::Time;
using std::chrono::milliseconds;

constexpr const char* kUsage =
    "usage: hammer [--connections N] [--mode close|keep-alive] [--seconds S] [--requests N]\n"
    "              [--live MS] [--path PATH] [--also STATUS] [--pause MS] [--again]\n"
    "              tcp://HOST:PORT | unix:PATH | unix:@NAME\n";
constexpr long kSecondsMax = 3600;
constexpr auto kTick = milliseconds(5);

struct Options {
  std::size_t connections = 64;
  bool keep_alive = false;
  milliseconds duration{10000};
  std::uint64_t requests = UINT64_MAX;
  milliseconds live{0};
  std::string path = "/";
  hammer::Target target;
};

[[noreturn]] void usage(const char* why) {
  std::fprintf(stderr, "hammer: %s\n%s", why, kUsage);
  std::exit(2);
}

void parse_address(const std::string& text, hammer::Target& target) {
  if (text.starts_with("unix:")) {
    auto* address = reinterpret_cast<sockaddr_un*>(&target.address);
    const std::string path = text.substr(5);
    if (path.empty() || path.size() >= sizeof address->sun_path) {
      usage("the path of the socket is empty or too long");
    }
    address->sun_family = AF_UNIX;
    std::memcpy(address->sun_path, path.data(), path.size());
    if (path[0] == '@') {
      address->sun_path[0] = '\0';
    }
    target.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    return;
  }
  const std::size_t colon = text.rfind(':');
  if (!text.starts_with("tcp://") || colon < 6) {
    usage("the address must be tcp://HOST:PORT or unix:PATH");
  }
  std::string host = text.substr(6, colon - 6);
  const auto port = static_cast<in_port_t>(std::atoi(text.c_str() + colon + 1));
  if (host.starts_with('[') && host.ends_with(']')) {
    auto* address = reinterpret_cast<sockaddr_in6*>(&target.address);
    host = host.substr(1, host.size() - 2);
    address->sin6_family = AF_INET6;
    address->sin6_port = htons(port);
    target.size = sizeof *address;
    if (inet_pton(AF_INET6, host.c_str(), &address->sin6_addr) != 1) {
      usage("not an IPv6 address");
    }
    return;
  }
  auto* address = reinterpret_cast<sockaddr_in*>(&target.address);
  address->sin_family = AF_INET;
  address->sin_port = htons(port);
  target.size = sizeof *address;
  if (inet_pton(AF_INET, host.c_str(), &address->sin_addr) != 1) {
    usage("not an IPv4 address");
  }
}

Options parse(int argc, char** argv) {
  const std::array<option, 11> names = {{{"connections", required_argument, nullptr, 'c'},
                                        {"mode", required_argument, nullptr, 'm'},
                                        {"seconds", required_argument, nullptr, 's'},
                                        {"requests", required_argument, nullptr, 'n'},
                                        {"live", required_argument, nullptr, 'l'},
                                        {"path", required_argument, nullptr, 'p'},
                                        {"also", required_argument, nullptr, 'a'},
                                        {"again", no_argument, nullptr, 'r'},
                                        {"pause", required_argument, nullptr, 'w'},
                                        {"help", no_argument, nullptr, 'h'},
                                        {nullptr, 0, nullptr, 0}}};
  Options options;
  for (int key = 0; (key = getopt_long(argc, argv, "", names.data(), nullptr)) != -1;) {
    const std::string value = optarg != nullptr ? optarg : "";
    switch (key) {
      case 'c': options.connections = static_cast<std::size_t>(std::atol(optarg)); break;
      case 'm':
        if (value != "close" && value != "keep-alive") {
          usage("the mode is close or keep-alive");
        }
        options.keep_alive = value == "keep-alive";
        break;
      case 's': options.duration = milliseconds(static_cast<long>(std::atof(optarg) * 1000)); break;
      case 'n': options.requests = std::strtoull(optarg, nullptr, 10); break;
      case 'l': options.live = milliseconds(std::atol(optarg)); break;
      case 'p': options.path = value; break;
      case 'a': options.target.also = value; break;
      case 'r': options.target.again = true; break;
      case 'w': options.target.pause = milliseconds(std::atol(optarg)); break;
      case 'h': std::fputs(kUsage, stdout); std::exit(0);
      default: std::fputs(kUsage, stderr); std::exit(2);
    }
  }
  if (optind + 1 != argc || options.connections == 0 || options.connections > 100000) {
    usage("one address, and 1 to 100000 connections");
  }
  if (options.duration <= milliseconds(0) || options.duration > std::chrono::seconds(kSecondsMax)) {
    usage("--seconds is more than 0 and at most 3600");
  }
  parse_address(argv[optind], options.target);
  const std::string head = "GET " + options.path + " HTTP/1.1\r\nHost: hammer\r\n";
  options.target.request_keep_alive = head + "\r\n";
  options.target.request_close = head + "Connection: close\r\n\r\n";
  return options;
}

void print(const std::string& line) {
  std::puts(line.c_str());
  std::fflush(stdout);
}

// TERM and INT end the run as its time does: with the result.
int end_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

void run(const Options& options) {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN;  // data.ptr null: the signals
  epoll_ctl(epoll, EPOLL_CTL_ADD, end_signals(), &event);

  const Time start = Clock::now();
  hammer::Tally tally(start);
  std::vector<std::unique_ptr<hammer::Client>> clients;
  for (std::size_t i = 0; i < options.connections; ++i) {
    clients.push_back(std::make_unique<hammer::Client>(options.target, epoll, options.keep_alive, tally));
    clients.back()->connect(Clock::now());
  }
  Time next_tick = start + kTick;
  Time next_live = start + options.live;
  std::array<epoll_event, 256> events;
  for (bool going = true; going;) {
    const int count = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), kTick.count());
    for (int i = 0; i < count; ++i) {
      if (events[static_cast<std::size_t>(i)].data.ptr == nullptr) {
        going = false;
      } else {
        static_cast<hammer::Client*>(events[static_cast<std::size_t>(i)].data.ptr)->on_event(Clock::now());
      }
    }
    const Time now = Clock::now();
    if (now >= next_tick) {
      next_tick = now + kTick;
      for (const auto& client : clients) {
        client->on_tick(now);
      }
    }
    if (options.live.count() > 0 && now >= next_live) {
      next_live += options.live;
      print(tally.live_line(now));
    }
    going = going && now - start < options.duration && tally.successes() < options.requests;
  }
  print(tally.result_line(Clock::now(), options.keep_alive ? "keep-alive" : "close", options.connections));
}

}  // namespace

int main(int argc, char** argv) {
  run(parse(argc, argv));
  return 0;
}

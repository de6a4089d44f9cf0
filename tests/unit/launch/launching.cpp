#include "launching.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>

#include "os/memfd.hpp"
#include "os/scm.hpp"
#include "wire/channel.hpp"

namespace liveswap::launch::test {

namespace channel = wire::channel;

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  REQUIRE_MESSAGE(value != nullptr, name << " is not set: run this test by meson");
  return value;
}

void send_message(os::FdRef socket, const channel::Message& message, std::span<const os::FdRef> fds = {}) {
  std::array<std::byte, 64> buffer{};
  const auto size = channel::encode(message, fds.size(), buffer);
  REQUIRE(size.has_value());
  REQUIRE(os::send_packet(socket, std::span{buffer}.first(*size), fds).has_value());
}

}  // namespace

std::vector<std::string> launchers() { return {variable("LAUNCHER"), variable("LAUNCHER_CHECKED")}; }
std::string probe_program() { return variable("PROBE"); }

os::OwnedFd named_memory(const char* name) { return {os::adopt, ::memfd_create(name, MFD_CLOEXEC)}; }

os::OwnedFd open_directory(const std::string& path) {
  return {os::adopt, ::open(path.c_str(), O_PATH | O_CLOEXEC)};
}

TemporaryDirectory::TemporaryDirectory() {
  std::string path = (std::filesystem::temp_directory_path() / "liveswap-launch-XXXXXX").string();
  REQUIRE(::mkdtemp(path.data()) != nullptr);
  path_ = path;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryDirectory::write(const std::string& name, std::string_view content,
                                      unsigned mode) const {
  const std::string path = path_ + "/" + name;
  const os::OwnedFd file{os::adopt, ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)};
  REQUIRE(::write(file.get(), content.data(), content.size()) == static_cast<ssize_t>(content.size()));
  REQUIRE(::fchmod(file.get(), mode) == 0);
  return path;
}

std::string Facts::of(const std::string& name) const {
  const auto found = all.find(name);
  return found == all.end() ? "(none)" : found->second;
}

std::string Facts::descriptors() const {
  std::map<int, std::string> by_number;
  for (const auto& [name, value] : all) {
    if (name.starts_with("fd ")) by_number[std::stoi(name.substr(3))] = value;
  }
  std::string joined;
  for (const auto& [number, value] : by_number) {
    if (number > 2) joined += (joined.empty() ? "" : " ") + std::to_string(number) + "=" + value;
  }
  return joined;
}

// fork rather than os::spawn, so that a test can start the launcher in a bad state of signals and limits.
Launching::Launching(const std::string& launcher, void (*prepare)()) {
  int ends[2] = {-1, -1};
  REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
  channel_ = {os::adopt, ends[0]};
  const os::OwnedFd theirs{os::adopt, ends[1]};
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  output_read_ = {os::adopt, ends[0]};
  output_write_ = {os::adopt, ends[1]};
  pid_ = ::fork();
  REQUIRE(pid_ != -1);
  if (pid_ != 0) return;
  if (theirs.get() == 3) ::fcntl(3, F_SETFD, 0);
  if (theirs.get() != 3) ::dup2(theirs.get(), 3);
  if (prepare != nullptr) prepare();
  ::execl(launcher.c_str(), "liveswap-launch", nullptr);
  ::_exit(99);
}

Launching::~Launching() {
  channel_.reset();
  output_write_.reset();
  if (!status_) static_cast<void>(exit_status());
}

void Launching::send(wire::LaunchPlan plan, std::span<const os::FdRef> descriptors) {
  std::vector<os::FdRef> all(descriptors.begin(), descriptors.end());
  plan.placements.push_back({.source = static_cast<std::uint32_t>(all.size()), .target = 1});
  all.emplace_back(output_write_);
  plan.descriptors = static_cast<std::uint32_t>(all.size());
  const auto bytes = wire::encode(plan);
  REQUIRE_MESSAGE(bytes.has_value(), bytes.error().reason);
  send_plan_bytes(*bytes);
  for (std::size_t at = 0; at < all.size(); at += os::kMaxPacketFds) {
    send_message(channel_, channel::Descriptors{},
                 std::span{all}.subspan(at, std::min(os::kMaxPacketFds, all.size() - at)));
  }
  send_go();
}

void Launching::send_plan_bytes(std::span<const std::byte> bytes, bool sealed) {
  os::OwnedFd file;
  if (sealed) {
    file = os::make_sealed_memfd("plan", bytes).value();
  } else {
    file = named_memory("plan");
    REQUIRE(::write(file.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  send_message(channel_, channel::Plan{}, std::array{os::FdRef{file}});
}

void Launching::send_go() {
  send_message(channel_, channel::Go{});
  output_write_.reset();
}

std::string Launching::next() {
  auto packet = os::receive_packet(channel_, channel::kPacketMax, 1);
  if (!packet) return packet.error().message();
  if ((*packet)->eof) return "closed";
  const auto message = channel::decode((*packet)->payload, (*packet)->fds.size(), channel::End::master);
  if (!message) return std::string{message.error().reason};
  if (std::holds_alternative<channel::Filter>(*message)) notifier_ = std::move((*packet)->fds.front());
  const auto* failed = std::get_if<channel::Failed>(&*message);
  if (failed == nullptr) return std::string{channel::name(*message)};
  const std::string object = failed->object.empty() ? "" : " " + std::string{failed->object};
  return "FAILED " + std::string{failed->step} + object + ": " + os::errno_text(failed->error);
}

std::string Launching::read_line() {
  std::string line;
  for (char byte = 0; ::read(output_read_.get(), &byte, 1) == 1 && byte != '\n';) line += byte;
  return line;
}

Facts Launching::output() {
  std::string text;
  std::array<char, 65536> buffer{};
  output_write_.reset();
  for (;;) {
    const ssize_t size = ::read(output_read_.get(), buffer.data(), buffer.size());
    if (size <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
  Facts facts;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    const std::string line = text.substr(at, end - at);
    const std::size_t equals = line.find('=');
    facts.all.emplace(line.substr(0, equals), line.substr(equals + 1));
    at = end + 1;
  }
  return facts;
}

int Launching::exit_status() {
  int status = 0;
  REQUIRE(::waitpid(pid_, &status, 0) == pid_);
  status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  return *status_;
}

}  // namespace liveswap::launch::test

// What one process has written to a state image, another one reads whole, wherever the writing ended.
#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "master/state_image.hpp"

namespace liveswap::master {
namespace {

constexpr std::size_t kStateMax = 64, kJournalMax = 64;
constexpr std::uint32_t kVersion = 3;

BootId boot(char which) {
  BootId id{};
  id.fill(which);
  return id;
}

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string text(const std::vector<std::byte>& from) {
  return {reinterpret_cast<const char*>(from.data()), from.size()};
}

struct Site {
  os::OwnedFd file{os::adopt, ::memfd_create("state", MFD_CLOEXEC)};
  StateImage image = *StateImage::create(file, kStateMax, kJournalMax, boot('a'));

  bool write(std::string_view lasting, std::uint64_t revision, std::string_view passing) {
    return image.write({bytes(lasting), revision, bytes(passing)}, kVersion);
  }
  SavedState read() const { return *StateImage::read(file, boot('a')); }
  std::string problem(char its_boot = 'a') const { return StateImage::read(file, boot(its_boot)).error().message(); }
  void damage(off_t at) const {
    char byte = 0;
    REQUIRE(::pread(file.get(), &byte, 1, at) == 1);
    byte = static_cast<char>(byte ^ 4);
    REQUIRE(::pwrite(file.get(), &byte, 1, at) == 1);
  }
};

TEST_CASE("the last state is read, with what has happened since") {
  Site site;
  CHECK(site.problem() == "nothing was written to it");
  REQUIRE(site.write("plan", 1, "one"));
  REQUIRE(site.image.append(bytes("event")));
  site.image.set_performed(2);
  SavedState saved = site.read();
  CHECK(saved.version == kVersion);
  CHECK(text(saved.lasting) == "plan");
  CHECK(text(saved.passing) == "one");
  CHECK(saved.performed == 2);
  REQUIRE(saved.journal.size() == 1);
  CHECK(text(saved.journal.front()) == "event");

  REQUIRE(site.write("plan", 1, "two"));
  saved = site.read();
  CHECK(text(saved.passing) == "two");
  CHECK(saved.performed == 0);
  CHECK(saved.journal.empty());
}

TEST_CASE("the lasting part of each half is as new as the state's") {
  Site site;
  REQUIRE(site.write("old", 1, "1"));
  REQUIRE(site.write("newer", 2, "2"));
  REQUIRE(site.write("newer", 2, "3"));
  CHECK(text(site.read().lasting) == "newer");
  REQUIRE(site.write("newer", 2, "4"));
  CHECK(text(site.read().lasting) == "newer");
  CHECK(text(site.read().passing) == "4");
}

TEST_CASE("what has no room is refused, and what was there stays") {
  Site site;
  REQUIRE(site.write("plan", 1, "one"));
  CHECK_FALSE(site.write("plan", 1, std::string(kStateMax, 'x')));
  CHECK_FALSE(site.image.append(bytes(std::string(kJournalMax, 'x'))));
  CHECK(text(site.read().passing) == "one");
  CHECK(site.read().journal.empty());
}

TEST_CASE("what is not to be believed is refused with its reason") {
  Site site;
  REQUIRE(site.write("plan", 1, "one"));
  CHECK(site.problem('b') == "it is from before the machine was started, or from another machine");
  constexpr off_t kFirstHalf = 4096;
  site.damage(kFirstHalf + 5);
  CHECK(site.problem() == "it is damaged (a checksum)");
  site.damage(kFirstHalf + 5);
  CHECK(text(site.read().passing) == "one");
  site.damage(0);
  CHECK(site.problem() == "it is no state of liveswap's");
  site.damage(0);
  REQUIRE(::ftruncate(site.file.get(), 4096 + 10) == 0);
  CHECK(site.problem() == "it is damaged (its sizes)");
  REQUIRE(::ftruncate(site.file.get(), 100) == 0);
  CHECK(site.problem() == "it is damaged (it is too short)");
}

TEST_CASE("no flipped bit in the header is taken for something that was written") {
  Site site;
  REQUIRE(site.write("plan", 1, "one"));
  REQUIRE(site.image.append(bytes("event")));
  for (off_t at = 0; at < 400; ++at) {
    site.damage(at);
    if (const auto saved = StateImage::read(site.file, boot('a'))) {
      CHECK(text(saved->lasting) == "plan");
      CHECK(text(saved->passing) == "one");
      CHECK(saved->journal.size() <= 1);
    }
    site.damage(at);
  }
}

}  // namespace
}  // namespace liveswap::master

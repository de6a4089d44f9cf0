// The archive by itself: what is written is read again, and what was not written by it is refused.
#include <doctest/doctest.h>

#include "core/archive_reader.hpp"
#include "core/archive_writer.hpp"
#include "core/tables.hpp"
#include "core/time.hpp"

namespace liveswap::core {
namespace {

enum class Colour { red, green };

struct Leaf {
  int number = 0;
  bool flag = false;
  bool operator==(const Leaf&) const = default;
};
LIVESWAP_FIELDS(Leaf, number, flag)

struct Grown {
  std::uint8_t old = 0;
  std::uint32_t added = 7;
  bool operator==(const Grown&) const = default;
};
LIVESWAP_FIELDS_SINCE(kArchiveVersion, Grown, (old), (added))

class Hidden {
 public:
  Hidden() = default;
  explicit Hidden(int value) : value_(value) {}
  template <class Archive>
  void persist(Archive& archive) {
    archive(value_);
  }
  bool operator==(const Hidden&) const = default;

 private:
  int value_ = 0;
};

struct Everything {
  std::string text;
  std::vector<Leaf> leaves;
  std::map<WorkerId, std::optional<Duration>> map;
  std::set<Slot> set;
  std::variant<Leaf, std::string> either;
  Time time{};
  WorkerState state{};
  Colour colour{};
  Hidden hidden;
  Grown grown;
  std::pair<std::int64_t, std::uint16_t> pair;
  bool operator==(const Everything&) const = default;
};
LIVESWAP_FIELDS(Everything, text, leaves, map, set, either, time, state, colour, hidden, grown, pair)

Everything filled() {
  return {.text = std::string("a\0b", 3),
          .leaves = {{-1, true}, {2, false}},
          .map = {{WorkerId{1}, Duration(5)}, {WorkerId{9}, std::nullopt}},
          .set = {3, 4},
          .either = "text",
          .time = kNever,
          .state = WorkerState::draining,
          .colour = Colour::green,
          .hidden = Hidden(12),
          .grown = {1, 2},
          .pair = {-5, 65535}};
}

}  // namespace

template <>
inline constexpr std::optional<Colour> kLastOf<Colour> = Colour::green;

namespace {

TEST_CASE("what is written is read again") {
  ArchiveWriter writer;
  writer(filled());
  ArchiveReader reader(writer.bytes(), kArchiveVersion);
  Everything read;
  reader(read);
  CHECK_FALSE(reader.failed());
  CHECK(reader.at_end());
  CHECK(read == filled());
}

TEST_CASE("every shorter text fails, and none is read beyond its end") {
  ArchiveWriter writer;
  writer(filled());
  for (std::size_t size = 0; size < writer.bytes().size(); ++size) {
    const std::vector<std::byte> shorter(writer.bytes().begin(),
                                         writer.bytes().begin() + static_cast<std::ptrdiff_t>(size));
    ArchiveReader reader(shorter, kArchiveVersion);
    Everything read;
    reader(read);
    CHECK(reader.failed());
  }
}

TEST_CASE("what several share is one object again") {
  const auto shared = std::make_shared<const Leaf>(Leaf{5, true});
  ArchiveWriter writer;
  writer(shared, shared, std::shared_ptr<const Leaf>());
  ArchiveReader reader(writer.bytes(), kArchiveVersion);
  std::shared_ptr<const Leaf> first, second, none = shared;
  reader(first, second, none);
  CHECK_FALSE(reader.failed());
  CHECK(*first == Leaf{5, true});
  CHECK(first == second);
  CHECK(none == nullptr);
}

TEST_CASE("a version of the future, and none, fail") {
  for (const std::uint32_t version : {0U, kArchiveVersion + 1}) {
    ArchiveReader reader({}, version);
    CHECK(reader.failed());
  }
}

TEST_CASE("what cannot have been written fails") {
  const auto fails = []<class Read, class Written>(Read read, const Written& written) {
    ArchiveWriter writer;
    writer(written);
    ArchiveReader reader(writer.bytes(), kArchiveVersion);
    reader(read);
    return reader.failed();
  };
  CHECK(fails(false, std::uint8_t{2}));
  CHECK(fails(Colour::red, std::uint32_t{2}));
  CHECK(fails(WorkerState::ready, std::string("asleep")));
  CHECK(fails(std::set<Slot>{}, std::vector<Slot>{3, 3}));
  CHECK(fails(std::vector<Slot>{}, std::uint32_t{1U << 31}));
  CHECK(fails(std::variant<Slot>{}, std::uint8_t{1}));
  CHECK(fails(std::shared_ptr<Leaf>{}, std::uint32_t{2}));
}

}  // namespace
}  // namespace liveswap::core

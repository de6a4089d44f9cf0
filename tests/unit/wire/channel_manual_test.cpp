// liveswap-worker(7) against the codec: every message is in the page as it is in the table, and the bytes
// that the page shows are the bytes that are sent. A client written from the page works, or this fails.
#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "bytes.hpp"
#include "wire/channel.hpp"
#include "wire/man_page.hpp"

namespace {

namespace channel = liveswap::wire::channel;
using liveswap::wire::FieldList;
using namespace std::string_view_literals;

// The page with each run of white space as one space, since the source breaks lines where it likes.
std::string manual() {
  std::ifstream file(kManPage);
  REQUIRE(file.good());
  std::string text;
  for (std::string word; file >> word;) text += (text.empty() ? "" : " ") + word;
  return text;
}

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// The bytes at the start of each line of the literal blocks that follow `text`, up to the next `.Ed`.
std::vector<std::byte> shown_after(std::string_view text) {
  std::ifstream file(kManPage);
  const auto is_byte = [](std::string_view word) {
    return word.size() == 2 && word.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  };
  std::string hex;
  bool found = false;
  for (std::string line; std::getline(file, line) && !(found && line == ".Ed");) {
    found = found || has(line, text);
    if (!found) continue;
    for (std::size_t at = 0; at + 2 <= line.size() && is_byte(line.substr(at, 2)); at += 3) {
      if (at + 2 < line.size() && line[at + 2] != ' ') break;
      hex += line.substr(at, 2);
    }
  }
  return bytes_of_hex(hex);
}

std::vector<std::byte> packet(const channel::Message& message, std::size_t descriptors) {
  std::vector<std::byte> buffer(channel::kPacketMax);
  buffer.resize(channel::encode(message, descriptors, buffer).value());
  return buffer;
}

TEST_CASE("manual: every message is there, with its number, its fields in order, and what it means") {
  const std::string page = manual();
  std::string fields;
#define TEXT(name) fields += (fields.empty() ? " : Ar " : " , Ar ") + std::string(#name);
#define NUMBER(name) TEXT(name)
#define SMALL(name) TEXT(name)
#define LIMIT(name) TEXT(name)
#define NAMES(name) TEXT(name) fields += " ...";
#define CHANNEL_MESSAGE(type, NAME, number, from, to, descriptors, members, doc) \
  fields.clear();                                                                \
  members;                                                                       \
  CHECK_MESSAGE(has(page, ".It Sy " #NAME " " #number + fields + " " + (doc)), #NAME, fields);
#include "wire/channel_messages.def"
#undef CHANNEL_MESSAGE
#undef TEXT
#undef NUMBER
#undef SMALL
#undef LIMIT
#undef NAMES
}

TEST_CASE("manual: the header is laid out as the codec writes it") {
  const std::string page = manual();
  CHECK(has(page, "header of " + std::to_string(channel::kHeaderSize) + " bytes"));
  CHECK(has(page, ".It 0 Ta 1 Ta major version: " + std::to_string(channel::kMajor)));
  CHECK(has(page, ".It 1 Ta 1 Ta minor version: " + std::to_string(channel::kMinor)));
  CHECK(has(page, ".It 4 Ta 2 Ta how many descriptors ride on the packet (SCM_RIGHTS), at most " +
                      std::to_string(channel::kDescriptorsMax)));
  CHECK(has(page, ".It 6 Ta 2 Ta bytes of payload, at most " + std::to_string(channel::kPayloadMax)));
}

TEST_CASE("manual: the packets that it shows are those that are sent") {
  CHECK(shown_after("This is STATUS with the text") == packet(channel::Status{"warming up"}, 0));
  CHECK(shown_after("and this LISTENERS with one descriptor") ==
        packet(channel::Listeners{FieldList{"late\0"sv}}, 1));
}

}  // namespace

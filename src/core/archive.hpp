// How values become bytes that outlive the process, and values again: one list of fields per struct, for writing and
// for reading.
//
//   LIVESWAP_FIELDS(SlotState, wanted, gave_up, …)     every field, in the struct's order; one that is left out does
//                                                      not compile
//   LIVESWAP_FIELDS_SINCE(2, SlotState, (wanted, gave_up), (added))
//                                                      the latter came with version 2: in older bytes they are missing,
//                                                      and keep their defaults
//   template <class Archive> void persist(Archive& archive) { archive(a_, b_); }
//                                                      for a class with private fields, as its member
//
// Promise: bytes of every version up to kArchiveVersion can be read. So fields are only ever added, at the end and with
// a new version; enumerators that stand in a .def table are written by name, others by number and only ever added; what
// is written here is never written differently. tests/unit/core/archive_samples/ has bytes of each version.
//
// Numbers are fixed-width little-endian; texts and containers have their size before them. A reader believes nothing:
// it fails at the first thing that cannot be, and everything after that is as default-constructed.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "core/ids.hpp"

namespace liveswap::core {

inline constexpr std::uint32_t kArchiveVersion = 1;

// The last enumerator, of an enum that stands in no table.
template <class Enum>
inline constexpr std::optional<Enum> kLastOf = std::nullopt;

template <class Enum>
std::span<const std::string_view> names();  // choices.hpp, tables.hpp

namespace archive {

template <class T>
inline constexpr bool kIsId = false;
template <class Tag>
inline constexpr bool kIsId<Id<Tag>> = true;

template <class T, template <class...> class Template>
inline constexpr bool kIsA = false;
template <template <class...> class Template, class... Arguments>
inline constexpr bool kIsA<Template<Arguments...>, Template> = true;

template <class T>
concept Sequence = kIsA<T, std::vector> || kIsA<T, std::deque>;
template <class T>
concept Chrono = kIsA<T, std::chrono::duration> || kIsA<T, std::chrono::time_point>;
template <class T>
concept Map = kIsA<T, std::map>;
template <class T>
concept Set = kIsA<T, std::set>;

}  // namespace archive

#define LIVESWAP_FIELDS(Type, ...)                             \
  template <class Archive, class Value>                        \
    requires std::same_as<std::remove_const_t<Value>, Type>    \
  void fields(Archive& archive, Value& whole) {                \
    auto& [__VA_ARGS__] = whole;                               \
    archive(__VA_ARGS__);                                      \
  }

#define LIVESWAP_UNWRAP(...) __VA_ARGS__
#define LIVESWAP_FIELDS_SINCE(since, Type, before, added)          \
  template <class Archive, class Value>                            \
    requires std::same_as<std::remove_const_t<Value>, Type>        \
  void fields(Archive& archive, Value& whole) {                    \
    auto& [LIVESWAP_UNWRAP before, LIVESWAP_UNWRAP added] = whole; \
    archive(LIVESWAP_UNWRAP before);                               \
    if (archive.version() >= (since)) archive(LIVESWAP_UNWRAP added); \
  }

// A struct without fields.
#define LIVESWAP_NO_FIELDS(Type)                            \
  template <class Archive, class Value>                     \
    requires std::same_as<std::remove_const_t<Value>, Type> \
  void fields(Archive&, Value&) {}

}  // namespace liveswap::core

// Values to bytes; archive.hpp says how. Cannot fail.
#pragma once

#include <cstddef>

#include "core/archive.hpp"

namespace liveswap::core {

class ArchiveWriter {
 public:
  template <class... Values>
  ArchiveWriter& operator()(const Values&... values) {
    (put(values), ...);
    return *this;
  }

  [[nodiscard]] std::uint32_t version() const { return kArchiveVersion; }
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
  // Keeps its memory, for the next time.
  void clear() {
    bytes_.clear();
    shared_.clear();
  }

 private:
  template <std::integral T>
  void put_number(T value) {
    const auto bits = static_cast<std::make_unsigned_t<T>>(value);
    const std::size_t at = bytes_.size();
    bytes_.resize(at + sizeof bits);
    for (std::size_t i = 0; i < sizeof bits; ++i) bytes_[at + i] = static_cast<std::byte>(bits >> (8 * i));
  }

  void put_size(std::size_t size) { put_number(static_cast<std::uint32_t>(size)); }

  void put_text(std::string_view text) {
    put_size(text.size());
    const auto bytes = std::as_bytes(std::span(text));
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }

  template <class T>
  void put(const T& value) {
    if constexpr (std::same_as<T, bool>) {
      put_number(static_cast<std::uint8_t>(value));
    } else if constexpr (std::integral<T>) {
      put_number(value);
    } else if constexpr (std::is_enum_v<T>) {
      put_enum(value);
    } else if constexpr (archive::kIsId<T>) {
      put_number(value.value);
    } else if constexpr (archive::kIsA<T, std::chrono::duration>) {
      put_number(value.count());
    } else if constexpr (archive::kIsA<T, std::chrono::time_point>) {
      put_number(value.time_since_epoch().count());
    } else {
      put_composed(value);
    }
  }

  template <class T>
  void put_enum(T value) {
    if constexpr (kLastOf<T>) {
      put_number(static_cast<std::uint32_t>(std::to_underlying(value)));
    } else {
      put_text(names<T>()[static_cast<std::size_t>(std::to_underlying(value))]);
    }
  }

  template <class T>
  void put_composed(const T& value) {
    if constexpr (std::same_as<T, std::string>) {
      put_text(value);
    } else if constexpr (archive::Sequence<T> || archive::Set<T> || archive::Map<T>) {
      put_size(value.size());
      for (const auto& element : value) put(element);
    } else if constexpr (archive::kIsA<T, std::optional>) {
      put(value.has_value());
      if (value) put(*value);
    } else if constexpr (archive::kIsA<T, std::pair>) {
      (*this)(value.first, value.second);
    } else if constexpr (archive::kIsA<T, std::variant>) {
      put_number(static_cast<std::uint8_t>(value.index()));
      std::visit([this](const auto& held) { put(held); }, value);
    } else if constexpr (archive::kIsA<T, std::shared_ptr>) {
      put_shared(value);
    } else if constexpr (requires { const_cast<T&>(value).persist(*this); }) {
      const_cast<T&>(value).persist(*this);  // which writes here, and so changes nothing
    } else {
      fields(*this, value);
    }
  }

  // Each object once; whoever shares it names its number. 0: none.
  template <class T>
  void put_shared(const std::shared_ptr<T>& value) {
    if (!value) return put_number(std::uint32_t{0});
    const auto [place, is_new] = shared_.try_emplace(value.get(), static_cast<std::uint32_t>(shared_.size() + 1));
    put_number(place->second);
    if (is_new) put(*value);
  }

  std::vector<std::byte> bytes_;
  std::map<const void*, std::uint32_t> shared_;
};

}  // namespace liveswap::core

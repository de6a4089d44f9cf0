// Bytes to values; archive.hpp says how.
//
// Ask failed() at the end, and throw everything away if it is so.
#pragma once

#include <cstddef>

#include "core/archive.hpp"

namespace liveswap::core {

class ArchiveReader {
 public:
  // Borrows the bytes. `version`: of whoever wrote them.
  ArchiveReader(std::span<const std::byte> bytes, std::uint32_t version) : rest_(bytes), version_(version) {
    if (version == 0 || version > kArchiveVersion) fail();
  }

  template <class... Values>
  ArchiveReader& operator()(Values&... values) {
    (get(values), ...);
    return *this;
  }

  [[nodiscard]] std::uint32_t version() const { return version_; }
  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  void fail() {
    failed_ = true;
    rest_ = {};
  }

 private:
  static constexpr int kDepthMax = 32;  // of values within values; ours stay far below

  template <std::integral T>
  T get_number() {
    using Bits = std::make_unsigned_t<T>;
    if (rest_.size() < sizeof(Bits)) {
      fail();
      return {};
    }
    Bits bits = 0;
    for (std::size_t i = 0; i < sizeof bits; ++i) {
      bits = static_cast<Bits>(bits | static_cast<Bits>(static_cast<Bits>(rest_[i]) << (8 * i)));
    }
    rest_ = rest_.subspan(sizeof bits);
    return static_cast<T>(bits);
  }

  // Every element takes a byte at least, so that no number makes us allocate more than there is.
  std::size_t get_size() {
    const std::size_t size = get_number<std::uint32_t>();
    if (size <= rest_.size()) return size;
    fail();
    return 0;
  }

  template <class T>
  void get(T& value) {
    if constexpr (std::same_as<T, bool>) {
      const auto number = get_number<std::uint8_t>();
      if (number > 1) fail();
      value = number == 1;
    } else if constexpr (std::integral<T>) {
      value = get_number<T>();
    } else if constexpr (std::is_enum_v<T>) {
      value = get_enum<T>();
    } else if constexpr (archive::kIsId<T>) {
      value.value = get_number<std::uint64_t>();
    } else if constexpr (archive::kIsA<T, std::chrono::duration>) {
      value = T(get_number<typename T::rep>());
    } else if constexpr (archive::kIsA<T, std::chrono::time_point>) {
      value = T(typename T::duration(get_number<typename T::rep>()));
    } else {
      get_composed(value);
    }
  }

  template <class T>
  T get_enum() {
    if constexpr (kLastOf<T>) {
      const auto number = get_number<std::uint32_t>();
      if (number <= static_cast<std::uint32_t>(std::to_underlying(*kLastOf<T>))) return static_cast<T>(number);
    } else {
      std::string name;
      get(name);
      const auto known = names<T>();
      for (std::size_t i = 0; i < known.size(); ++i) {
        if (known[i] == name) return static_cast<T>(i);
      }
    }
    fail();
    return T{};
  }

  template <class T>
  void get_composed(T& value) {
    if (++depth_ > kDepthMax) fail();
    if (failed_) {
      if constexpr (std::is_default_constructible_v<T>) value = T{};
    } else if constexpr (std::same_as<T, std::string>) {
      const std::size_t size = get_size();
      value.assign(reinterpret_cast<const char*>(rest_.data()), size);
      rest_ = rest_.subspan(size);
    } else if constexpr (archive::Sequence<T>) {
      get_sequence(value);
    } else if constexpr (archive::Set<T> || archive::Map<T>) {
      get_associative(value);
    } else if constexpr (archive::kIsA<T, std::optional>) {
      bool has = false;
      get(has);
      value.reset();
      if (has) get(value.emplace());
    } else if constexpr (archive::kIsA<T, std::pair>) {
      (*this)(value.first, value.second);
    } else if constexpr (archive::kIsA<T, std::variant>) {
      get_variant(value, get_number<std::uint8_t>(), std::make_index_sequence<std::variant_size_v<T>>());
    } else if constexpr (archive::kIsA<T, std::shared_ptr>) {
      get_shared(value);
    } else if constexpr (requires { value.persist(*this); }) {
      value.persist(*this);
    } else {
      fields(*this, value);
    }
    --depth_;
  }

  template <class T>
  void get_sequence(T& value) {
    value.clear();
    for (std::size_t left = get_size(); left > 0 && !failed_; --left) get(value.emplace_back());
  }

  // In order, as they were written: what is not was not written by us.
  template <class T>
  void get_associative(T& value) {
    value.clear();
    for (std::size_t left = get_size(); left > 0 && !failed_; --left) {
      const std::size_t before = value.size();
      if constexpr (archive::Map<T>) {
        std::pair<typename T::key_type, typename T::mapped_type> element;
        get(element);
        value.insert(value.end(), std::move(element));
      } else {
        typename T::value_type element{};
        get(element);
        value.insert(value.end(), std::move(element));
      }
      if (value.size() == before) fail();
    }
  }

  template <class T, std::size_t... Indexes>
  void get_variant(T& value, std::size_t index, std::index_sequence<Indexes...>) {
    const bool known = ((index == Indexes ? (get(value.template emplace<Indexes>()), true) : false) || ...);
    if (!known) fail();
  }

  template <class T>
  void get_shared(std::shared_ptr<T>& value) {
    static constexpr char kType = 0;  // its address stands for T
    const std::size_t number = get_number<std::uint32_t>();
    value.reset();
    if (number == 0) return;
    if (number <= shared_.size()) {
      const auto& [object, type] = shared_[number - 1];
      if (type != &kType) return fail();
      value = std::static_pointer_cast<T>(std::const_pointer_cast<void>(object));
      return;
    }
    if (number != shared_.size() + 1) return fail();
    auto made = std::make_shared<std::remove_const_t<T>>();
    shared_.emplace_back(made, &kType);
    get(*made);
    value = std::move(made);
  }

  std::span<const std::byte> rest_;
  std::uint32_t version_;
  bool failed_ = false;
  int depth_ = 0;
  std::vector<std::pair<std::shared_ptr<const void>, const char*>> shared_;
};

}  // namespace liveswap::core

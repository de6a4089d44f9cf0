// liveswap/worker.hpp: libliveswap for C++17 and later, on top of liveswap/worker.h, where all is explained.
// One class that owns the worker object; failures of what cannot be ignored are std::system_error.
#ifndef LIVESWAP_WORKER_HPP
#define LIVESWAP_WORKER_HPP

#include <liveswap/worker.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace liveswap {

class Worker {
 public:
  enum class Protocol { none = LIVESWAP_NONE, systemd = LIVESWAP_SYSTEMD, native = LIVESWAP_NATIVE };

  struct Listener {
    std::string_view name;  // valid as long as the worker
    int fd;                 // belongs to the program
  };

  // flags: LIVESWAP_UNSET_ENVIRONMENT, LIVESWAP_DRAIN_ON_SIGTERM
  explicit Worker(unsigned flags = 0) : state_(std::make_unique<State>()) {
    check(liveswap_open(&state_->worker, flags), "liveswap_open");
    const liveswap_callbacks callbacks = {&State::drain, &State::listener, &State::lost, &State::message};
    liveswap_set_callbacks(state_->worker, &callbacks, state_.get());
  }

  Protocol protocol() const { return static_cast<Protocol>(liveswap_worker_protocol(get())); }

  std::size_t listener_count() const { return liveswap_listener_count(get()); }
  Listener listener(std::size_t index) const {
    return {liveswap_listener_name(get(), index),
            check(liveswap_listener_fd(get(), index), "liveswap_listener_fd")};
  }
  // None where there is no such listener.
  std::optional<int> find_listener(const std::string& name, std::size_t nth = 0) const {
    const int fd = liveswap_find_listener(get(), name.c_str(), nth);
    return fd < 0 ? std::nullopt : std::optional<int>(fd);
  }

  // None: the worker may take as long as it needs, or nobody said.
  using Deadline = std::optional<std::chrono::milliseconds>;
  void on_drain(std::function<void(Deadline)> callback) { state_->on_drain = std::move(callback); }
  void on_listener(std::function<void(std::string_view name, int fd)> callback) {
    state_->on_listener = std::move(callback);
  }
  void on_lost(std::function<void()> callback) { state_->on_lost = std::move(callback); }
  // The text is valid during the call.
  void on_message(std::function<void(std::string_view text)> callback) { state_->on_message = std::move(callback); }

  // To poll for reading; -1: nothing can come.
  int fd() const { return liveswap_fd(get()); }

  // Handles all that has come. What a callback throws comes out of here, once all is handled.
  int process() {
    const int handled = liveswap_process(get());
    if (state_->thrown) std::rethrow_exception(std::exchange(state_->thrown, nullptr));
    return check(handled, "liveswap_process");
  }

  void ready() { check(liveswap_ready(get()), "liveswap_ready"); }

  // Worth no exception: false where it could not be said.
  bool status(const std::string& text) { return liveswap_status(get(), text.c_str()) == 0; }
  bool connections(std::uint64_t open) { return liveswap_connections(get(), open) == 0; }
  bool watchdog() { return liveswap_watchdog(get()) == 0; }
  bool extend(std::chrono::microseconds by) {
    return liveswap_extend(get(), static_cast<std::uint64_t>(by.count())) == 0;
  }
  bool stopping() { return liveswap_stopping(get()) == 0; }

  // Zero: there is no watchdog.
  std::chrono::microseconds watchdog_interval() const {
    return std::chrono::microseconds(liveswap_watchdog_interval(get()));
  }

  liveswap_worker* get() const { return state_->worker; }

 private:
  // The C library keeps a pointer to this, so that a Worker can be moved.
  struct State {
    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() { liveswap_close(worker); }

    // No exception may pass through the library's frames.
    template <class Callback, class... Arguments>
    void call(const Callback& callback, Arguments... arguments) noexcept {
      try {
        if (callback) callback(arguments...);
      } catch (...) {
        if (!thrown) thrown = std::current_exception();
      }
    }
    static void drain(void* data, std::int64_t deadline_ms) {
      auto* self = static_cast<State*>(data);
      self->call(self->on_drain,
                 deadline_ms < 0 ? Deadline() : Deadline(std::chrono::milliseconds(deadline_ms)));
    }
    static void listener(void* data, const char* name, int fd) {
      auto* self = static_cast<State*>(data);
      self->call(self->on_listener, std::string_view(name), fd);
    }
    static void lost(void* data) {
      auto* self = static_cast<State*>(data);
      self->call(self->on_lost);
    }
    static void message(void* data, const char* text, std::size_t length) {
      auto* self = static_cast<State*>(data);
      self->call(self->on_message, std::string_view(text, length));
    }

    liveswap_worker* worker = nullptr;
    std::function<void(Deadline)> on_drain;
    std::function<void(std::string_view, int)> on_listener;
    std::function<void()> on_lost;
    std::function<void(std::string_view)> on_message;
    std::exception_ptr thrown;
  };

  static int check(int result, const char* function) {
    if (result < 0) throw std::system_error(-result, std::generic_category(), function);
    return result;
  }

  std::unique_ptr<State> state_;
};

}  // namespace liveswap

#endif

// The `${…}` of an app's words, checked when the file is read: every name and form; values come later.
#pragma once

#include <string_view>

#include "config/decode_listeners.hpp"
#include "config/decoder.hpp"
#include "config/expand.hpp"
#include "core/plan.hpp"

namespace liveswap::config {

// Where a word stands decides what it may ask for.
enum class Place { command, env, cwd, ready_command };

class TemplateCheck {
 public:
  // Borrows all; `app` has its name, target and listeners.
  TemplateCheck(Context& context, const std::vector<PlacedListener>& listeners, const core::AppPlan& app)
      : context_(context), listeners_(listeners), app_(app) {}

  // `key`: for messages, as "apps.web.command".
  void check(const PlacedWord& word, std::string_view key, Place place) const;

 private:
  std::string refuse(const Part& part, Place place) const;
  std::string refuse_listener(const Part& part) const;

  Context& context_;
  const std::vector<PlacedListener>& listeners_;
  const core::AppPlan& app_;
};

}  // namespace liveswap::config

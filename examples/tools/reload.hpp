// SPDX-License-Identifier: BSL-1.0
// SIGHUP: the settings are read again, as they were at the start, and taken over whole or not at all.
#pragma once

#include "event_loop.hpp"
#include "settings.hpp"

#include <ajar/core/awaitable.hpp>
#include <ajar/telling/step.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tools {

// What is needed to read them again, and to tell of it.
class reload {
 public:
  // @param before  those that the tool runs with
  // @param said    what is told as steps; may be empty
  reload(const option_table& table, int count, const char* const* words, settings before, ajar::telling::step_sink said)
      : table_(table), count_(count), words_(words), before_(std::move(before)), said_(std::move(said)) {}

  // The settings as they are now. Nothing where one of them is wrong: the log says which.
  std::optional<settings> read() const;

  // Say that nothing has changed, and why.
  void keep(const std::string& why) const { say("kept the settings as they were", why); }

  // All that is live has been taken over.
  void taken(const settings& now) const;

 private:
  // What must be known is said where no steps are printed, too.
  void say(std::string_view what, const std::string& detail) const;

  const option_table& table_;
  int count_;
  const char* const* words_;
  settings before_;
  ajar::telling::step_sink said_;
};

// Until the signals are cancelled.
ajar::awaitable<void> reload_at_hangup(signals& hangups, std::function<void()> again);

}  // namespace tools

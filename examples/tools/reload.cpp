// SPDX-License-Identifier: BSL-1.0
#include "reload.hpp"

#include "line_writer.hpp"
#include "settings_report.hpp"

#include <utility>

namespace tools {

std::optional<settings> reload::read() const {
  auto now = read_settings(table_, count_, words_);
  if (now) return std::move(*now);
  for (const auto& one : now.error()) keep(one);
  return std::nullopt;
}

void reload::taken(const settings& now) const {
  for (const auto& name : wanting_restart(table_, "run", before_, now)) {
    const auto* entry = now.find(name);
    const bool in_file = entry && entry->from == settings::source::file;
    say("a changed setting needs a restart", in_file ? now.where(name) : name);
  }
  ajar::telling::report_step(said_, "", "read the settings again",
                             now.file().empty() ? "there is no file" : now.file());
}

void reload::say(std::string_view what, const std::string& detail) const {
  if (!said_) tell("{}: {}: {}\n", table_.tool(), what, detail);
  ajar::telling::report_step(said_, "", what, detail);
}

ajar::awaitable<void> reload_at_hangup(signals& hangups, std::function<void()> again) {
  for (;;) {
    const bool came = co_await hangups.next();
    if (!came) co_return;
    again();
  }
}

}  // namespace tools

// SPDX-License-Identifier: BSL-1.0
// The settings in effect, and where each comes from: TOOL config.
#pragma once

#include "settings.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <string>

namespace tools {

inline std::string spoken_source(const settings::entry& of, const settings::value& one) {
  switch (of.from) {
    case settings::source::command_line:
      return "command line";
    case settings::source::file:
      return one.place.path + ":" + std::to_string(one.place.line);
    case settings::source::fallback:
      break;
  }
  return "default";
}

namespace detail {

// JSON's escapes are TOML's too; what is no UTF-8 cannot be written in either.
inline std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

inline std::string written(const option& what, const std::string& text) {
  return what.form() == shape::flag || what.form() == shape::number ? text : quoted(text);
}

}  // namespace detail

// A file that says the same, with comments.
inline std::string settings_as_toml(const option_table& table, const settings& all) {
  std::string text = all.file().empty() ? "# no file\n" : "# file: " + all.file() + "\n";
  for (const auto& one : table.options()) {
    if (!one.in_file()) continue;
    const auto* entry = all.find(one.name());
    if (!entry) {
      text += "# " + one.name() + " is not set\n";
      continue;
    }
    std::string list;
    for (const auto& value : entry->values) {
      auto left = one.name();
      auto right = detail::written(one, value.text);
      if (one.form() == shape::list) {
        list += (list.empty() ? "" : ", ") + right;
        continue;
      }
      if (one.form() == shape::pairs) {
        const auto equals = value.text.find('=');
        left += "." + detail::quoted(value.text.substr(0, equals));  // a name with a dot wants its quotes
        right = detail::quoted(value.text.substr(equals + 1));
      }
      text += fmt::format("{} = {}  # {}\n", left, right, spoken_source(*entry, value));
    }
    if (one.form() == shape::list) {
      text += fmt::format("{} = [{}]  # {}\n", one.name(), list, spoken_source(*entry, entry->values.front()));
    }
  }
  return text;
}

// {"file": .., "settings": {NAME: {"value": .., "from": "file", "file": .., "line": .., "column": ..}}}
inline std::string settings_as_json(const option_table& table, const settings& all) {
  nlohmann::ordered_json made = {{"file", nullptr}, {"settings", nlohmann::ordered_json::object()}};
  if (!all.file().empty()) made["file"] = all.file();
  for (const auto& one : table.options()) {
    const auto* entry = one.in_file() ? all.find(one.name()) : nullptr;
    if (!entry) continue;
    nlohmann::ordered_json value;
    if (one.form() == shape::list) value = nlohmann::ordered_json::array();
    for (const auto& each : entry->values) {
      const auto equals = each.text.find('=');
      if (one.form() == shape::flag) value = each.text == "true";
      if (one.form() == shape::number) value = std::stoull(each.text);
      if (one.form() == shape::text) value = each.text;
      if (one.form() == shape::list) value.push_back(each.text);
      if (one.form() == shape::pairs) value[each.text.substr(0, equals)] = each.text.substr(equals + 1);
    }
    nlohmann::ordered_json line = {{"value", value}, {"from", "default"}};
    if (entry->from == settings::source::command_line) line["from"] = "command line";
    if (entry->from == settings::source::file) {
      const auto& at = entry->values.front().place;
      line["from"] = "file";
      line["file"] = at.path;
      line["line"] = at.line;
      line["column"] = at.column;
    }
    made["settings"][one.name()] = line;
  }
  return made.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace tools

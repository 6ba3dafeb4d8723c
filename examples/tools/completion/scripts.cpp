// SPDX-License-Identifier: BSL-1.0
#include "scripts.hpp"

#include <algorithm>

namespace tools {

std::string joined(const std::vector<std::string>& all, std::string_view between) {
  std::string text;
  for (const auto& one : all) text.append(text.empty() ? "" : between).append(one);
  return text;
}

std::string filled(std::string_view script, const std::vector<std::pair<std::string, std::string>>& places) {
  std::string text(script);
  for (const auto& [place, content] : places) {
    for (auto at = text.find(place); at != std::string::npos; at = text.find(place, at + content.size())) {
      text.replace(at, place.size(), content);
    }
  }
  return text;
}

std::string single_quoted(std::string_view text, std::string_view quote) {
  std::string safe = "'";
  for (const char c : text) c == '\'' ? safe.append(quote) : safe.append(1, c);
  return safe + "'";
}

std::string backslashed(std::string_view text, std::string_view what) {
  std::string safe;
  for (const char c : text) safe.append(what.find(c) == std::string_view::npos ? "" : "\\").append(1, c);
  return safe;
}

std::string function_of(const option_table& table) {
  auto name = "_" + table.tool();
  std::ranges::replace(name, '-', '_');
  return name;
}

std::vector<std::string> valued(const option_table& table) {
  std::vector<std::string> names;
  for (const auto& one : table.options()) {
    if (one.form() != shape::flag) names.push_back("--" + one.name());
  }
  return names;
}

std::vector<std::string> values_of(const option& one) {
  auto words = one.words();
  if (one.several() && words.size() > 1) words.push_back(joined(one.words(), ","));
  return words;
}

std::vector<std::string> commands_of(const option_table& table, const option& one) {
  std::vector<std::string> names;
  for (const auto& each : table.commands()) {
    if (!one.commands().empty() && one.is_for(each.name)) names.push_back(each.name);
  }
  return names;
}

std::string action_for(completes what, const actions& all) {
  switch (what) {
    case completes::file:
      return all.file;
    case completes::folder:
      return all.folder;
    case completes::server:
      return all.server;
    case completes::remote_path:
      return all.remote_path;
    case completes::remote_path_or_folder:
      return all.remote_path_or_folder;
    case completes::command:
      return all.command;
    case completes::shell:
      return all.shell;
    case completes::nothing:
      break;
  }
  return {};
}

}  // namespace tools

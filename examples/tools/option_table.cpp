// SPDX-License-Identifier: BSL-1.0
// examples/tools/option_table.cpp - what can be said to a tool, and how it is told: option.hpp, option_table.hpp,
// checks.hpp, settings_report.hpp.
#include "option_table.hpp"

#include "advice.hpp"
#include "checks.hpp"
#include "console.hpp"
#include "settings_report.hpp"

#include <ajar/core/bytes.hpp>
#include <ajar/identity/url.hpp>
#include <ajar/net/endpoint.hpp>
#include <ajar/trust/grant.hpp>
#include <ajar/windows/port_pool.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <asio/ip/address.hpp>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace tools {

// ---- option.hpp

std::string listed(const std::vector<std::string>& all, std::string_view last) {
  std::string text;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool ends = i + 1 == all.size();
    if (i > 0) text += all.size() > 2 ? ", " : " ";
    if (i > 0 && ends) text.append(last).append(" ");
    text += all[i];
  }
  return text;
}

std::string option::complaint(const std::string& value) const {
  if (form_ == shape::number && !number_of(value)) {
    return " is a number from " + std::to_string(least_) + " to " + std::to_string(most_);
  }
  if (!words_.empty() && !fits_words(value)) return " is " + spoken_words();
  return check_ ? check_(value) : std::string();
}

bool option::number_of(std::string_view text) const {
  if (text.empty() || text.size() > 18 || !std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) {
    return false;
  }
  const auto value = std::stoull(std::string(text));
  return value >= least_ && value <= most_;
}

bool option::fits_words(std::string_view value) const {
  for (;;) {
    const auto comma = several_ ? value.find(',') : std::string_view::npos;
    if (std::ranges::find(words_, value.substr(0, comma)) == words_.end()) return false;
    if (comma == std::string_view::npos) return true;
    value.remove_prefix(comma + 1);
  }
}

std::string option::spoken_words() const {
  auto all = words_;
  if (several_) {
    std::string together;
    for (const auto& one : words_) together += (together.empty() ? "" : ",") + one;
    all.push_back(together);
  }
  return listed(all);
}

// ---- option_table.hpp

std::size_t letters_between(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

const option* option_table::find(std::string_view name) const {
  const auto at = std::ranges::find(options_, name, &option::name);
  return at == options_.end() ? nullptr : &*at;
}

const option_table::command* option_table::find_command(std::string_view name) const {
  const auto at = std::ranges::find(commands_, name, &command::name);
  return at == commands_.end() ? nullptr : &*at;
}

namespace {

// The one of `all` whose name is nearest to what was said, if it resembles it, and `counts`.
template <class All, class NameOf, class Counts>
auto nearest_of(const All& all, std::string_view said, NameOf name_of, Counts counts) -> decltype(all.data()) {
  constexpr std::size_t longest = 64;
  decltype(all.data()) best = nullptr;
  if (said.size() > longest) return best;
  std::size_t least = std::max<std::size_t>(1, said.size() / 3) + 1;
  for (const auto& one : all) {
    const auto distance = letters_between(said, name_of(one));
    if (counts(one) && distance < least) {
      least = distance;
      best = &one;
    }
  }
  return best;
}

}  // namespace

const std::string* nearest_name(const std::vector<std::string>& names, std::string_view said) {
  return nearest_of(
      names, said, [](const std::string& one) -> const std::string& { return one; },
      [](const std::string&) { return true; });
}

const option* option_table::nearest(std::string_view name) const {
  return nearest_of(
      options_, name, [](const option& one) -> const std::string& { return one.name(); },
      [](const option& one) { return one.in_file(); });
}

const option* option_table::nearest_said(std::string_view name) const {
  return nearest_of(
      options_, name, [](const option& one) -> const std::string& { return one.name(); },
      [](const option&) { return true; });
}

const option_table::command* option_table::nearest_command(std::string_view name) const {
  return nearest_of(
      commands_, name, [](const command& one) -> const std::string& { return one.name; },
      [](const command&) { return true; });
}

std::string option_table::command_line() const {
  std::string text;
  for (const auto& one : commands_) text += (text.empty() ? "" : "|") + one.name;
  return text;
}

// ---- checks.hpp

namespace check {

value_check duration(const std::string& example) {
  return [example](const std::string& text) {
    return parse_duration(text) ? std::string() : " is a duration such as " + example;
  };
}

std::string patience(const std::string& text) {
  return parse_patience(text) ? std::string() : " is a duration such as 60s, or 0s";
}

std::string url(const std::string& text) {
  const auto parsed = ajar::identity::parse_url(text);
  return parsed ? std::string() : " '" + ajar::escaped(text) + "': " + explain(parsed.error());
}

std::string endpoint(const std::string& text) {
  const auto parsed = ajar::net::parse_numeric_endpoint(text);
  return parsed ? std::string() : ": " + explain(parsed.error());
}

std::string address(const std::string& text) {
  std::error_code error;
  asio::ip::make_address(text, error);
  return error ? " is an address of this machine" : std::string();
}

std::string outside_address(const std::string& text) {
  std::error_code error;
  const auto at = asio::ip::make_address(text, error);
  const bool good = !error && !at.is_unspecified() && !at.is_loopback();
  return good ? std::string() : " is an address that clients reach";
}

std::string port_range(const std::string& text) {
  const bool good = ajar::windows::parse_port_range(text).has_value();
  return good ? std::string() : " is FIRST-LAST, four ports at least and none below 1024, such as 40000-40099";
}

std::string host(const std::string& text) {
  const auto parsed = ajar::net::parse_host(text, 1);
  return parsed && parsed->port() != 0 ? std::string() : " is HOST or HOST:PORT, such as central.example:443";
}

std::string name(const std::string& text) {
  return ajar::trust::is_name(text) ? std::string() : " is 1 to 64 letters, digits, dots, dashes and underscores";
}

std::string named_path(const std::string& text) {
  const auto equals = text.find('=');
  const bool good = equals != std::string::npos && ajar::trust::is_name(text.substr(0, equals));
  if (!good) return " is NAME=FILE, each name once: " + ajar::escaped(text);
  return equals + 1 == text.size() ? " names no file: " + ajar::escaped(text) : std::string();
}

std::string roster(const std::string& text) {
  constexpr std::chrono::hours longest{24};  // after that central does not expect it back
  const auto every = text.starts_with("every=") ? parse_duration(text.substr(6)) : std::nullopt;
  const bool good = text == "live" || (every && *every <= longest);
  return good ? std::string() : " is live or every=TIME, a day at most, such as every=30s";
}

}  // namespace check

// ---- settings_report.hpp

namespace {

std::string spoken_source(const settings::entry& of, const settings::value& one) {
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

// JSON's escapes are TOML's too; what is no UTF-8 cannot be written in either.
std::string quoted(const std::string& text) {
  return nlohmann::ordered_json(text).dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string written(const option& what, const std::string& text) {
  return what.form() == shape::flag || what.form() == shape::number ? text : quoted(text);
}

}  // namespace

std::string settings_as_toml(const option_table& table, const settings& all) {
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
      auto right = written(one, value.text);
      if (one.form() == shape::list) {
        list += (list.empty() ? "" : ", ") + right;
        continue;
      }
      if (one.form() == shape::pairs) {
        const auto equals = value.text.find('=');
        left += "." + quoted(value.text.substr(0, equals));  // a name with a dot wants its quotes
        right = quoted(value.text.substr(equals + 1));
      }
      text += fmt::format("{} = {}  # {}\n", left, right, spoken_source(*entry, value));
    }
    if (one.form() == shape::list) {
      text += fmt::format("{} = [{}]  # {}\n", one.name(), list, spoken_source(*entry, entry->values.front()));
    }
  }
  return text;
}

std::string settings_as_json(const option_table& table, const settings& all) {
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
  return made.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace tools

// SPDX-License-Identifier: BSL-1.0
// The only file that knows cxxopts and toml++; both take long to compile.
#include "settings.hpp"

#include <ajar/core/bytes.hpp>
#include <ajar/core/descriptor.hpp>
#include <ajar/identity/state_directory.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <set>

#define CXXOPTS_VECTOR_DELIMITER '\0'  // a path may have a comma
#include <cxxopts.hpp>

// toml++ 3.3.0 asserts what bad input can break, and next gives the error for it; with NDEBUG it would assume it
#undef NDEBUG
#define TOML_ASSERT(expr) static_cast<void>(0)
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

namespace tools {

namespace {

using source = settings::source;
using read = tl::expected<settings, mistakes>;

tl::unexpected<mistakes> mistake(std::string what) { return tl::unexpected(mistakes{std::move(what)}); }

// The name of a value of pairs: what stands before '='.
std::string pair_name(const std::string& text) { return text.substr(0, text.find('=')); }

// ---- the command line

cxxopts::Options parser_of(const option_table& table, bool for_help) {
  cxxopts::Options all(table.tool(), table.summary());
  all.positional_help(table.command_line()).custom_help("[OPTION...]");
  auto add = all.add_options();
  add("command", "", cxxopts::value<std::string>());
  add("words", "", cxxopts::value<std::vector<std::string>>());
  for (const auto& one : table.options()) {
    const auto names = (one.letter() ? std::string(1, one.letter()) + "," : std::string()) + one.name();
    if (one.form() == shape::flag) {
      add(names, one.help());
    } else if (one.form() == shape::list || one.form() == shape::pairs) {
      add(names, one.help(), cxxopts::value<std::vector<std::string>>(), one.value_name());
    } else {
      auto value = cxxopts::value<std::string>();
      if (for_help && one.fallback()) value->default_value(*one.fallback());
      add(names, one.help(), value, one.value_name());
    }
  }
  all.parse_positional({"command", "words"});
  return all;
}

std::vector<std::string> said(const cxxopts::ParseResult& given, const option& one) {
  const auto& value = given[one.name()];
  if (one.form() == shape::flag) return {value.as<bool>() ? "true" : "false"};
  if (one.form() == shape::list || one.form() == shape::pairs) return value.as<std::vector<std::string>>();
  return {value.as<std::string>()};
}

read read_command_line(const option_table& table, int count, const char* const* words) {
  settings made;
  mistakes wrong;
  try {
    auto parser = parser_of(table, false);
    const auto given = parser.parse(count, words);
    static const option command("command", "");
    static const auto others = option("words", "").takes_list("");
    if (given.count("command")) made.say(command, source::command_line, {given["command"].as<std::string>(), {}});
    if (given.count("words")) {
      for (const auto& one : given["words"].as<std::vector<std::string>>()) {
        made.say(others, source::command_line, {one, {}});
      }
    }
    for (const auto& one : table.options()) {
      if (!given.count(one.name())) continue;
      std::set<std::string> names;
      for (const auto& text : said(given, one)) {
        auto why = one.complaint(text);
        if (why.empty() && one.form() == shape::pairs && !names.insert(pair_name(text)).second) {
          why = " names " + ajar::escaped(pair_name(text)) + " twice: leave one out";
        }
        if (!why.empty()) wrong.push_back("--" + one.name() + why);
        made.say(one, source::command_line, {text, {}});
      }
    }
  } catch (const cxxopts::exceptions::exception& error) {
    return mistake(std::string(error.what()) + ": see " + table.tool() + " --help");
  }
  if (!wrong.empty()) return tl::unexpected(std::move(wrong));
  return made;
}

// ---- a file

std::string_view spoken(toml::node_type what) {
  switch (what) {
    case toml::node_type::string:
      return "text";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "true or false";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::table:
      return "a table";
    default:
      return "a date or a time";
  }
}

std::string example_of(const option& one) {
  const auto& name = one.name();
  switch (one.form()) {
    case shape::flag:
      return name + " = true";
    case shape::number:
      return name + " = " + one.fallback().value_or("1");
    case shape::list:
      return name + " = [\"" + one.value_name() + "\"]";
    case shape::pairs:
      return "[" + name + "] and below it NAME = \"" + one.value_name().substr(one.value_name().find('=') + 1) + "\"";
    case shape::text:
      break;
  }
  return name + " = \"" + (one.words().empty() ? one.value_name() : one.words().front()) + "\"";
}

// What toml++ says; it escapes what it quotes, so that its backslashes need no second one.
std::string described(std::string_view text) {
  auto safe = ajar::escaped(text);
  for (auto at = safe.find("\\x5c"); at != std::string::npos; at = safe.find("\\x5c", at + 1))
    safe.replace(at, 4, "\\");
  return safe;
}

// Takes the values of one file; every mistake is kept, none ends it.
class file_reader {
 public:
  file_reader(const option_table& table, std::string path) : table_(table), path_(std::move(path)) {
    folder_ = path_.substr(0, path_.rfind('/') == std::string::npos ? 0 : path_.rfind('/') + 1);
    made_.name_file(path_);
  }

  read take(const toml::table& root) {
    for (auto&& [key, node] : root) {
      const auto name = std::string(key.str());
      const auto* one = table_.find(name);
      if (!one || !one->in_file()) {
        complain(place(key.source()), unknown(name, one));
        continue;
      }
      take(*one, node);
    }
    if (wrong_.empty()) return std::move(made_);
    std::ranges::stable_sort(wrong_, {}, [](const found& one) { return std::pair(one.at.line, one.at.column); });
    mistakes all;
    for (const auto& one : wrong_) all.push_back(to_string(one.at) + ": " + one.what);
    return tl::unexpected(std::move(all));
  }

 private:
  struct found {
    file_place at;
    std::string what;
  };

  void complain(const file_place& at, std::string what) { wrong_.push_back({at, std::move(what)}); }
  file_place place(const toml::source_region& at) const { return {path_, at.begin.line, at.begin.column}; }

  std::string unknown(const std::string& name, const option* one) const {
    if (one) return name + " is for the command line only: remove it here";
    const auto* meant = table_.nearest(name);
    return ajar::escaped(name, 64) + " is no setting of " + table_.tool() + ": " +
           (meant ? "did you mean " + meant->name() + "?" : "'" + table_.tool() + " config' lists them");
  }

  void wrong_type(const option& one, const std::string& name, const toml::node& node) {
    complain(place(node.source()), name + " is " + std::string(spoken(node.type())) + ": write " + example_of(one));
  }

  void say(const option& one, std::string text, const toml::source_region& at, const std::string& name) {
    const auto bare = one.form() == shape::pairs ? text.substr(text.find('=') + 1) : text;
    if (std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; })) {
      complain(place(at), name + " has a control character: remove it");
      return;
    }
    if (one.is_path() && !bare.empty() && !bare.starts_with('/')) {
      text = text.substr(0, text.size() - bare.size()) + folder_ + bare;
    }
    const auto why = one.complaint(text);
    if (!why.empty()) complain(place(at), name + why);
    made_.say(one, source::file, {std::move(text), place(at)});
  }

  void take(const option& one, const toml::node& node) {
    const auto& name = one.name();
    const auto at = node.source();
    if (one.form() == shape::flag && node.is_boolean())
      return say(one, **node.as_boolean() ? "true" : "false", at, name);
    if (one.form() == shape::number && node.is_integer())
      return say(one, std::to_string(**node.as_integer()), at, name);
    if (one.form() == shape::text && node.is_string()) return say(one, **node.as_string(), at, name);
    if (one.form() == shape::list && node.is_array()) return take_list(one, *node.as_array());
    if (one.form() == shape::text && one.several() && node.is_array()) return take_words(one, *node.as_array());
    if (one.form() == shape::pairs && node.is_table()) return take_pairs(one, *node.as_table());
    wrong_type(one, name, node);
  }

  void take_list(const option& one, const toml::array& all) {
    for (auto&& each : all) {
      if (!each.is_string()) {
        wrong_type(one, one.name(), each);
      } else {
        say(one, **each.as_string(), each.source(), one.name());
      }
    }
  }

  void take_words(const option& one, const toml::array& all) {
    std::string text;
    for (auto&& each : all) {
      if (!each.is_string()) return wrong_type(one, one.name(), each);
      text += (text.empty() ? "" : ",") + **each.as_string();
    }
    say(one, text, all.source(), one.name());
  }

  void take_pairs(const option& one, const toml::table& all) {
    for (auto&& [key, node] : all) {
      const auto name = one.name() + "." + ajar::escaped(key.str(), 64);
      if (!node.is_string()) {
        wrong_type(one, name, node);
      } else {
        say(one, std::string(key.str()) + "=" + **node.as_string(), key.source(), name);
      }
    }
  }

  const option_table& table_;
  std::string path_;
  std::string folder_;
  settings made_;
  std::vector<found> wrong_;
};

// The whole of a file that may hold settings.
tl::expected<std::string, mistakes> content_of(const std::string& path) {
  constexpr std::size_t largest = 1 << 20;
  const ajar::descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status{};
  if (!file || ::fstat(file.get(), &status) != 0) {
    return mistake(path + ": cannot be read (" + std::strerror(errno) + "): name a file of settings");
  }
  const bool nothing = S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);  // /dev/null: no settings
  if (!S_ISREG(status.st_mode) && !nothing) return mistake(path + ": is no regular file: name a file of settings");
  if (!nothing && (status.st_mode & S_IWOTH) != 0) {
    return mistake(path + ": everybody may write it: chmod o-w " + path);
  }
  std::string text;
  std::array<char, 4096> piece{};
  for (;;) {
    const auto count = ::read(file.get(), piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return mistake(path + ": cannot be read (" + std::strerror(errno) + "): name a file of settings");
    if (count == 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(count));
    if (text.size() > largest) return mistake(path + ": is larger than 1 MiB: name a file of settings");
  }
}

std::string variable(const char* name) {
  const auto* value = std::getenv(name);
  return value ? value : "";
}

std::string absolute(const std::string& path) {
  if (path.starts_with('/')) return path;
  const std::unique_ptr<char, decltype(&std::free)> here(::getcwd(nullptr, 0), &std::free);
  return here ? std::string(here.get()) + "/" + path : path;
}

struct found_file {
  std::string path;  // empty: there is none
  bool in_state = false;
};

found_file find_file(const option_table& table, const settings& said_there) {
  const auto named = said_there.as<std::string>("config");
  if (said_there.find("config")) return {absolute(named)};
  if (const auto own = variable("AJAR_CONFIG"); !own.empty()) return {absolute(own)};
  const auto there = [](const std::string& path) { return ::access(path.c_str(), F_OK) == 0; };
  const auto kind = table.tool().substr(table.tool().find('-') + 1);
  const auto state = ajar::identity::state_directory::place(said_there.as<std::string>("state"), kind);
  if (state && there(*state + "/config.toml")) return {absolute(*state) + "/config.toml", true};
  auto user = variable("XDG_CONFIG_HOME");
  if (!user.starts_with('/')) user = variable("HOME").starts_with('/') ? variable("HOME") + "/.config" : "";
  for (const auto& base : {user, std::string("/etc")}) {
    const auto path = base + "/ajar/" + table.tool() + ".toml";
    if (!base.empty() && there(path)) return {path};
  }
  return {};
}

}  // namespace

std::string help_of(const option_table& table) { return parser_of(table, true).help(); }

read parse_settings(const option_table& table, std::string_view text, const std::string& path) {
  try {
    return file_reader(table, path).take(toml::parse(text, path));
  } catch (const toml::parse_error& error) {
    const file_place at{path, error.source().begin.line, error.source().begin.column};
    return mistake(to_string(at) + ": " + described(error.description()) + ": write KEY = \"VALUE\", as TOML has it");
  }
}

read read_settings_file(const option_table& table, const std::string& path) {
  const auto text = content_of(path);
  if (!text) return tl::unexpected(text.error());
  return parse_settings(table, *text, path);
}

read read_settings(const option_table& table, int count, const char* const* words) {
  auto given = read_command_line(table, count, words);
  if (!given) return given;
  const auto command = given->as<std::string>("command");
  const bool alone = given->count("help") || given->count("check") || command.empty() || command == "completion";
  const auto where = alone ? found_file() : find_file(table, *given);
  if (!where.path.empty()) {
    auto file = read_settings_file(table, where.path);
    if (!file) return file;
    if (where.in_state && file->find("state")) {
      return mistake(file->where("state") + " names another folder than the one of this file: remove it");
    }
    given->name_file(where.path);
    std::set<std::string> aside;
    for (const auto& one : table.options()) {
      if (given->count(one.name())) aside.insert(one.other());
    }
    for (const auto& one : table.options()) {
      const auto* entry = file->find(one.name());
      if (!entry || given->find(one.name()) || aside.contains(one.name())) continue;
      for (const auto& value : entry->values) given->say(one, source::file, value);
    }
  }
  for (const auto& one : table.options()) {
    if (one.fallback() && !given->find(one.name())) given->say(one, source::fallback, {*one.fallback(), {}});
  }
  return given;
}

}  // namespace tools

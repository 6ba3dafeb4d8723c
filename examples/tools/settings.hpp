// SPDX-License-Identifier: BSL-1.0
// What a tool was told: on the command line, in a file of settings, or by nobody.
#pragma once

#include "option_table.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <type_traits>
#include <utility>
#include <vector>

namespace tools {

// A place in a file of settings. Lines and columns are from 1; without a line it is the file as a whole.
struct file_place {
  std::string path;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

// "FILE:LINE:COLUMN"
inline std::string to_string(const file_place& at) {
  return at.line == 0 ? at.path : at.path + ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
}

class settings {
 public:
  enum class source { fallback, file, command_line };

  struct value {
    std::string text;  // a flag's is "true" or "false"
    file_place place;  // where it comes from a file
  };
  struct entry {
    source from = source::fallback;
    shape form = shape::flag;
    std::vector<value> values;
  };

  // As cxxopts has them: how often it was said (a default is not), and its value.
  std::size_t count(std::string_view name) const {
    const auto* one = find(name);
    if (!one || one->from == source::fallback) return 0;
    return one->values.size() == 1 && one->values[0].text == "false" && one->form == shape::flag ? 0
                                                                                                 : one->values.size();
  }
  // Without a value: "", 0, false, an empty list.
  template <class T>
  T as(std::string_view name) const {
    const auto* one = find(name);
    if constexpr (std::is_same_v<T, std::vector<std::string>>) {
      T all;
      if (one) {
        for (const auto& each : one->values) all.push_back(each.text);
      }
      return all;
    } else {
      const auto text = one && !one->values.empty() ? one->values.back().text : std::string();
      if constexpr (std::is_same_v<T, bool>) {
        return text == "true";
      } else if constexpr (std::is_unsigned_v<T>) {
        return text.empty() ? T{0} : static_cast<T>(std::stoull(text));  // the table checked it
      } else {
        static_assert(std::is_same_v<T, std::string>);
        return text;
      }
    }
  }

  class named {
   public:
    named(const settings& all, std::string name) : all_(all), name_(std::move(name)) {}
    template <class T>
    T as() const {
      return all_.as<T>(name_);
    }

   private:
    const settings& all_;
    std::string name_;
  };
  named operator[](const std::string& name) const { return {*this, name}; }

  // How a complaint about a value begins: "--share", or "FILE:3:1: share".
  std::string where(std::string_view name, std::size_t index = 0) const {
    const auto* one = find(name);
    if (!one || one->from != source::file || index >= one->values.size()) return "--" + std::string(name);
    return to_string(one->values[index].place) + ": " + std::string(name);
  }

  // The words that are no options are here too: "command" and "words".
  const entry* find(std::string_view name) const {
    const auto at = entries_.find(name);
    return at == entries_.end() ? nullptr : &at->second;
  }
  // The file that was read. Empty where there is none.
  const std::string& file() const noexcept { return file_; }

  // ---- for those who read them

  void say(const option& what, source from, value one) {
    auto& kept = entries_[what.name()];
    if (kept.from != from) kept.values.clear();
    kept.from = from;
    kept.form = what.form();
    kept.values.push_back(std::move(one));
  }
  void name_file(std::string path) { file_ = std::move(path); }

 private:
  std::map<std::string, entry, std::less<>> entries_;
  std::string file_;
};

// What is wrong, a line for each: "FILE:LINE:COLUMN: what: what to do".
using mistakes = std::vector<std::string>;

// What was said on the command line, then what a file says beside it, then the defaults. All of it is checked against
// the table; with a mistake nothing counts.
tl::expected<settings, mistakes> read_settings(const option_table& table, int count, const char* const* words);

// A file alone. Paths in it are made absolute.
tl::expected<settings, mistakes> read_settings_file(const option_table& table, const std::string& path);
// The same of a text that is already there.
tl::expected<settings, mistakes> parse_settings(const option_table& table, std::string_view text,
                                                const std::string& path);

// The options of a command that differ and are not live: they want a restart.
std::vector<std::string> wanting_restart(const option_table& table, std::string_view command, const settings& before,
                                         const settings& after);

}  // namespace tools

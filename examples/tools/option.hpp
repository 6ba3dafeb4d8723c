// SPDX-License-Identifier: BSL-1.0
// One thing that can be said to a tool, and what is wrong with a value of it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tools {

enum class shape {
  flag,
  text,
  number,
  list,  // said once for each; an array in a file
  pairs  // NAME=VALUE, each name once; a table in a file
};

// What may stand there, for completion.
enum class completes { nothing, file, folder, server, remote_path, remote_path_or_folder, command, shell };

// Says what is wrong with a value, as what follows its name: " is 1 to 1000". Nothing where it is good.
using value_check = std::function<std::string(const std::string& value)>;

// "a or b"; "a, b, or c"
std::string listed(const std::vector<std::string>& all, std::string_view last = "or");

class option {
 public:
  option(std::string name, std::string help) : name_(std::move(name)), help_(std::move(help)) {}

  // What the value is called in --help. Without it the option is a flag.
  option& takes(std::string what) { return as(shape::text, std::move(what)); }
  option& takes_number(std::uint64_t least, std::uint64_t most) {
    least_ = least;
    most_ = most;
    return as(shape::number, "N");
  }
  option& takes_list(std::string what) { return as(shape::list, std::move(what)); }
  option& takes_pairs(std::string what) { return as(shape::pairs, std::move(what)); }

  option& by_default(std::string value) {
    fallback_ = std::move(value);
    return *this;
  }
  // One of these words.
  option& one_of(std::vector<std::string> words) {
    words_ = std::move(words);
    return *this;
  }
  // Some of these words, with commas between them; in a file an array will do.
  option& some_of(std::vector<std::string> words) {
    several_ = true;
    return one_of(std::move(words));
  }
  option& checked(value_check check) {
    check_ = std::move(check);
    return *this;
  }
  // A path; in a file it is relative to the file's folder.
  option& path_of(completes what) {
    path_ = true;
    completes_ = what;
    return *this;
  }
  // The commands that take it; without this, all.
  option& of(std::vector<std::string> commands) {
    commands_ = std::move(commands);
    return *this;
  }
  // It says what to do once, so that it has no place in a file.
  option& command_line_only() {
    in_file_ = false;
    return *this;
  }
  // SIGHUP changes it; other options want a restart.
  option& live() {
    live_ = true;
    return *this;
  }
  // Said on the command line, it puts this key of the file aside as well.
  option& instead_of(std::string other) {
    other_ = std::move(other);
    return *this;
  }
  option& letter(char one) {
    letter_ = one;
    return *this;
  }

  const std::string& name() const noexcept { return name_; }
  const std::string& help() const noexcept { return help_; }
  const std::string& value_name() const noexcept { return value_name_; }
  const std::optional<std::string>& fallback() const noexcept { return fallback_; }
  const std::vector<std::string>& words() const noexcept { return words_; }
  const std::vector<std::string>& commands() const noexcept { return commands_; }
  const std::string& other() const noexcept { return other_; }
  shape form() const noexcept { return form_; }
  completes completion() const noexcept { return completes_; }
  char letter() const noexcept { return letter_; }
  bool several() const noexcept { return several_; }
  bool is_path() const noexcept { return path_; }
  bool in_file() const noexcept { return in_file_; }
  bool is_live() const noexcept { return live_; }
  // config takes whatever may stand in a file: it shows what would be in effect.
  bool is_for(std::string_view command) const {
    return commands_.empty() || (in_file_ && command == "config") ||
           std::ranges::find(commands_, command) != commands_.end();
  }

  // What is wrong with one value. Nothing where it is good.
  std::string complaint(const std::string& value) const;

 private:
  option& as(shape form, std::string what) {
    form_ = form;
    value_name_ = std::move(what);
    return *this;
  }

  bool number_of(std::string_view text) const;
  bool fits_words(std::string_view value) const;
  // "a or b"; "a, b, or c"; "a, b, or a,b" where several may stand together
  std::string spoken_words() const;

  std::string name_;
  std::string help_;
  std::string value_name_;
  std::optional<std::string> fallback_;
  std::vector<std::string> words_;
  std::vector<std::string> commands_;
  std::string other_;
  value_check check_;
  std::uint64_t least_ = 0;
  std::uint64_t most_ = 0;
  shape form_ = shape::flag;
  completes completes_ = completes::nothing;
  char letter_ = 0;
  bool several_ = false;
  bool path_ = false;
  bool in_file_ = true;
  bool live_ = false;
};

}  // namespace tools

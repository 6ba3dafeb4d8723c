// SPDX-License-Identifier: BSL-1.0
// The only file that knows cxxopts, which takes long to compile.
#include "command_line.hpp"

#include <ajar/core/bytes.hpp>

#include <set>

#define CXXOPTS_VECTOR_DELIMITER '\0'  // a path may have a comma
#include <cxxopts.hpp>

namespace tools {

namespace {

void add_options(cxxopts::Options& all, const option_table& table, const option_table::command* of,
                 bool with_defaults) {
  auto add = all.add_options();
  add("command", "", cxxopts::value<std::string>());
  add("words", "", cxxopts::value<std::vector<std::string>>());
  for (const auto& one : table.options()) {
    if (of && !one.is_for(of->name)) continue;
    const auto names = (one.letter() ? std::string(1, one.letter()) + "," : std::string()) + one.name();
    if (one.form() == shape::flag) {
      add(names, one.help());
    } else if (one.form() == shape::list || one.form() == shape::pairs) {
      add(names, one.help(), cxxopts::value<std::vector<std::string>>(), one.value_name());
    } else {
      auto value = cxxopts::value<std::string>();
      if (with_defaults && one.fallback()) value->default_value(*one.fallback());
      add(names, one.help(), value, one.value_name());
    }
  }
  all.parse_positional({"command", "words"});
}

std::vector<std::string> said(const cxxopts::ParseResult& given, const option& one) {
  const auto& value = given[one.name()];
  if (one.form() == shape::flag) return {value.as<bool>() ? "true" : "false"};
  if (one.form() == shape::list || one.form() == shape::pairs) return value.as<std::vector<std::string>>();
  return {value.as<std::string>()};
}

// "; did you mean --NAME?", of the first word that is no option.
std::string nearest_to_wrong(const option_table& table, int count, const char* const* words) {
  for (int i = 1; i < count; ++i) {
    std::string_view word = words[i];
    if (word == "--") break;
    if (!word.starts_with("--")) continue;
    word = word.substr(2, word.find('=') == std::string_view::npos ? word.npos : word.find('=') - 2);
    if (table.find(word)) continue;
    const auto* meant = table.nearest_said(word);
    return meant ? ": did you mean --" + meant->name() + "?" : std::string();
  }
  return {};
}

// The name of a value of pairs: what stands before '='.
std::string pair_name(const std::string& text) { return text.substr(0, text.find('=')); }

// The command that was said, if it is one and no help was asked for.
const option_table::command* command_of(const option_table& table, const cxxopts::ParseResult& given) {
  if (!given.count("command") || given.count("help") || given.count("version")) return nullptr;
  return table.find_command(given["command"].as<std::string>());
}

// Of one option that was said.
void take(const option& one, const std::vector<std::string>& values, settings& made, mistakes& wrong) {
  std::set<std::string> names;
  for (const auto& text : values) {
    auto why = one.complaint(text);
    if (why.empty() && one.form() == shape::pairs && !names.insert(pair_name(text)).second) {
      why = " names " + ajar::escaped(pair_name(text)) + " twice: leave one out";
    }
    if (!why.empty()) wrong.push_back("--" + one.name() + why);
    made.say(one, settings::source::command_line, {text, {}});
  }
}

}  // namespace

tl::expected<settings, mistakes> read_command_line(const option_table& table, int count, const char* const* words) {
  settings made;
  mistakes wrong;
  try {
    cxxopts::Options parser(table.tool());
    add_options(parser, table, nullptr, false);
    const auto given = parser.parse(count, words);
    static const auto command = option("command", "").takes("");
    static const auto others = option("words", "").takes_list("");
    for (const auto* one : {&command, &others}) {
      if (given.count(one->name())) take(*one, said(given, *one), made, wrong);
    }
    const auto* of = command_of(table, given);
    for (const auto& one : table.options()) {
      if (!given.count(one.name())) continue;
      if (of && !one.is_for(of->name)) {
        wrong.push_back("--" + one.name() + " is no option of " + of->name + ", but of " +
                        listed(one.commands(), "and") + ": leave it out, or see " + table.tool() + " help " + of->name);
        continue;
      }
      take(one, said(given, one), made, wrong);
    }
  } catch (const cxxopts::exceptions::no_such_option& error) {
    wrong = {std::string(error.what()) + nearest_to_wrong(table, count, words) + ": see " + table.tool() + " --help"};
  } catch (const cxxopts::exceptions::exception& error) {
    wrong = {std::string(error.what()) + ": see " + table.tool() + " --help"};
  }
  if (!wrong.empty()) return tl::unexpected(std::move(wrong));
  return made;
}

std::string options_help(const option_table& table, const option_table::command* of, const std::string& about,
                         const std::string& words) {
  cxxopts::Options all(table.tool() + (of ? " " + of->name : ""), about);
  all.positional_help(words).custom_help("[OPTION...]").set_width(100);
  add_options(all, table, of, true);
  return all.help();
}

}  // namespace tools

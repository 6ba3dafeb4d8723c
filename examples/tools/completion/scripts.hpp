// SPDX-License-Identifier: BSL-1.0
// What the completions of the shells are made from: one file a shell, beside this one.
//
// To add a shell: SHELL.cpp with its script, its function here, and its name in ../completion.cpp.
#pragma once

#include "../option_table.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tools {

std::string bash_completion(const option_table& table);
std::string zsh_completion(const option_table& table);
std::string fish_completion(const option_table& table);

// ---- text

std::string joined(const std::vector<std::string>& all, std::string_view between);

// The script, with its places filled. In it every @F@ is a name, so that no text of ours needs a quote there.
std::string filled(std::string_view script, const std::vector<std::pair<std::string, std::string>>& places);

// A text between single quotes. @param quote  what stands for a single quote in it
std::string single_quoted(std::string_view text, std::string_view quote);

// @param what  the characters before which a backslash is put
std::string backslashed(std::string_view text, std::string_view what);

// ---- the table

// "_ajar_client": what the functions of a script begin with
std::string function_of(const option_table& table);

// "--NAME" of the options that want a value.
std::vector<std::string> valued(const option_table& table);

// What its value may be. Nothing where that is no matter of words.
std::vector<std::string> values_of(const option& one);

// The commands that take it. Nothing: all.
std::vector<std::string> commands_of(const option_table& table, const option& one);

// What a script does to complete what follows a command.
struct actions {
  std::string file;
  std::string folder;
  std::string server;
  std::string remote_path;
  std::string remote_path_or_folder;
  std::string command;
  std::string shell;
};

// @return nothing where nothing is completed
std::string action_for(completes what, const actions& all);

}  // namespace tools

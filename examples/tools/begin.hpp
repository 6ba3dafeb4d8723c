// SPDX-License-Identifier: BSL-1.0
// How each tool begins: it reads what it was told, and answers what every tool answers.
#pragma once

#include "option_table.hpp"
#include "settings.hpp"

#include <variant>

namespace tools {

// The settings, or the exit code of a tool that is done already: it was asked for --help, --version, config or
// completion, or what it was told is wrong. Without a command there are settings.
//
// @param examples  "Examples:", and lines "  TOOL COMMAND ...": help of a command has those of it
std::variant<settings, int> begin(const option_table& table, const char* examples, int count, const char* const* words);

}  // namespace tools

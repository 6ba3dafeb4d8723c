// SPDX-License-Identifier: BSL-1.0
// The page of a tool for man, made from its table: TOOL help --man.
#pragma once

#include "option_table.hpp"

#include <string>
#include <string_view>

namespace tools {

// In roff, with the macros of man(7).
//
// @param examples  as for help_of()
std::string manual_of(const option_table& table, std::string_view examples);

}  // namespace tools

// SPDX-License-Identifier: BSL-1.0
// The settings in effect, and where each comes from: TOOL config.
#pragma once

#include "settings.hpp"

#include <string>

namespace tools {

// A file that says the same, with comments.
std::string settings_as_toml(const option_table& table, const settings& all);

// {"file": .., "settings": {NAME: {"value": .., "from": "file", "file": .., "line": .., "column": ..}}}
std::string settings_as_json(const option_table& table, const settings& all);

}  // namespace tools

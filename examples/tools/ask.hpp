// SPDX-License-Identifier: BSL-1.0
// Asks the running process of a tool, from another process of it.
#pragma once

#include <ajar/control/message.hpp>
#include <ajar/core/result.hpp>

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace tools {

// @param name  of the socket in the state folder
ajar::result<std::string> ask_running(const std::string& folder, const std::string& name, ajar::control::request what);

// What it says of itself. Errors: those of ask_running, message_malformed.
ajar::result<nlohmann::ordered_json> status_answer(const std::string& folder, const std::string& name);

}  // namespace tools

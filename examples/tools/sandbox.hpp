// SPDX-License-Identifier: BSL-1.0
// What a tool may do at most while it runs, by the kernel's own word.
#pragma once

#include "landlock.hpp"
#include "settings.hpp"
#include "system_calls.hpp"

#include <ajar/telling/step.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace tools {

// A file of settings is replaced when it is edited, so that its folder must be readable to read it again. A folder that
// may hold anything else is not opened for that: there the file itself must do.
std::string readable_for(const std::string& settings_file);

// What to do where a file that SIGHUP reads again lies outside of the fence. Nothing where that is not why.
std::optional<std::string> outside_of_fence(const std::string& file);

// getaddrinfo() loads its modules and reads its files when a name is asked for (nsswitch.conf(5)), in a thread of
// Asio's.
void let_names_be_found(landlock& fence);

// For status: "landlock 7", or "none".
std::string spoken_fence();

// From here on this process, and every thread that it starts, touches no file but what the fence lets it, randomness
// and its own account of itself, and runs no program: as --sandbox says. False: it must have that, and cannot; it has
// complained.
//
// @param reach  what the fence lets it touch, in a word or two for the log: "its shares"
bool enter_sandbox(std::string_view tool, const settings& given, landlock fence, const char* reach,
                   const ajar::telling::step_sink& steps);

}  // namespace tools

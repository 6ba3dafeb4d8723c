// SPDX-License-Identifier: BSL-1.0
// ajar/control/ask.hpp - ask a running tool something.
#pragma once

#include <ajar/control/message.hpp>
#include <ajar/core/awaitable.hpp>
#include <ajar/core/clock.hpp>
#include <ajar/core/config.hpp>

#include <string>

namespace ajar::control {

/// Ask the process that has a control socket (control/port.hpp) in a folder.
///
/// @param folder  its state folder
/// @param name    of the socket in it
/// @param what    the verb, and its arguments
/// @return the answer's text
/// Errors: not_running, control_refused (another user's process), control_timeout, unknown_verb, message_malformed and
/// message_too_long (of the request or of the answer), canceled, what the process answers, the system's. Cancellation:
/// terminal.
[[nodiscard]] awaitable<result<std::string>> ask(std::string folder, std::string name, request what, deadline until);

}  // namespace ajar::control

#ifdef AJAR_HEADER_ONLY
#include <ajar/control/impl/ask.ipp>
#endif

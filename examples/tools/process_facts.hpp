// SPDX-License-Identifier: BSL-1.0
// What the kernel says of this process.
#pragma once

#include <optional>
#include <string>

namespace tools {

// How many of its sockets listen. Nothing where it may not look at its own descriptors.
std::optional<int> listening_sockets();

// Whether the kernel would let it listen: it is asked with a descriptor that is none, so that nothing comes of it.
bool may_listen();

// "none", "strict" or "filter" (seccomp(2)).
std::string seccomp_mode();

}  // namespace tools

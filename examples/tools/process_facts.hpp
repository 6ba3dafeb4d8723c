// SPDX-License-Identifier: BSL-1.0
// What the kernel says of this process.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace tools {

// How many of its sockets listen. Nothing where it may not look at its own descriptors.
std::optional<int> listening_sockets();

// Whether the kernel would let it listen: it is asked with a descriptor that is none, so that nothing comes of it.
bool may_listen();

// "none", "strict" or "filter" (seccomp(2)).
std::string seccomp_mode();

// How many files and sockets it may have open at a time.
std::size_t descriptor_limit();

// From here on as many as the system lets it have: the lower limit is there for programs with select(). @return it
std::size_t raise_descriptor_limit();

}  // namespace tools

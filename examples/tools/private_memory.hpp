// SPDX-License-Identifier: BSL-1.0
// Where keys are, nobody looks.
#pragma once

#include <sys/prctl.h>
#include <sys/resource.h>

namespace tools {

// No core file ever holds a key, and no other process of this user reads it in this one's memory (prctl(2),
// PR_SET_DUMPABLE).
inline void keep_memory_private() {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

}  // namespace tools

// SPDX-License-Identifier: BSL-1.0
// A fence in the file system that a process draws around itself, and cannot leave (landlock(7)).
#pragma once

#include <ajar/core/result.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace tools {

// Collects what may be touched, then closes the rest: for this thread and those that it starts, for good.
//
// Paths are looked up once: a rule belongs to the file or folder that is there now, and to all below it. What was open
// before stays open. Sockets, pipes and stat() are no concern of it.
class landlock {
 public:
  // The version of the kernel's interface. 0 where it has none, or where it is switched off.
  static int kernel_version();
  // The version in force for this process. 0 before enforce(), and where the kernel has none.
  static int in_force() noexcept { return in_force_; }

  // What is not there is left out.
  landlock& may_read(const std::string& path);
  // Read, and make, change and remove files, folders and sockets in this folder.
  landlock& may_write(const std::string& path);

  // Errors: the system's, such as function_not_supported where the kernel has none; then nothing has changed but that
  // no program gains rights any more (PR_SET_NO_NEW_PRIVS).
  ajar::result<> enforce() const;

  // After enforce(): whether the fence, and not the file's permissions, keeps it from being read.
  static bool keeps_from(const std::string& path);

 private:
  struct rule {
    std::string path;
    std::uint64_t rights;
  };

  static inline int in_force_ = 0;
  std::vector<rule> rules_;
};

}  // namespace tools

// SPDX-License-Identifier: BSL-1.0
// A fence in the file system that a process draws around itself, and cannot leave (landlock(7)).
#pragma once

#include <ajar/core/descriptor.hpp>
#include <ajar/core/result.hpp>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <array>
#include <cerrno>
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
  static int kernel_version() {
    const auto version = ::syscall(create_call, nullptr, 0, version_flag);
    return version > 0 ? static_cast<int>(version) : 0;
  }
  // The version in force for this process. 0 before enforce(), and where the kernel has none.
  static int in_force() noexcept { return in_force_; }

  // What is not there is left out.
  landlock& may_read(const std::string& path) {
    rules_.push_back({path, right_read_file | right_read_dir});
    return *this;
  }
  // Read, and make, change and remove files, folders and sockets in this folder.
  landlock& may_write(const std::string& path) {
    rules_.push_back({path, right_read_file | right_read_dir | right_write_file | right_remove_dir | right_remove_file |
                                right_make_dir | right_make_reg | right_make_sock | right_truncate});
    return *this;
  }

  // Errors: the system's, such as function_not_supported where the kernel has none; then nothing has changed but that
  // no program gains rights any more (PR_SET_NO_NEW_PRIVS).
  ajar::result<> enforce() const {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed();
    const int version = kernel_version();
    if (version == 0) return ajar::fail(std::make_error_code(std::errc::function_not_supported));
    const std::uint64_t handled = rights_of(version);  // struct landlock_ruleset_attr of the first version
    const ajar::descriptor rules(static_cast<int>(::syscall(create_call, &handled, sizeof handled, 0)));
    if (!rules) return failed();
    for (const auto& one : rules_) {
      if (auto added = add(rules.get(), one, handled); !added) return added;
    }
    if (::syscall(restrict_call, rules.get(), 0) != 0) return failed();
    in_force_ = version;
    return {};
  }

  // After enforce(): whether the fence, and not the file's permissions, keeps it from being read.
  static bool keeps_from(const std::string& path) {
    if (in_force_ == 0) return false;
    const ajar::descriptor tried(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    return !tried && errno == EACCES && ::access(path.c_str(), R_OK) == 0;  // access() sees permissions alone
  }

 private:
  // linux/landlock.h; Debian 12's lacks the later ones, and the numbers of the calls are the same everywhere
  static constexpr long create_call = 444;
  static constexpr long add_call = 445;
  static constexpr long restrict_call = 446;
  static constexpr int version_flag = 1;
  static constexpr int path_beneath = 1;
  static constexpr std::uint64_t right_execute = 1 << 0;
  static constexpr std::uint64_t right_write_file = 1 << 1;
  static constexpr std::uint64_t right_read_file = 1 << 2;
  static constexpr std::uint64_t right_read_dir = 1 << 3;
  static constexpr std::uint64_t right_remove_dir = 1 << 4;
  static constexpr std::uint64_t right_remove_file = 1 << 5;
  static constexpr std::uint64_t right_make_dir = 1 << 7;
  static constexpr std::uint64_t right_make_reg = 1 << 8;
  static constexpr std::uint64_t right_make_sock = 1 << 9;
  static constexpr std::uint64_t right_truncate = 1 << 14;
  static constexpr std::uint64_t rights_of_files = right_execute | right_write_file | right_read_file | right_truncate;

  struct rule {
    std::string path;
    std::uint64_t rights;
  };
  struct [[gnu::packed]] path_rule {  // struct landlock_path_beneath_attr
    std::uint64_t rights;
    std::int32_t parent;
  };

  // All that a version knows: whatever it does not know stays permitted.
  static std::uint64_t rights_of(int version) {
    constexpr std::array<int, 6> count{0, 13, 14, 15, 15, 16};  // refer, truncate, ioctl on devices
    const auto at = static_cast<std::size_t>(version);
    return (std::uint64_t{1} << count[at < count.size() ? at : count.size() - 1]) - 1;
  }

  static ajar::result<> failed() { return ajar::fail(std::error_code(errno, std::system_category())); }

  static ajar::result<> add(int rules, const rule& one, std::uint64_t handled) {
    const ajar::descriptor at(::open(one.path.c_str(), O_PATH | O_CLOEXEC));
    struct stat status{};
    if (!at || ::fstat(at.get(), &status) != 0) return {};
    path_rule made{one.rights & handled, at.get()};
    if (!S_ISDIR(status.st_mode)) made.rights &= rights_of_files;
    if (::syscall(add_call, rules, path_beneath, &made, 0) != 0) return failed();
    return {};
  }

  static inline int in_force_ = 0;
  std::vector<rule> rules_;
};

}  // namespace tools

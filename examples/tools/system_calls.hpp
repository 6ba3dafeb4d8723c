// SPDX-License-Identifier: BSL-1.0
// What a process gives up for good, by a filter of its own (seccomp(2)).
#pragma once

#include <ajar/core/result.hpp>

#include <seccomp.h>
#include <cerrno>
#include <initializer_list>
#include <memory>
#include <string_view>

namespace tools {

// What no tool of ajar does. All fail with EPERM from then on, in every thread that starts later. io_uring makes the
// calls of others where no filter sees them.
struct needless_calls {
  static constexpr std::string_view programs[] = {"execve", "execveat"};
  static constexpr std::string_view others[] = {
      "ptrace", "process_vm_readv", "process_vm_writev", "kcmp",       "pidfd_getfd",      "process_madvise",
      "kill",   "rt_sigqueueinfo",  "rt_tgsigqueueinfo", "pidfd_open", "pidfd_send_signal"};
  static constexpr std::string_view kernel[] = {"bpf",
                                                "perf_event_open",
                                                "userfaultfd",
                                                "io_uring_setup",
                                                "io_uring_enter",
                                                "io_uring_register",
                                                "init_module",
                                                "finit_module",
                                                "kexec_load",
                                                "delete_module",
                                                "kexec_file_load",
                                                "reboot",
                                                "syslog",
                                                "acct",
                                                "swapon",
                                                "swapoff",
                                                "quotactl",
                                                "settimeofday",
                                                "clock_settime",
                                                "clock_adjtime",
                                                "adjtimex",
                                                "iopl",
                                                "ioperm",
                                                "vhangup"};
  static constexpr std::string_view mounts[] = {
      "mount",     "umount2", "pivot_root", "chroot",   "mknod",  "mknodat",       "move_mount",
      "open_tree", "fsopen",  "fsmount",    "fsconfig", "fspick", "mount_setattr", "open_by_handle_at"};
  static constexpr std::string_view rights[] = {
      "setuid",   "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups",   "setfsuid",
      "setfsgid", "capset", "setns",    "unshare",  "keyctl",    "add_key",   "request_key", "personality"};
  static constexpr std::string_view listening[] = {"listen", "accept", "accept4", "io_uring_setup"};
};

#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool sanitized = true;
#elif defined(__has_feature)
inline constexpr bool sanitized = __has_feature(address_sanitizer);
#else
inline constexpr bool sanitized = false;
#endif

// Collects calls, then forbids them for good.
class system_call_filter {
 public:
  system_call_filter() : filter_(seccomp_init(SCMP_ACT_ALLOW), &seccomp_release) {}

  // Those that this machine's kernels do not have are left out.
  template <std::size_t Count>
  system_call_filter& forbid(const std::string_view (&calls)[Count]) {
    for (const auto& name : calls) {
      const int number = filter_ ? seccomp_syscall_resolve_name(name.data()) : __NR_SCMP_ERROR;
      if (number == __NR_SCMP_ERROR || number < 0) continue;
      const int error = seccomp_rule_add(filter_.get(), SCMP_ACT_ERRNO(EPERM), number, 0);
      if (error != 0 && error != -EEXIST) failed_ = -error;
    }
    return *this;
  }

  // Errors: the system's, where the kernel has no seccomp; then nothing has changed but that no program gains rights
  // any more (PR_SET_NO_NEW_PRIVS).
  ajar::result<> enforce() const;

 private:
  std::unique_ptr<void, decltype(&seccomp_release)> filter_;
  int failed_ = 0;
};

// Programs, other processes, the kernel, mounts, rights.
ajar::result<> forbid_needless_calls();

// listen(), accept() and what could stand in for them.
ajar::result<> forbid_listening();

// No program that this process might run has more rights than it has itself. It cannot fail (prctl(2)).
void gain_no_privileges();

}  // namespace tools

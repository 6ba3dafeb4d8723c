// SPDX-License-Identifier: BSL-1.0
// What a server may do at most, by the kernel's own word: open no port (outbound mode), and read its shares alone.
#pragma once

#include "../tools/landlock.hpp"

#include <seccomp.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <cerrno>
#include <memory>
#include <string>
#include <vector>

namespace tools {

// From here on, in every thread, listen(), accept() and what could stand in for them fail with EPERM (seccomp(2)).
// Called before any thread starts. Gives 0, or an errno.
inline int forbid_listening() {
  const std::unique_ptr<void, decltype(&seccomp_release)> filter(seccomp_init(SCMP_ACT_ALLOW), &seccomp_release);
  if (!filter) return ENOMEM;
  // io_uring makes the same system calls where no filter sees them
  for (const int call : {SCMP_SYS(listen), SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(io_uring_setup)}) {
    const int error = seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), call, 0);
    if (error != 0) return -error;
  }
  return -seccomp_load(filter.get());
}

// No program that this process might run has more rights than it has itself. It cannot fail (prctl(2)).
inline void gain_no_privileges() { ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }

// A file of settings is replaced when it is edited, so that its folder must be readable to read it again. A folder that
// may hold anything else is not opened for that: there the file itself must do.
inline std::string readable_for(const std::string& settings_file) {
  const auto folder = settings_file.substr(0, settings_file.rfind('/'));
  const auto name = folder.substr(folder.rfind('/') + 1);
  return name == "ajar" ? folder : settings_file;
}

// From here on this process, with all its threads, reads these shares and writes this state folder; besides them it
// sees what it needs to find central: getaddrinfo() loads its modules and reads its files when a name is asked for
// (nsswitch.conf(5)), in a thread of Asio's. It runs no program.
//
// Errors: function_not_supported where the kernel has no Landlock, the system's.
inline ajar::result<> fence_in(const std::vector<std::string>& shares, const std::string& state,
                               const std::string& settings_file) {
  landlock fence;
  for (const auto& one : shares) fence.may_read(one);
  fence.may_write(state);
  if (!settings_file.empty()) fence.may_read(readable_for(settings_file));
  // These are replaced, not written, when the network changes: the folders, so that the new ones are found as well. In
  // /etc that is fit only for those to whom it shows nothing secret.
  for (const char* folder : {"/run/systemd/resolve", "/run/systemd/machines", "/run/resolvconf", "/run/NetworkManager",
                             "/run/connman", "/run/netconfig", "/run/nscd"}) {
    fence.may_read(folder);
  }
  if (::geteuid() != 0) fence.may_read("/etc");
  for (const char* file : {"/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf",
                           "/etc/services", "/etc/protocols", "/etc/hostname", "/etc/ld.so.cache", "/etc/localtime"}) {
    fence.may_read(file);
  }
  // glibc's modules: everybody's to read
  for (const char* library :
       {"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/nix/store", "/gnu/store"}) {
    fence.may_read(library);
  }
  // randomness, and this process's own account of itself
  for (const char* other : {"/dev/urandom", "/dev/random", "/dev/null", "/proc/self"}) fence.may_read(other);
  return fence.enforce();
}

// For status: "landlock 7", or "none".
inline std::string spoken_fence() {
  return landlock::in_force() > 0 ? "landlock " + std::to_string(landlock::in_force()) : "none";
}

}  // namespace tools

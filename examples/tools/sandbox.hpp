// SPDX-License-Identifier: BSL-1.0
// What a tool may do at most while it runs, by the kernel's own word.
#pragma once

#include "console.hpp"
#include "landlock.hpp"
#include "system_calls.hpp"

#include <ajar/telling/step.hpp>

#include <unistd.h>
#include <optional>
#include <string>
#include <string_view>

namespace tools {

// A file of settings is replaced when it is edited, so that its folder must be readable to read it again. A folder that
// may hold anything else is not opened for that: there the file itself must do.
inline std::string readable_for(const std::string& settings_file) {
  const auto slash = settings_file.rfind('/');
  if (slash == std::string::npos) return settings_file;
  const auto folder = settings_file.substr(0, slash);
  const auto name = folder.substr(folder.rfind('/') + 1);
  return name == "ajar" ? folder : settings_file;
}

// What to do where a file that SIGHUP reads again lies outside of the fence. Nothing where that is not why.
inline std::optional<std::string> outside_of_fence(const std::string& file) {
  if (!landlock::keeps_from(file)) return std::nullopt;
  return file +
         ": was replaced, and the sandbox keeps the new one from being read: restart, and keep it in the state folder "
         "or "
         "in one named ajar";
}

// getaddrinfo() loads its modules and reads its files when a name is asked for (nsswitch.conf(5)), in a thread of
// Asio's.
inline void let_names_be_found(landlock& fence) {
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
}

// For status: "landlock 7", or "none".
inline std::string spoken_fence() {
  return landlock::in_force() > 0 ? "landlock " + std::to_string(landlock::in_force()) : "none";
}

// From here on this process, and every thread that it starts, touches no file but what the fence lets it, randomness
// and its own account of itself, and runs no program: as --sandbox says. False: it must have that, and cannot; it has
// complained.
//
// @param reach  what the fence lets it touch, in a word or two for the log: "its shares"
inline bool enter_sandbox(std::string_view tool, const settings& given, landlock fence, const char* reach,
                          const ajar::telling::step_sink& steps) {
  const auto how = given.as<std::string>("sandbox");
  gain_no_privileges();
  if (how == "off") return true;
  for (const char* other : {"/dev/urandom", "/dev/random", "/dev/null", "/proc/self"}) fence.may_read(other);
  const auto fenced = fence.enforce();
  const auto found = fenced ? spoken_fence() : fenced.error().message();
  const auto told = fenced ? fmt::format("only {} can be read", reach) : fmt::format("no fence around {}", reach);
  ajar::telling::report_step(steps, "", told, found);
  const auto limited = forbid_needless_calls();
  if (!limited) ajar::telling::report_step(steps, "", "no filter of system calls", limited.error().message());
  if ((fenced && limited) || how != "required") return true;
  tell("{}: {}: {}: use a kernel with Landlock and seccomp, or --sandbox auto\n", tool, given.where("sandbox"),
       fenced ? limited.error().message() : found);
  return false;
}

}  // namespace tools

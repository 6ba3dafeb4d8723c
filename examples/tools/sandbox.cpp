// SPDX-License-Identifier: BSL-1.0
// examples/tools/sandbox.cpp - the fences around a tool: landlock.hpp, system_calls.hpp, process_facts.hpp,
// sandbox.hpp.
#include "sandbox.hpp"

#include "console.hpp"
#include "process_facts.hpp"

#include <ajar/core/descriptor.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

namespace tools {

// ---- landlock.hpp

namespace {

// linux/landlock.h; Debian 12's lacks the later ones, and the numbers of the calls are the same everywhere
constexpr long create_call = 444;
constexpr long add_call = 445;
constexpr long restrict_call = 446;
constexpr int version_flag = 1;
constexpr int path_beneath = 1;
constexpr std::uint64_t right_execute = 1 << 0;
constexpr std::uint64_t right_write_file = 1 << 1;
constexpr std::uint64_t right_read_file = 1 << 2;
constexpr std::uint64_t right_read_dir = 1 << 3;
constexpr std::uint64_t right_remove_dir = 1 << 4;
constexpr std::uint64_t right_remove_file = 1 << 5;
constexpr std::uint64_t right_make_dir = 1 << 7;
constexpr std::uint64_t right_make_reg = 1 << 8;
constexpr std::uint64_t right_make_sock = 1 << 9;
constexpr std::uint64_t right_truncate = 1 << 14;
constexpr std::uint64_t rights_of_files = right_execute | right_write_file | right_read_file | right_truncate;

struct [[gnu::packed]] path_rule {  // struct landlock_path_beneath_attr
  std::uint64_t rights;
  std::int32_t parent;
};

// All that a version knows: whatever it does not know stays permitted.
std::uint64_t rights_of(int version) {
  constexpr std::array<int, 6> count{0, 13, 14, 15, 15, 16};  // refer, truncate, ioctl on devices
  const auto at = static_cast<std::size_t>(version);
  return (std::uint64_t{1} << count[at < count.size() ? at : count.size() - 1]) - 1;
}

ajar::result<> failed() { return ajar::fail(std::error_code(errno, std::system_category())); }

ajar::result<> add(int rules, const std::string& path, std::uint64_t rights, std::uint64_t handled) {
  const ajar::descriptor at(::open(path.c_str(), O_PATH | O_CLOEXEC));
  struct stat status{};
  if (!at || ::fstat(at.get(), &status) != 0) return {};
  path_rule made{rights & handled, at.get()};
  if (!S_ISDIR(status.st_mode)) made.rights &= rights_of_files;
  if (::syscall(add_call, rules, path_beneath, &made, 0) != 0) return failed();
  return {};
}

}  // namespace

int landlock::kernel_version() {
  const auto version = ::syscall(create_call, nullptr, 0, version_flag);
  return version > 0 ? static_cast<int>(version) : 0;
}

landlock& landlock::may_read(const std::string& path) {
  rules_.push_back({path, right_read_file | right_read_dir});
  return *this;
}

landlock& landlock::may_write(const std::string& path) {
  rules_.push_back({path, right_read_file | right_read_dir | right_write_file | right_remove_dir | right_remove_file |
                              right_make_dir | right_make_reg | right_make_sock | right_truncate});
  return *this;
}

ajar::result<> landlock::enforce() const {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed();
  const int version = kernel_version();
  if (version == 0) return ajar::fail(std::make_error_code(std::errc::function_not_supported));
  const std::uint64_t handled = rights_of(version);  // struct landlock_ruleset_attr of the first version
  const ajar::descriptor rules(static_cast<int>(::syscall(create_call, &handled, sizeof handled, 0)));
  if (!rules) return failed();
  for (const auto& one : rules_) {
    if (auto added = add(rules.get(), one.path, one.rights, handled); !added) return added;
  }
  if (::syscall(restrict_call, rules.get(), 0) != 0) return failed();
  in_force_ = version;
  return {};
}

bool landlock::keeps_from(const std::string& path) {
  if (in_force_ == 0) return false;
  const ajar::descriptor tried(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  return !tried && errno == EACCES && ::access(path.c_str(), R_OK) == 0;  // access() sees permissions alone
}

// ---- system_calls.hpp

ajar::result<> system_call_filter::enforce() const {
  const int error = !filter_ ? ENOMEM : failed_ != 0 ? failed_ : -seccomp_load(filter_.get());
  if (error == 0) return {};
  return ajar::fail(std::error_code(error, std::system_category()));
}

ajar::result<> forbid_needless_calls() {
  system_call_filter filter;
  filter.forbid(needless_calls::kernel).forbid(needless_calls::mounts).forbid(needless_calls::rights);
  if (!sanitized) filter.forbid(needless_calls::programs).forbid(needless_calls::others);  // leaks are sought by ptrace
  return filter.enforce();
}

ajar::result<> forbid_listening() {
  system_call_filter filter;
  filter.forbid(needless_calls::listening);
  return filter.enforce();
}

void gain_no_privileges() { ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }

// ---- process_facts.hpp

std::size_t descriptor_limit() {
  constexpr std::size_t usual = 1024;
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : usual;
}

std::size_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &limit);
  }
  return descriptor_limit();
}

std::optional<int> listening_sockets() {
  DIR* folder = ::opendir("/proc/self/fd");
  if (!folder) return std::nullopt;
  int count = 0;
  while (const auto* entry = ::readdir(folder)) {
    int listens = 0;
    socklen_t size = sizeof listens;
    if (entry->d_name[0] == '.') continue;
    const auto number = std::atoi(entry->d_name);
    if (::getsockopt(number, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens != 0) ++count;
  }
  ::closedir(folder);
  return count;
}

bool may_listen() { return ::listen(-1, 0) == 0 || errno != EPERM; }

std::string seccomp_mode() {
  switch (::prctl(PR_GET_SECCOMP, 0, 0, 0, 0)) {
    case 0:
      return "none";
    case 1:
      return "strict";
    case 2:
      return "filter";
    default:
      return "unknown";
  }
}

// ---- sandbox.hpp

std::string readable_for(const std::string& settings_file) {
  const auto slash = settings_file.rfind('/');
  if (slash == std::string::npos) return settings_file;
  const auto folder = settings_file.substr(0, slash);
  const auto name = folder.substr(folder.rfind('/') + 1);
  return name == "ajar" ? folder : settings_file;
}

std::optional<std::string> outside_of_fence(const std::string& file) {
  if (!landlock::keeps_from(file)) return std::nullopt;
  return file +
         ": was replaced, and the sandbox keeps the new one from being read: restart, and keep it in the state folder "
         "or "
         "in one named ajar";
}

void let_names_be_found(landlock& fence) {
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

std::string spoken_fence() {
  return landlock::in_force() > 0 ? "landlock " + std::to_string(landlock::in_force()) : "none";
}

bool enter_sandbox(std::string_view tool, const settings& given, landlock fence, const char* reach,
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
  complain_in_words(tool, local_trouble,
                    fmt::format("{}: {}: use a kernel with Landlock and seccomp, or --sandbox auto",
                                given.where("sandbox"), fenced ? limited.error().message() : found));
  return false;
}

}  // namespace tools

// SPDX-License-Identifier: BSL-1.0
#include <tools/landlock.hpp>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <ajar/core/deadline.hpp>
#include <ajar/core/descriptor.hpp>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "../temporary_folder.hpp"
#include "own_process.hpp"

namespace landlock_test {

using namespace tools;

namespace {

// A share with a file, a state folder, and a secret beside them.
struct place {
  place() {
    for (const char* one : {"share", "share/below", "state", "beside"})
      std::filesystem::create_directory(path + "/" + one);
    for (const char* one : {"share/file", "share/below/file", "beside/secret", "single", "state/key"}) {
      std::ofstream(path + "/" + one) << "x";
    }
    std::filesystem::create_symlink("../beside/secret", path + "/share/out");
  }
  std::string at(const char* name) const { return path + "/" + name; }

  temporary_folder on;
  const std::string& path = on.path;
};

bool reads(const std::string& path) {
  const ajar::descriptor one(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  char octet = 0;
  return one && ::read(one.get(), &octet, 1) >= 0;
}
bool lists(const std::string& path) { return bool(ajar::descriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY))); }
bool makes(const std::string& path) {
  return bool(ajar::descriptor(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600)));
}
bool renames(const std::string& from, const std::string& to) { return ::rename(from.c_str(), to.c_str()) == 0; }
bool binds(const std::string& path) {
  const ajar::descriptor one(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  path.copy(to.sun_path, sizeof to.sun_path - 1);
  return ::bind(one.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
}

// What a kernel says that was built without it: the first call fails with ENOSYS (seccomp(2)).
bool without_landlock() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 444, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog all{4, program};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &all) == 0;
}

// Behind a fence. The check's first complaint comes back.
std::string in_a_fence(
    const landlock& fence, const std::function<const char*(bool fenced)>& check,
    const std::function<bool()>& before = [] { return true; }) {
  return testing::in_own_process([&]() -> std::string {
    if (!before()) return "before";
    const auto enforced = fence.enforce();
    if (!enforced && enforced.error() != std::errc::function_not_supported) return "enforce failed";
    const char* said = check(enforced.has_value());
    if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) return "new privileges";
    return said ? said : "";
  });
}

}  // namespace

TEST_CASE("what the kernel offers is told, and nothing is in force before it is enforced") {
  MESSAGE("Landlock ABI " << landlock::kernel_version());
  CHECK(landlock::kernel_version() >= 0);
  CHECK(landlock::in_force() == 0);
  CHECK(!landlock::keeps_from("/etc/shadow"));
}

TEST_CASE("within the fence only the share is read and only the state is written; without Landlock nothing changes") {
  const place all;
  landlock fence;
  fence.may_read(all.at("share")).may_read(all.at("single")).may_read(all.at("not-there")).may_write(all.at("state"));
  const auto said = in_a_fence(fence, [&](bool fenced) -> const char* {
    if ((landlock::in_force() > 0) != fenced) return "in_force";
    if (fenced != (landlock::kernel_version() > 0)) return "enforced";
    if (!reads(all.at("share/file")) || !reads(all.at("share/below/file")) || !reads(all.at("single"))) return "share";
    if (!lists(all.at("share/below"))) return "folder";
    if (!reads(all.at("state/key"))) return "state is read";
    if (!makes(all.at("state/.new")) || !renames(all.at("state/.new"), all.at("state/new"))) return "state is written";
    if (!binds(all.at("state/control")) || ::unlink(all.at("state/control").c_str()) != 0) return "socket in the state";
    // from here on it depends on the kernel
    if (reads(all.at("beside/secret")) == fenced) return "secret";
    if (reads(all.at("share/out")) == fenced) return "a link out of the share";
    if (lists(all.path) == fenced || lists(all.at("beside")) == fenced) return "the folder above";
    if (makes(all.at("share/new")) == fenced) return "the share is written";
    if (makes(all.at("beside/new")) == fenced) return "beside is written";
    if (binds(all.at("beside/socket")) == fenced) return "a socket beside";
    if (landlock::keeps_from(all.at("beside/secret")) != fenced) return "keeps_from";
    if (landlock::keeps_from(all.at("share/file")) || landlock::keeps_from(all.at("gone"))) return "keeps_from others";
    bool in_thread = false;
    std::thread([&] { in_thread = reads(all.at("beside/secret")); }).join();
    if (in_thread == fenced) return "a thread";
    return nullptr;
  });
  CHECK(said == "");
}

TEST_CASE("a kernel without Landlock is told from one that fails, and nothing else changes") {
  const place all;
  landlock fence;
  fence.may_read(all.at("share"));
  const auto said = in_a_fence(
      fence,
      [&](bool fenced) -> const char* {
        if (fenced) return "fenced";
        if (landlock::kernel_version() != 0 || landlock::in_force() != 0) return "version";
        return reads(all.at("beside/secret")) && !landlock::keeps_from(all.at("beside/secret")) ? nullptr : "secret";
      },
      without_landlock);
  CHECK(said == "");
}

}  // namespace landlock_test

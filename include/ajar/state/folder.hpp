// SPDX-License-Identifier: BSL-1.0
// ajar/state/folder.hpp - the folder in which a node keeps its key, its grants and its counters.
#pragma once

#include <ajar/core/descriptor.hpp>
#include <ajar/identity/key.hpp>
#include <ajar/state/durable_files.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

namespace ajar::state {

/// The durable files of one node, and what each node has among them: its keys, the count of its logins, its lock.
///
/// Threads: distinct objects safe; processes are kept apart by try_lock() and alone().
class folder : public durable_files {
 public:
  /// Open it, making it where it is not there. Errors: state_unusable, state_permissions.
  static result<folder> open(const std::string& path) {
    auto opened = durable_files::open(path);
    if (!opened) return fail(opened.error());
    return folder(std::move(*opened));
  }

  /// Where a node keeps its state: --state, else $AJAR_STATE, else $XDG_STATE_HOME/ajar/NODE, else
  /// ~/.local/state/ajar/NODE (XDG Base Directory Specification 0.8). Errors: state_unusable where none of them is set.
  static result<std::string> place(std::string_view option, std::string_view node) {
    const auto variable = [](const char* name) { return std::string_view(std::getenv(name) ? std::getenv(name) : ""); };
    if (!option.empty()) return std::string(option);
    if (const auto own = variable("AJAR_STATE"); !own.empty()) return std::string(own);
    if (const auto base = variable("XDG_STATE_HOME"); base.starts_with('/')) {
      return std::string(base) + "/ajar/" + std::string(node);
    }
    if (const auto home = variable("HOME"); home.starts_with('/')) {
      return std::string(home) + "/.local/state/ajar/" + std::string(node);
    }
    return fail(errc::state_unusable);
  }

  /// False once it was removed with all that was in it.
  bool is_there() const { return is_one(handle()); }

  /// Whether an open file begins as a node's key does, whatever it is called and wherever it lies.
  static bool is_key(int file) {
    std::array<char, key_begin.size()> begin{};
    const auto count = ::pread(file, begin.data(), begin.size(), 0);
    return count == static_cast<ssize_t>(begin.size()) && std::string_view(begin.data(), begin.size()) == key_begin;
  }
  /// Whether an open folder is some node's state folder: there is a key in it. O_PATH is enough.
  static bool is_one(int folder) {
    const descriptor file(::openat(folder, key_file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    struct stat status{};
    return file && ::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode) && is_key(file.get());
  }

  /// The key of this node, made at the first use. Errors: key_malformed, state_permissions, the system's.
  result<identity::key> load_key() const { return load_or_make(key_file); }

  /// The key that this node goes over to, where it does. Errors: as load_key().
  result<std::optional<identity::key>> successor() const { return load(successor_file); }
  /// The same, made at the first use. Errors: as load_key().
  result<identity::key> load_successor() const { return load_or_make(successor_file); }
  /// It is the node's key from now on, durably; the one before is gone. Errors: the system's.
  result<> use_successor() const { return rename(successor_file, key_file); }
  /// The same, and the one before is former() until forget_former(). Again, after a crash, goes on. Errors:
  /// state_damaged (there is no key, or no successor), the system's.
  result<> go_over() const {
    auto before = read(key_file);
    const auto next = read(successor_file);
    if (!before) return fail(before.error());
    if (!next) return fail(next.error());
    if (!*before || !*next) return fail(errc::state_damaged);
    auto kept = write(former_file, **before);
    wipe(**before);
    return kept ? use_successor() : kept;
  }
  /// The key that this node has gone over from, and that is not forgotten yet. Errors: as load_key().
  result<std::optional<identity::key>> former() const {
    auto kept = load(former_file);
    if (!kept || !*kept) return kept;
    const auto now = load(key_file);
    if (now && *now && (*now)->id() == (*kept)->id()) return std::optional<identity::key>();  // it had only begun
    return kept;
  }
  /// It is gone, durably. Errors: the system's.
  result<> forget_former() const { return remove(former_file); }

  /// Count a login and keep the count before it is used, so that no two logins of a key have the same number.
  /// Errors: state_damaged, the system's. Precondition: the caller holds try_lock()'s.
  result<std::uint64_t> next_login() const {
    auto file = read(login_file);
    if (!file) return fail(file.error());
    auto count = *file ? parse_login(as_text(**file)) : result<std::uint64_t>(0);
    if (!count) return count;
    ++*count;
    auto written = write(login_file, as_bytes(std::to_string(*count) + "\n"));
    if (!written) return fail(written.error());
    return count;
  }
  /// The count in that file. Errors: state_damaged.
  static result<std::uint64_t> parse_login(std::string_view text) {
    std::uint64_t count = 0;
    const auto* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, count);
    if (parsed.ec != std::errc{} || parsed.ptr + 1 != end || *parsed.ptr != '\n') return fail(errc::state_damaged);
    return count;
  }

  /// The lock of the process that uses this node's link; commands that run side by side take turns. Take it if nobody
  /// has it. Errors: would_block where another process holds it, the system's.
  result<hold> try_lock() const {
    descriptor file(::openat(handle(), lock_file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) return fail(last_error());
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
      return fail(errno == EWOULDBLOCK ? make_error_code(errc::would_block) : last_error());
    }
    return hold(std::move(file));
  }

 private:
  static constexpr const char* key_file = "key";
  static constexpr const char* successor_file = "key.successor";
  static constexpr const char* former_file = "key.former";
  static constexpr const char* login_file = "login";
  static constexpr const char* lock_file = "lock";
  static constexpr std::string_view key_begin = "ajar-key/1 ";

  explicit folder(durable_files files) : durable_files(std::move(files)) {}

  result<std::optional<identity::key>> load(const char* name) const {
    auto file = read(name);
    if (!file) return fail(file.error());
    if (!*file) return std::optional<identity::key>();
    auto& content = **file;
    const auto text = as_text(content);
    const bool whole = text.starts_with(key_begin) && text.ends_with('\n');
    auto seed = whole ? from_base32(text.substr(key_begin.size(), text.size() - key_begin.size() - 1)) : std::nullopt;
    wipe(content);
    if (!seed || seed->size() != 32) return fail(errc::key_malformed);
    crypto::signing_key pair{secret<32>(std::span<const std::uint8_t, 32>(*seed))};
    wipe(*seed);
    return std::optional(identity::key(std::move(pair)));
  }

  result<identity::key> load_or_make(const char* name) const {
    auto known = load(name);
    if (known && !*known) known = make_key(name);
    if (known && !*known) known = load(name);  // another process was first
    if (!known) return fail(known.error());
    if (!*known) return fail(errc::state_damaged);
    return std::move(**known);
  }

  // Nothing where another process has made one meanwhile.
  result<std::optional<identity::key>> make_key(const char* name) const {
    identity::key made = identity::key::generate();
    auto text = std::string(key_begin) + to_base32(made.pair().seed().reveal()) + "\n";
    const auto written = create(name, as_bytes(text));
    ::explicit_bzero(text.data(), text.size());
    if (!written) return fail(written.error());
    if (!*written) return std::optional<identity::key>();
    return std::optional(std::move(made));
  }
};

/// A node's folder with its key, its lock held until this goes: for a node that runs as long as its process.
struct locked_folder {
  /// Make it where it is not there. Errors: already_running (another process holds the lock), state_unusable,
  /// state_permissions, key_malformed, the system's.
  static result<locked_folder> open(const std::string& path) {
    auto opened = folder::open(path);
    if (!opened) return fail(opened.error());
    auto held = opened->try_lock();
    if (!held) return fail(held.error() == errc::would_block ? make_error_code(errc::already_running) : held.error());
    auto own = opened->load_key();
    if (!own) return fail(own.error());
    return locked_folder{std::move(*opened), std::move(*held), std::move(*own)};
  }

  state::folder folder;
  state::folder::hold hold;
  identity::key key;
};

}  // namespace ajar::state

// SPDX-License-Identifier: BSL-1.0
// ajar/state/folder.hpp - the folder in which a node keeps its key, its grants and its counters.
#pragma once

#include <ajar/identity/key.hpp>
#include <ajar/state/durable_files.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace ajar::state {

/// The durable files of one node, and what each node has among them: its keys, the count of its logins, its lock.
///
/// Threads: distinct objects safe; processes are kept apart by try_lock() and alone().
class folder : public durable_files {
 public:
  /// Open it, making it where it is not there. Errors: state_unusable, state_permissions.
  static result<folder> open(const std::string& path);

  /// Where a node keeps its state: --state, else $AJAR_STATE, else $XDG_STATE_HOME/ajar/NODE, else
  /// ~/.local/state/ajar/NODE (XDG Base Directory Specification 0.8). Errors: state_unusable where none of them is set.
  static result<std::string> place(std::string_view option, std::string_view node);

  /// False once it was removed with all that was in it.
  bool is_there() const { return is_one(handle()); }

  /// Whether an open file begins as a node's key does, whatever it is called and wherever it lies.
  static bool is_key(int file);
  /// Whether an open folder is some node's state folder: there is a key in it. O_PATH is enough.
  static bool is_one(int folder);

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
  result<> go_over() const;
  /// The key that this node has gone over from, and that is not forgotten yet. Errors: as load_key().
  result<std::optional<identity::key>> former() const;
  /// It is gone, durably. Errors: the system's.
  result<> forget_former() const { return remove(former_file); }

  /// Count a login and keep the count before it is used, so that no two logins of a key have the same number.
  /// Errors: state_damaged, the system's. Precondition: the caller holds try_lock()'s.
  result<std::uint64_t> next_login() const;
  /// The count in that file. Errors: state_damaged.
  static result<std::uint64_t> parse_login(std::string_view text);

  /// The lock of the process that uses this node's link; commands that run side by side take turns. Take it if nobody
  /// has it. Errors: would_block where another process holds it, the system's.
  result<hold> try_lock() const;

 private:
  static constexpr const char* key_file = "key";
  static constexpr const char* successor_file = "key.successor";
  static constexpr const char* former_file = "key.former";
  static constexpr const char* login_file = "login";
  static constexpr const char* lock_file = "lock";
  static constexpr std::string_view key_begin = "ajar-key/1 ";

  explicit folder(durable_files files) : durable_files(std::move(files)) {}

  result<std::optional<identity::key>> load(const char* name) const;

  result<identity::key> load_or_make(const char* name) const;

  // Nothing where another process has made one meanwhile.
  result<std::optional<identity::key>> make_key(const char* name) const;
};

/// A node's folder with its key, its lock held until this goes: for a node that runs as long as its process.
struct locked_folder {
  /// Make it where it is not there. Errors: already_running (another process holds the lock), state_unusable,
  /// state_permissions, key_malformed, the system's.
  static result<locked_folder> open(const std::string& path);

  state::folder folder;
  state::folder::hold hold;
  identity::key key;
};

}  // namespace ajar::state

#ifdef AJAR_HEADER_ONLY
#include <ajar/state/impl/folder.ipp>
#endif

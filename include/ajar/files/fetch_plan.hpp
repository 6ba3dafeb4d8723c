// SPDX-License-Identifier: BSL-1.0
// ajar/files/fetch_plan.hpp - what a fetch does about each entry, each failure and each session that goes, and what it
// counts; pure.
#pragma once

#include <ajar/core/clock.hpp>
#include <ajar/core/deadline.hpp>
#include <ajar/core/shortage.hpp>
#include <ajar/files/shared_folder.hpp>

#include <fnmatch.h>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace ajar::files {

/// Why an entry of a folder is not fetched.
enum class left_out_cause : std::uint8_t {
  not_a_file,       ///< neither a file nor a folder
  link_to_folder,   ///< it may lead in circles: that folder can be fetched itself
  link_to_nothing,  ///< it leads nowhere in the share
  destination,      ///< the folder that all goes to: it would never end
};

/// Whether an entry is left out: what is fetched are files, links to files, and folders with all that is in them.
inline std::optional<left_out_cause> leaves_out(const folder_entry& entry) {
  const bool file = entry.facts && entry.facts->kind == entry_kind::file;
  if (file || entry.kind == entry_kind::folder) return std::nullopt;
  if (entry.kind == entry_kind::other) return left_out_cause::not_a_file;
  return entry.facts ? left_out_cause::link_to_folder : left_out_cause::link_to_nothing;
}

/// Whether an entry is one that its user does not want. A pattern is that of a shell (fnmatch(3)): of a name, wherever
/// it is; with a '/' in it of a path from the fetched folder on; with one at its end of folders only.
inline bool is_excluded(const std::vector<std::string>& patterns, const std::string& path, bool folder) {
  const auto name = path.substr(path.rfind('/') + 1);
  for (std::string_view one : patterns) {
    const bool folders = one.ends_with('/');
    if (folders) one.remove_suffix(1);
    const bool whole = one.find('/') != one.npos;
    if (one.starts_with('/')) one.remove_prefix(1);
    const std::string pattern(one);
    if (folders && !folder) continue;
    if (::fnmatch(pattern.c_str(), whole ? path.c_str() : name.c_str(), FNM_PATHNAME) == 0) return true;
  }
  return false;
}

/// Why something could not be fetched.
struct fetch_trouble {
  std::error_code why;
  bool local = false;  ///< this machine's own fault: what is to be written cannot be

  bool operator==(const fetch_trouble&) const = default;
};

inline fetch_trouble remote_trouble(std::error_code why) { return {why, false}; }
/// What the system says is this machine's own; what ajar says of what comes is not.
inline fetch_trouble local_trouble(std::error_code why) { return {why, why.category() != category()}; }

/// What concerns one place only: the rest can go on.
inline bool concerns_one_place(const std::error_code& why) {
  for (const auto one : {errc::share_not_found, errc::share_unreadable, errc::share_cut_short, errc::path_malformed,
                         errc::file_not_found, errc::file_not_permitted, errc::not_a_file, errc::not_a_folder,
                         errc::file_changed, errc::digest_mismatch, errc::service_not_granted, errc::stream_reset,
                         errc::destination_special, errc::destination_changed, errc::destination_busy}) {
    if (why == one) return true;
  }
  return false;
}

/// All of the fetch is in vain: the session is gone, the server lies, or nothing can be written any more.
inline bool ends_all(const fetch_trouble& one) {
  if (!one.local) return !concerns_one_place(one.why);
  if (is_shortage(one.why)) return true;
  for (const auto all : {std::errc::no_space_on_device, std::errc::read_only_file_system, std::errc::io_error}) {
    if (one.why == all) return true;
  }
  return one.why == std::error_code(EDQUOT, std::system_category());
}

/// Nobody meant the session to end, or its server begins anew: another one can go on with the work.
inline bool session_went(const std::error_code& why) {
  for (const auto one : {errc::truncated, errc::eof, errc::read_timeout, errc::write_timeout, errc::session_draining}) {
    if (why == one) return true;
  }
  return false;
}

/// How a file came to be here.
enum class file_came : std::uint8_t {
  fetched,
  resumed,  ///< some of it was there from before
  present,  ///< all of it was
};

/// What has come of a fetch.
struct fetch_counts {
  std::uint64_t octets = 0;    ///< that are here
  std::uint64_t total = 0;     ///< that are known of
  std::uint64_t before = 0;    ///< of `octets`, what was here before
  std::uint64_t files = 0;     ///< that are done
  std::uint64_t known = 0;     ///< files that are known of
  bool complete = false;       ///< all are known
  std::uint64_t present = 0;   ///< files that were here
  std::uint64_t resumed = 0;   ///< octets of half files that were here
  std::uint64_t left_out = 0;  ///< entries
  std::uint64_t failed = 0;    ///< files and folders
  std::uint64_t removed = 0;   ///< strays, files and folders; or those that would be
  std::uint64_t kept = 0;      ///< strays that are their owner's

  bool operator==(const fetch_counts&) const = default;
};

/// Octets that one attempt at a file has brought or found.
struct fetch_attempt {
  std::uint64_t octets = 0;
  std::uint64_t before = 0;  ///< of them: were here
};

/// The decisions of one fetch. Time comes as an argument.
class fetch_plan {
 public:
  /// @param retry  for how long other sessions are tried while nothing comes
  explicit fetch_plan(clock::duration retry) : retry_(retry) {}

  const fetch_counts& counts() const noexcept { return counts_; }

  /// Nothing further is begun: what failed ends all, or end() was called.
  bool ended() const noexcept { return ended_; }
  void end() noexcept { ended_ = true; }

  // ---- what there is

  void found(const std::optional<file_facts>& facts) {
    ++counts_.known;
    if (facts) looked_at(*facts);
  }
  /// The facts of a file were not known, or changed.
  void looked_at(const file_facts& facts) { counts_.total += facts.size; }
  void left_out() { ++counts_.left_out; }
  void all_found() { counts_.complete = true; }
  void strays(std::uint64_t removed, std::uint64_t kept) {
    counts_.removed += removed;
    counts_.kept += kept;
  }

  // ---- what comes of one file

  void was_there(fetch_attempt& by, std::uint64_t octets) {
    by.octets += octets;
    by.before += octets;
    counts_.octets += octets;
    counts_.before += octets;
  }
  void came(fetch_attempt& by, std::uint64_t octets) {
    by.octets += octets;
    counts_.octets += octets;
    lost_.reset();
  }
  /// @param resumed  octets of its half that were there
  void done(file_came how, std::uint64_t resumed = 0) {
    ++counts_.files;
    counts_.present += how == file_came::present ? 1 : 0;
    counts_.resumed += resumed;
    lost_.reset();
  }
  /// The attempt failed: what it has counted does not count.
  void undone(const fetch_attempt& by) {
    counts_.octets -= by.octets;
    counts_.before -= by.before;
  }

  /// Whether a file is looked at and tried again at once: it changed while it came, or what was put together of its
  /// parts is not it. Once, as it may always change.
  bool tries_anew(const std::error_code& why, int attempts_before) const {
    return attempts_before == 0 && !ended_ &&
           (why == errc::file_changed || why == errc::share_cut_short || why == errc::digest_mismatch);
  }
  /// The file is another one now.
  void changed(const file_facts& former) { counts_.total -= former.size; }

  /// Something failed for good. It may end all.
  /// @return whether that is to be told: what only follows from what was told is not
  bool failed(const fetch_trouble& one) {
    ++counts_.failed;
    if (ended_ && (is_canceled(one.why) || (told_ && ends_all(one)))) return false;
    told_ = true;
    ended_ = ended_ || ends_all(one);
    return true;
  }

  // ---- sessions

  /// The session went.
  /// @return until when another one is tried for; nothing where that is over. It counts from when a loss was first
  /// noticed, with nothing since: who was stopped for a while, or heard nothing for minutes, has not tried yet.
  std::optional<time_point> session_lost(time_point now) {
    if (!lost_) lost_ = now;
    const auto until = *lost_ + retry_;
    return ended_ || now >= until ? std::nullopt : std::optional(until);
  }

 private:
  clock::duration retry_;
  fetch_counts counts_;
  bool ended_ = false;
  bool told_ = false;  // that something failed
  std::optional<time_point> lost_;
};

}  // namespace ajar::files

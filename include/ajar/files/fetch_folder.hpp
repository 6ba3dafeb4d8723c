// SPDX-License-Identifier: BSL-1.0
// ajar/files/fetch_folder.hpp - files and whole folders of a share, to a folder here: several at a time, taken up again
// where they were left, over as many sessions as it takes.
#pragma once

#include <ajar/files/fetch_plan.hpp>
#include <ajar/files/half_file.hpp>
#include <ajar/files/strays.hpp>
#include <ajar/files/walk.hpp>

#include <asio/any_io_executor.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ajar::files {

/// What to fetch.
struct fetch_source {
  share_path from;   ///< a file, or a folder; with `folder` set, what is in that folder
  std::string name;  ///< what it is called at the destination; of no use with `folder` set
};

/// A file that is here, whole.
struct fetched_file {
  std::string path;  ///< below the destination
  std::uint64_t size = 0;
  file_came how = file_came::fetched;
  bool foreseen = false;  ///< it is not: it would be, as fetch_options::dry() was asked for
};

/// Something that is not.
struct fetch_failure {
  fetch_trouble trouble;
  entry_kind kind = entry_kind::file;   ///< file or folder, as far as it is known
  std::string path;                     ///< below the destination; "" is itself
  std::optional<share_path> at_server;  ///< instead: what could not be looked at there
};

/// Told of what a fetch does, as it happens, on its executor. Nothing is told once the fetch has ended.
class fetch_events {
 public:
  virtual ~fetch_events() = default;
  virtual void file_done(const fetched_file&) {}
  /// The path is below the destination.
  virtual void left_out(const std::string&, left_out_cause) {}
  /// After all has come.
  virtual void removed(const removed_stray&) {}
  /// What only follows from an earlier failure is counted, and not told.
  virtual void failed(const fetch_failure&) {}
  /// Every fetch_options::progress_every().
  virtual void progress(const fetch_counts&) {}
  /// The session went; another one is asked for.
  virtual void session_lost(const std::error_code&) {}
  /// There is no other one, for good: what is not here yet fails.
  virtual void no_session(const std::error_code&) {}
};

/// Where another session with the same server comes from, when one went.
class session_source {
 public:
  virtual ~session_source() = default;
  /// Called until it gives one, with pauses, one call at a time. Cancellation: terminal.
  virtual awaitable<result<shared_streams>> another() = 0;
  /// Whether what another() failed by may be mended by another attempt.
  virtual bool may_mend(const std::error_code& why) const = 0;
};

namespace detail {
class fetching;
}

/// How a fetch goes about it.
class fetch_options {
 public:
  fetch_options() {}

  /// Compare each file's SHA-256 with the server's, also of what is here already. By default not.
  fetch_options& verify(bool on) {
    verify_ = on;
    return *this;
  }
  /// Replace what is here and its owner's own too: files that were changed since they were fetched, or never were. By
  /// default such a file fails, by destination_changed.
  fetch_options& force(bool on) {
    force_ = on;
    return *this;
  }
  /// Each file as long as it was when it was listed or asked for, also where it has grown since or grows meanwhile:
  /// file_request::snapshot(). By default such a file is tried anew, once, and fails then.
  fetch_options& snapshot(bool on) {
    snapshot_ = on;
    return *this;
  }
  /// Only say what would happen: nothing is written. For a destination of destination::look().
  fetch_options& dry(bool on) {
    dry_ = on;
    return *this;
  }
  /// Without what matches one of these: is_excluded().
  fetch_options& exclude(std::vector<std::string> patterns) {
    exclude_ = std::move(patterns);
    return *this;
  }
  /// Remove what is in a fetched folder and no longer in the one there, as remove_strays() does: when all has come,
  /// and only if all of it was listed without a failure. What exclude() matches stays. With force() what is its
  /// owner's goes too. Where several sources go to one place nothing is removed there. By default nothing is.
  fetch_options& remove_strays(bool on) {
    remove_strays_ = on;
    return *this;
  }
  /// So many octets a second at the most, of all files together. By default as many as come.
  fetch_options& limit_rate(std::uint64_t octets) {
    rate_ = octets;
    return *this;
  }
  /// So many files at a time.
  fetch_options& parallel(unsigned files) {
    parallel_ = files;
    return *this;
  }
  /// Go on over other sessions, until nothing has come for so long. By default the fetch ends with its session.
  fetch_options& sessions(std::shared_ptr<session_source> from, clock::duration retry = std::chrono::seconds(60)) {
    sessions_ = std::move(from);
    retry_ = retry;
    return *this;
  }
  /// Where files are put on the disk and digests of them are computed, which blocks. By default four threads of its
  /// own.
  fetch_options& disk(asio::any_io_executor on) {
    disk_ = std::move(on);
    return *this;
  }
  fetch_options& progress_every(clock::duration pause) {
    progress_every_ = pause;
    return *this;
  }

 private:
  friend class detail::fetching;

  bool verify_ = false;
  bool force_ = false;
  bool dry_ = false;
  bool remove_strays_ = false;
  bool snapshot_ = false;
  std::vector<std::string> exclude_;
  std::uint64_t rate_ = 0;  // none
  unsigned parallel_ = 8;
  std::shared_ptr<session_source> sessions_;
  clock::duration retry_{};
  asio::any_io_executor disk_;
  clock::duration progress_every_ = std::chrono::seconds(1);
};

/// Fetch files, and folders with all in them.
///
/// A file has its name only when it is whole, on the disk, and known not to have changed meanwhile; until then it is a
/// half_file, which another fetch goes on with, in this process or a later one; its digest is compared then, as nobody
/// knows what became of the half meanwhile. A file of the same size and time is taken for the same. One that its owner
/// has changed here is left as it is. Nothing is written outside of the destination, whatever the server says; links
/// are not followed here and not made. One failure ends only what it concerns, unless it concerns all (ends_all).
///
/// @param over  the session to begin with
/// @param told  nothing: nobody is told
/// @return what came of it: all is here where `failed` is 0
/// Cancellation: terminal; half files stay. Threads: the session's executor only, but for the disk.
/// Example: examples/fetch_folder.cpp.
[[nodiscard]] awaitable<fetch_counts> fetch_folder(shared_streams over, std::vector<fetch_source> what,
                                                   destination into, std::shared_ptr<fetch_events> told,
                                                   fetch_options how = fetch_options());

}  // namespace ajar::files

#ifdef AJAR_HEADER_ONLY
#include <ajar/files/impl/fetch_folder.ipp>
#endif

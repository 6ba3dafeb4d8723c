// SPDX-License-Identifier: BSL-1.0
// What one get has in hand: files to fetch, what came of them, and what is said meanwhile.
#pragma once

#include "part_file.hpp"
#include "walk.hpp"

#include <sys/ioctl.h>
#include <ajar/core/deadline.hpp>
#include <ajar/core/notifier.hpp>
#include <ajar/core/shortage.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/net/backoff.hpp>
#include <asio/thread_pool.hpp>
#include <deque>

namespace tools {

struct get_options {
  bool verify = false;
  bool json = false;
  bool quiet = false;
  unsigned parallel = 8;
  std::chrono::seconds retry{60};  // without progress; zero: one session only
  bool offered = false;            // somebody waits at the other end until all of it is here
};

// Why something could not be fetched, and whether that is this machine's own fault.
struct trouble {
  std::error_code why;
  bool local = false;
};
using verdict = tl::expected<void, trouble>;

inline tl::unexpected<trouble> remote_trouble(std::error_code why) {
  return tl::unexpected<trouble>(trouble{why, false});
}
inline tl::unexpected<trouble> local_trouble_of(std::error_code why) {
  return tl::unexpected<trouble>(trouble{why, why.category() != ajar::category()});
}

// The whole errand is in vain: the session is gone, the server lies, or nothing can be written any more.
inline bool ends_all(const trouble& one) {
  if (!one.local) return !concerns_one_place(one.why);
  if (ajar::is_shortage(one.why)) return true;
  for (const auto all : {std::errc::no_space_on_device, std::errc::read_only_file_system, std::errc::io_error}) {
    if (one.why == all) return true;
  }
  return one.why == std::error_code(EDQUOT, std::system_category());
}

// A file to fetch.
struct fetch_job {
  local_folder_ptr in;
  std::string name;
  ajar::files::share_path from;
  std::optional<ajar::files::file_facts> facts;  // as the listing has them
  std::string half{};                            // what an attempt has left

  std::string shown_path() const { return shown(in->path() + "/" + name); }
};

// Shared by the one who walks and those who fetch.
class fetching {
 public:
  fetching(visit_ptr with, local_tree into, const get_options& options)
      : at(std::move(with)),
        tree(std::move(into)),
        how(options),
        changed(at->over.get_executor()),
        work(at->over.get_executor()),
        terminal_(!options.quiet && !options.json && ::isatty(STDERR_FILENO) != 0),
        begun_(ajar::clock::now()) {}

  visit_ptr at;  // the session that there is now
  local_tree tree;
  get_options how;
  ajar::notifier changed;  // the queue, or the end
  std::deque<fetch_job> queue;
  bool all_known = false;
  bool stopped = false;
  bool restoring = false;  // somebody is getting another session
  ajar::task_group work;
  std::optional<ajar::time_point> lost_at;  // since then sessions went, and nothing came
  asio::thread_pool disk{4};                // waits for fsync, which takes milliseconds

  progress_numbers numbers;
  std::uint64_t present = 0;   // files that were there
  std::uint64_t resumed = 0;   // octets that were there
  std::uint64_t left_out = 0;  // links and what is no file
  std::uint64_t failed = 0;
  exit_code code = success;
  bool over = false;  // nothing is done any more

  // A line on stderr, above the bar.
  void say(const std::string& line) {
    wipe_bar();
    tell("{}: {}\n", client_tool, line);
  }
  void note_left_out(const std::string& what, const char* why) {
    ++left_out;
    if (!how.quiet) say(fmt::format("{}: left out: {}", what, why));
  }
  void note_failure(const std::string& about, const trouble& one) {
    ++failed;
    if (stopped && ajar::is_canceled(one.why)) return;  // because of another failure, which was told
    if (stopped && ends_all(one) && code != success) return;
    wipe_bar();
    auto shown_code = one.local ? cut_short : exit_code_of(one.why);
    if (one.local) {
      tell("{}: {}: {}: {}\n", client_tool, about, one.why.message(), ajar::explain(ajar::errc::destination_unusable));
    } else {
      complain(client_tool, about, one.why);
    }
    if (code == success) code = shown_code;
    if (!ends_all(one)) return;
    stopped = true;
    changed.notify();
  }
  void note_file(const fetch_job& job, const char* state, std::uint64_t size) {
    if (!how.json) return;
    const auto path = job.in->path() + "/" + job.name;
    const bool plain = ajar::is_utf8(path);
    json_line line;
    line.with(plain ? "file" : "file_base64", plain ? path : ajar::to_base64(ajar::as_bytes(path)))
        .with("size", size)
        .with("state", state);
    fmt::print("{}\n", line.text());
  }

  // Every fifth of a second on a terminal, every ten seconds elsewhere.
  ajar::clock::duration pause() const {
    return terminal_ ? ajar::clock::duration(std::chrono::milliseconds(200)) : std::chrono::seconds(10);
  }
  void show_bar() {
    update();
    if (how.quiet || how.json) return;
    auto line = shown_progress(numbers);
    if (!terminal_) {
      tell("{}\n", line);
      return;
    }
    winsize size{};
    const std::size_t width = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1U : 79;
    tell("\r\x1b[K{}", line.substr(0, width));
    bar_ = true;
  }
  void summary(const json_line& path) {
    wipe_bar();
    update();
    const auto came = numbers.octets - std::min(numbers.before, numbers.octets);
    if (how.json) {
      json_line line;
      line.with("done", code == success)
          .with("files", numbers.files)
          .with("octets", came)
          .with("resumed_octets", resumed)
          .with("present", present)
          .with("left_out", left_out)
          .with("failed", failed)
          .with("seconds", numbers.seconds)
          .with_all(path);
      fmt::print("{}\n", line.text());
    } else if (!how.quiet) {
      const auto rate = numbers.seconds > 0 ? static_cast<double>(came) / numbers.seconds : 0;
      auto line = fmt::format("{} files, {} in {:.1f} s, {}/s", numbers.files, shown_size(static_cast<double>(came)),
                              numbers.seconds, shown_size(rate));
      if (present > 0) line += fmt::format(", {} were there already", present);
      if (resumed > 0) line += fmt::format(", {} from an earlier run", shown_size(static_cast<double>(resumed)));
      if (failed > 0) line += fmt::format(", {} failed", failed);
      tell("{}\n", line);
    }
  }

 private:
  void update() {
    numbers.complete = all_known;
    numbers.seconds = std::chrono::duration<double>(ajar::clock::now() - begun_).count();
  }
  void wipe_bar() {
    if (std::exchange(bar_, false)) tell("\r\x1b[K");
  }

  bool terminal_;
  bool bar_ = false;
  ajar::time_point begun_;
};
using fetching_ptr = std::shared_ptr<fetching>;

namespace detail {

// Whether others may go on meanwhile, also where this is cancelled.
struct restoring {
  explicit restoring(fetching_ptr what) : on(std::move(what)) { on->restoring = true; }
  restoring(const restoring&) = delete;
  restoring& operator=(const restoring&) = delete;
  ~restoring() {
    on->restoring = false;
    on->changed.notify();
  }
  fetching_ptr on;
};

// What another attempt may mend: all but a word that is final.
inline bool may_come_back(const std::error_code& why) {
  return exit_code_of(why) == not_reached || exit_code_of(why) == no_central;
}

}  // namespace detail

// Another session in place of one that went. One of those who have lost it connects, and the others wait.
// @return false: it went for another cause, there is no other, or nothing has come for too long
inline ajar::awaitable<bool> restore(fetching_ptr on, visit_ptr lost, std::error_code why) {
  if (!session_went(why)) co_return false;
  while (on->restoring && on->at == lost && !on->stopped) {
    auto changed = co_await on->changed.wait();
    if (!changed) co_return false;
  }
  if (on->at != lost) co_return true;
  // from when it was noticed: who was stopped for a while, or heard nothing for minutes, has not tried yet
  if (!on->lost_at) on->lost_at = ajar::clock::now();
  const auto until = *on->lost_at + on->how.retry;
  if (on->stopped || ajar::clock::now() >= until) co_return false;
  const detail::restoring here(on);
  if (!on->how.quiet) on->say(fmt::format("{}: {}; connecting again", shown(lost->server), why.message()));
  ajar::net::backoff pauses(std::chrono::milliseconds(500), std::chrono::milliseconds(10'000));
  while (!on->stopped && ajar::clock::now() < until) {
    auto connecting = lost->again();
    auto made = co_await std::move(connecting);
    if (made) {
      on->at = std::move(*made);
      co_return true;
    }
    if (!detail::may_come_back(made.error())) {
      complain(client_tool, shown(lost->server), made.error());
      co_return false;
    }
    auto slept = co_await ajar::sleep_until(std::min(until, ajar::clock::now() + pauses.next()));
    if (!slept) co_return false;
  }
  co_return false;
}

}  // namespace tools

// SPDX-License-Identifier: BSL-1.0
// get: files and folders of a share, and what is said meanwhile.
#pragma once

#include "../tools/offer.hpp"
#include "there.hpp"
#include "visit.hpp"

#include <ajar/files/fetch_folder.hpp>

#include <sys/ioctl.h>
#include <algorithm>
#include <utility>

namespace tools {

struct get_options {
  bool verify = false;
  bool force = false;  // files that were changed here too
  bool dry_run = false;
  bool remove = false;    // what is not there any more
  bool snapshot = false;  // files that grow: as they were
  std::vector<std::string> exclude{};
  std::uint64_t rate = 0;  // octets a second; 0: as many as come
  bool json = false;
  bool quiet = false;
  unsigned parallel = 8;
  std::chrono::seconds retry{60};  // without progress; zero: one session only
  bool offered = false;            // somebody waits at the other end until all of it is here
};

// What the system says of a destination stands beside what that means.
inline exit_code complain_of_destination(const std::string& about, const std::error_code& why) {
  if (why.category() == ajar::category()) return complain(client_tool, about, why);
  return complain(client_tool, about, ajar::errc::destination_unusable, why.message());
}

// Says what a fetch does: complaints, a bar or JSON lines, and in the end a summary and an exit code.
class get_report final : public ajar::files::fetch_events {
 public:
  get_report(std::string server, std::string to, const get_options& how)
      : server_(std::move(server)),
        to_(std::move(to)),
        json_(how.json),
        dry_(how.dry_run),
        removes_(how.remove),
        quiet_(how.quiet),
        terminal_(!how.quiet && !how.json && ::isatty(STDERR_FILENO) != 0),
        begun_(ajar::clock::now()) {}

  // Every fifth of a second on a terminal, every ten seconds elsewhere.
  ajar::clock::duration pause() const {
    return terminal_ ? ajar::clock::duration(std::chrono::milliseconds(200)) : std::chrono::seconds(10);
  }

  void file_done(const ajar::files::fetched_file& one) override {
    const auto path = to_ + "/" + one.path;
    if (one.foreseen && !json_)
      fmt::print("{}: would be fetched, {}\n", shown(path), shown_size(static_cast<double>(one.size)));
    if (!json_) return;
    auto line = json_line().with_octets("file", path);
    line.with("size", one.size).with("state", one.foreseen ? "would be fetched" : word_for(one.how));
    fmt::print("{}\n", line.text());
  }
  void removed(const ajar::files::removed_stray& one) override {
    const auto path = to_ + "/" + one.path;
    if (json_) {
      auto line = json_line().with_octets(one.folder ? "folder" : "file", path);
      line.with("state", one.foreseen ? "would be removed" : "removed");
      fmt::print("{}\n", line.text());
    } else if (one.foreseen) {
      fmt::print("{}{}: would be removed\n", shown(path), one.folder ? "/" : "");
    }
  }
  void left_out(const std::string& path, ajar::files::left_out_cause why) override {
    if (!quiet_) say(fmt::format("{}: left out: {}", shown(path), word_for(why)));
  }
  void failed(const ajar::files::fetch_failure& one) override {
    wipe_bar();
    const auto& why = one.trouble.why;
    if (one.trouble.local) {
      complain_of_destination(name_of(one), why);
    } else {
      complain(client_tool, name_of(one), why);
    }
    if (code_ == success) code_ = one.trouble.local ? cut_short : exit_code_of(why);
  }
  // A bar on a terminal, above which the complaints are; lines elsewhere.
  void progress(const ajar::files::fetch_counts& now) override {
    if (quiet_ || json_) return;
    auto line = shown_progress(now, seconds());
    if (!terminal_) {
      tell("{}\n", line);
      return;
    }
    winsize size{};
    const std::size_t width = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1U : 79;
    tell("\r\x1b[K{}", line.substr(0, width));
    bar_ = true;
  }
  void session_lost(const std::error_code& why) override {
    if (!quiet_) say(fmt::format("{}: {}; connecting again", shown(server_), why.message()));
  }
  void no_session(const std::error_code& why) override {
    wipe_bar();
    complain(client_tool, server_, why);
    if (code_ == success) code_ = exit_code_of(why);  // what fails after that follows from it
  }

  // @param path  of the session, for JSON
  exit_code summary(const ajar::files::fetch_counts& all, const json_line& path) {
    wipe_bar();
    const auto took = seconds();
    const auto came = all.octets - std::min(all.before, all.octets);
    if (json_) {
      json_line line;
      line.with("done", code_ == success)
          .with("files", all.files)
          .with("octets", came)
          .with("resumed_octets", all.resumed)
          .with("present", all.present)
          .with("left_out", all.left_out)
          .with("failed", all.failed)
          .with("seconds", took)
          .with_all(path);
      if (dry_) line.with("dry_run", true);
      if (removes_) line.with("removed", all.removed).with("kept", all.kept);
      fmt::print("{}\n", line.text());
    } else if (dry_ && !quiet_) {
      auto line = fmt::format("nothing was fetched: {} files, {} would be", all.files - all.present,
                              shown_size(static_cast<double>(came)));
      if (all.present > 0) line += fmt::format(", {} are there already", all.present);
      if (removes_) line += fmt::format(", {} would be removed", all.removed);
      if (all.kept > 0) line += fmt::format(", {} of your own would be kept", all.kept);
      if (all.failed > 0) line += fmt::format(", {} would fail", all.failed);
      tell("{}\n", line);
    } else if (!quiet_) {
      const auto rate = took > 0 ? static_cast<double>(came) / took : 0;
      auto line = fmt::format("{} files, {} in {:.1f} s, {}/s", all.files, shown_size(static_cast<double>(came)), took,
                              shown_size(rate));
      if (all.present > 0) line += fmt::format(", {} were there already", all.present);
      if (all.resumed > 0) {
        line += fmt::format(", {} from an earlier run", shown_size(static_cast<double>(all.resumed)));
      }
      if (removes_) line += fmt::format(", {} removed", all.removed);
      if (all.kept > 0) line += fmt::format(", {} of your own kept", all.kept);
      if (all.failed > 0) line += fmt::format(", {} failed", all.failed);
      tell("{}\n", line);
    }
    return code_;
  }

 private:
  static const char* word_for(ajar::files::file_came how) {
    using ajar::files::file_came;
    return how == file_came::present ? "present" : how == file_came::resumed ? "resumed" : "fetched";
  }
  static const char* word_for(ajar::files::left_out_cause why) {
    using ajar::files::left_out_cause;
    if (why == left_out_cause::destination) return "it is where all of it goes to";
    if (why == left_out_cause::not_a_file) return "neither a file nor a folder";
    return why == left_out_cause::link_to_folder ? "a link to a folder: get that folder itself"
                                                 : "a link that leads nowhere in the share";
  }
  std::string name_of(const ajar::files::fetch_failure& one) const {
    if (one.at_server) return whole_name_of({server_, *one.at_server});
    if (one.path.empty()) return to_;
    return one.kind == ajar::files::entry_kind::file ? to_ + "/" + one.path : one.path;
  }
  // A line on stderr, above the bar.
  void say(const std::string& line) {
    wipe_bar();
    tell("{}: {}\n", client_tool, line);
  }
  void wipe_bar() {
    if (std::exchange(bar_, false)) tell("\r\x1b[K");
  }
  double seconds() const { return std::chrono::duration<double>(ajar::clock::now() - begun_).count(); }

  std::string server_;
  std::string to_;  // the destination
  bool json_;
  bool dry_;
  bool removes_;
  bool quiet_;
  bool terminal_;
  bool bar_ = false;
  exit_code code_ = success;
  ajar::time_point begun_;
};

// The streams of a visit, which lives as long as they are used.
inline ajar::files::shared_streams streams_of(const visit_ptr& at) { return {at, &at->over}; }

// Other visits to the same server.
class visit_source final : public ajar::files::session_source {
 public:
  explicit visit_source(visit_ptr first) : at_(std::move(first)) {}

  ajar::awaitable<ajar::result<ajar::files::shared_streams>> another() override {
    auto connecting = at_->again();
    auto made = co_await std::move(connecting);
    if (!made) co_return ajar::fail(made.error());
    at_ = std::move(*made);
    co_return streams_of(at_);
  }
  // All but a word that is final.
  bool may_mend(const std::error_code& why) const override {
    return exit_code_of(why) == not_reached || exit_code_of(why) == no_central;
  }
  // The one that there is.
  const visit_ptr& now() const noexcept { return at_; }

 private:
  visit_ptr at_;
};

inline ajar::awaitable<ajar::result<exit_code>> get(visit_ptr at, std::vector<remote_place> sources, std::string to,
                                                    get_options how) {
  bool folder = sources.front().at.folder;
  if (sources.size() == 1 && !folder) {
    ajar::files::file_request asked(sources.front().at);
    auto found = co_await ajar::files::look_at(at->over, std::move(asked));
    if (!found) co_return ajar::fail(found.error());
    folder = found->facts.kind == ajar::files::entry_kind::folder;
  }
  const auto where = decide_destination(to, what_is_at(to), sources.size(), folder);
  if (!where) {
    co_return complain_in_words(client_tool, cut_short, shown(to) + ": " + where.error());
  }
  auto into = how.dry_run ? ajar::files::destination::look(where->folder, where->make)
                          : ajar::files::destination::open(where->folder, where->make);
  if (!into) {
    co_return complain_of_destination(where->folder, into.error());
  }
  json_line path;
  if (how.json) {
    auto cost = co_await ajar::files::ask_cost(at->over);
    if (!cost) co_return ajar::fail(cost.error());
    path = path_report(*at, *cost);
  }
  std::vector<ajar::files::fetch_source> what;
  for (auto& one : sources) what.push_back({one.at, where->alone.value_or(name_of(one))});
  auto report = std::make_shared<get_report>(at->server, where->folder, how);
  const auto sessions = std::make_shared<visit_source>(at);
  ajar::files::fetch_options options;
  options.verify(how.verify).force(how.force).dry(how.dry_run).exclude(how.exclude).limit_rate(how.rate);
  options.remove_strays(how.remove).snapshot(how.snapshot);
  options.parallel(how.parallel).sessions(sessions, how.retry).progress_every(report->pause());
  auto fetching = ajar::files::fetch_folder(streams_of(at), std::move(what), std::move(*into), report, options);
  auto all = co_await std::move(fetching);
  if (how.offered && all.failed == 0) {
    const auto now = sessions->now();
    auto telling = ajar::files::ask_page(now->over, ajar::streams::request("POST", fetched_path));
    auto told = co_await std::move(telling);
    (void)told;  // whoever waits sees us go
  }
  co_return report->summary(all, path);
}

}  // namespace tools

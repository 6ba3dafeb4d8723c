// SPDX-License-Identifier: BSL-1.0
// ajar/files/impl/walk.ipp - what ajar/files/walk.hpp declares.
#pragma once

#include <ajar/files/walk.hpp>

#include <ajar/core/deadline.hpp>
#include <ajar/core/notifier.hpp>
#include <ajar/core/task_group.hpp>

#include <algorithm>
#include <asio/this_coro.hpp>
#include <utility>
#include <vector>

namespace ajar::files {

// Whoever asks for an entry keeps it (kept()): the walk may go meanwhile.
struct walk::state {
  static constexpr std::size_t most_later = 1'000'000;

  state(shared_streams streams, share_path place, bool folders_too)
      : over(std::move(streams)), from(std::move(place)), deep(folders_too) {
    later.emplace_back();
  }

  awaitable<result<std::optional<walked>>> next() {
    const auto executor = co_await asio::this_coro::executor;
    for (;;) {
      if (gone) co_return fail(errc::canceled);
      if (!folder) {
        if (later.empty()) co_return std::optional<walked>();
        enter(std::move(later.back()));
        leaving.emplace(executor);
        auto going = leaving->wait();
        auto opening = open_here();
        auto opened = co_await unless(std::move(going), std::move(opening));
        leaving.reset();
        if (!opened) co_return fail(opened.error());
        if (gone) co_return fail(errc::canceled);
        folder.emplace(std::move(*opened));
        modified = folder->modified();
      }
      auto entry = co_await folder->next();
      if (!entry || !*entry) folder.reset();
      if (!entry) co_return fail(entry.error());
      if (!*entry) {
        end_folder();
        continue;
      }
      auto made = taken(std::move(**entry));
      if (!made) co_return fail(made.error());
      if (*made) co_return std::move(*made);
    }
  }

  awaitable<result<incoming_folder>> open_here() {
    const auto streams = over;
    auto where = below(here);
    auto opened = co_await open_folder(*streams, std::move(where));
    co_return opened;
  }

  void enter(std::string path) {
    if (path != here) {  // else it is gone on with
      told.clear();
      before.clear();
    }
    here = std::move(path);
    later.pop_back();
  }

  void end_folder() {
    if (told_whole) told_whole(here);
    told.clear();
    before.clear();
  }

  // Nothing where it was told over another session.
  result<std::optional<walked>> taken(folder_entry entry) {
    const auto name = std::hash<std::string>()(entry.name);
    if (std::ranges::binary_search(before, name)) return std::optional<walked>();
    told.push_back(name);
    walked made;
    made.path = here.empty() ? entry.name : here + "/" + entry.name;
    made.entry = std::move(entry);
    if (deep && made.entry.kind == entry_kind::folder) {
      if (later.size() >= most_later) return fail(errc::limit_reached);
      later.push_back(made.path);
    }
    return std::optional<walked>(std::move(made));
  }

  share_path below(const std::string& path) const {
    auto made = from;
    made.folder = false;
    if (path.empty()) return made;
    if (made.share.empty()) {  // the list of shares
      made.share = path.substr(0, path.find('/'));
      made.inside = path.size() > made.share.size() ? path.substr(made.share.size() + 1) : std::string();
      return made;
    }
    made.inside += (made.inside.empty() ? "" : "/") + path;
    return made;
  }

  void leave() {
    gone = true;
    folder.reset();
    if (leaving) leaving->notify();
  }

  shared_streams over;
  share_path from;
  bool deep;
  bool gone = false;  // the walk
  std::string here;
  std::optional<file_time> modified;  // as that folder was told
  std::vector<std::string> later;
  std::optional<incoming_folder> folder;
  std::optional<notifier> leaving;  // while a folder is being opened
  std::function<void(const std::string& path)> told_whole;
  std::vector<std::size_t> told;    // hashes of the names that this folder has given
  std::vector<std::size_t> before;  // and of those from before the session went
};

AJAR_DECL walk::walk(shared_streams over, share_path from, bool deep)
    : state_(std::make_shared<state>(std::move(over), std::move(from), deep)) {}

AJAR_DECL walk::~walk() { state_->leave(); }

AJAR_DECL const shared_streams& walk::over() const noexcept { return state_->over; }

AJAR_DECL const std::string& walk::here() const noexcept { return state_->here; }

AJAR_DECL const std::optional<file_time>& walk::modified() const noexcept { return state_->modified; }

AJAR_DECL awaitable<result<std::optional<walked>>> walk::next() { return kept(state_, state_->next()); }

AJAR_DECL void walk::skip() { state_->later.pop_back(); }

AJAR_DECL walk& walk::on_whole(std::function<void(const std::string& path)> told) {
  state_->told_whole = std::move(told);
  return *this;
}

AJAR_DECL void walk::go_on(shared_streams over) {
  auto& all = *state_;
  all.over = std::move(over);
  all.folder.reset();
  all.later.push_back(all.here);
  all.before = all.told;
  std::ranges::sort(all.before);
}

AJAR_DECL share_path walk::below(const std::string& path) const { return state_->below(path); }

}  // namespace ajar::files

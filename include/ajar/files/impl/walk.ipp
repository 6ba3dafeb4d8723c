// SPDX-License-Identifier: BSL-1.0
// ajar/files/impl/walk.ipp - what ajar/files/walk.hpp declares.
#pragma once

#include <ajar/files/walk.hpp>

#include <ajar/core/deadline.hpp>
#include <ajar/core/notifier.hpp>

#include <algorithm>
#include <asio/this_coro.hpp>
#include <utility>
#include <vector>

namespace ajar::files {

// Whoever asks for an entry holds it: the walk may go meanwhile.
struct walk::state {
  using ptr = std::shared_ptr<state>;

  static constexpr std::size_t most_later = 1'000'000;

  state(shared_streams streams, share_path place, bool folders_too)
      : over(std::move(streams)), from(std::move(place)), deep(folders_too) {
    later.emplace_back();
  }

  static awaitable<result<std::optional<walked>>> next(ptr self) {
    const auto executor = co_await asio::this_coro::executor;
    for (;;) {
      if (self->gone) co_return fail(errc::canceled);
      if (!self->folder) {
        if (self->later.empty()) co_return std::optional<walked>();
        self->enter(std::move(self->later.back()));
        self->leaving.emplace(executor);
        auto going = self->leaving->wait();
        auto opening = open_here(self);
        auto opened = co_await unless(std::move(going), std::move(opening));
        self->leaving.reset();
        if (!opened) co_return fail(opened.error());
        if (self->gone) co_return fail(errc::canceled);
        self->folder.emplace(std::move(*opened));
        self->modified = self->folder->modified();
      }
      auto entry = co_await self->folder->next();
      if (!entry || !*entry) self->folder.reset();
      if (!entry) co_return fail(entry.error());
      if (!*entry) {
        self->end_folder();
        continue;
      }
      auto made = self->taken(std::move(**entry));
      if (!made) co_return fail(made.error());
      if (*made) co_return std::move(*made);
    }
  }

  static awaitable<result<incoming_folder>> open_here(ptr self) {
    const auto streams = self->over;
    auto where = self->below(self->here);
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

AJAR_DECL awaitable<result<std::optional<walked>>> walk::next() { return state::next(state_); }

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

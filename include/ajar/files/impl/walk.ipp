// SPDX-License-Identifier: BSL-1.0
// ajar/files/impl/walk.ipp - what ajar/files/walk.hpp declares.
#pragma once

#include <ajar/files/walk.hpp>

#include <algorithm>
#include <functional>

namespace ajar::files {

AJAR_DECL awaitable<result<std::optional<walked>>> walk::next() {
  for (;;) {
    if (!folder_) {
      if (later_.empty()) co_return std::optional<walked>();
      if (later_.back() != here_) {  // else it is gone on with
        told_.clear();
        before_.clear();
      }
      here_ = std::move(later_.back());
      later_.pop_back();
      auto where = below(here_);
      auto opened = co_await open_folder(*over_, std::move(where));
      if (!opened) co_return fail(opened.error());
      folder_ = std::make_unique<incoming_folder>(std::move(*opened));
    }
    auto entry = co_await folder_->next();
    if (!entry || !*entry) folder_.reset();
    if (!entry) co_return fail(entry.error());
    if (!*entry) {
      if (told_whole_) told_whole_(here_);
      told_.clear();
      before_.clear();
      continue;
    }
    const auto name = std::hash<std::string>()((*entry)->name);
    if (std::ranges::binary_search(before_, name)) continue;
    told_.push_back(name);
    walked made;
    made.entry = std::move(**entry);
    made.path = here_.empty() ? made.entry.name : here_ + "/" + made.entry.name;
    if (deep_ && made.entry.kind == entry_kind::folder) {
      if (later_.size() >= most_later) co_return fail(errc::limit_reached);
      later_.push_back(made.path);
    }
    co_return std::optional<walked>(std::move(made));
  }
}

AJAR_DECL void walk::go_on(shared_streams over) {
  over_ = std::move(over);
  folder_.reset();
  later_.push_back(here_);
  before_ = told_;
  std::ranges::sort(before_);
}

AJAR_DECL share_path walk::below(const std::string& path) const {
  auto made = from_;
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

}  // namespace ajar::files

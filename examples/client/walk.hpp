// SPDX-License-Identifier: BSL-1.0
// Goes through a shared folder and those in it, a listing at a time.
#pragma once

#include "visit.hpp"

#include <algorithm>
#include <functional>

namespace tools {

// An entry with its way from where the walk began: "2004/a.jpg".
struct walked {
  std::string path;
  ajar::files::folder_entry entry;
};

// What concerns one place only: the rest can go on. All else ends the whole errand.
inline bool concerns_one_place(const std::error_code& why) {
  using ajar::errc;
  for (const auto one :
       {errc::share_not_found, errc::share_unreadable, errc::share_cut_short, errc::path_malformed,
        errc::file_not_found, errc::file_not_permitted, errc::not_a_file, errc::not_a_folder, errc::file_changed,
        errc::digest_mismatch, errc::service_not_granted, errc::stream_reset, errc::destination_special}) {
    if (why == one) return true;
  }
  return false;
}

// In memory is what the folders on the way have of folders that come later. Links to folders are not gone through, as
// they may lead in circles.
class walk {
 public:
  walk(visit_ptr at, ajar::files::share_path from, bool deep)
      : at_(std::move(at)), from_(std::move(from)), deep_(deep) {
    later_.emplace_back();
  }

  // The session that it goes over.
  const visit_ptr& over() const noexcept { return at_; }

  // The folder that is being read, for complaints.
  const std::string& place() const noexcept { return place_; }

  // The next entry; nothing at the end. Errors: as incoming_folder; the walk can go on where that concerns one place.
  ajar::awaitable<ajar::result<std::optional<walked>>> next() {
    for (;;) {
      if (!folder_) {
        if (later_.empty()) co_return std::optional<walked>();
        place_ = std::move(later_.back());
        later_.pop_back();
        auto where = below(place_);
        auto opened = co_await ajar::files::open_folder(at_->over, std::move(where));
        if (!opened) co_return ajar::fail(opened.error());
        folder_ = std::make_unique<incoming>(std::move(*opened));
      }
      auto entry = co_await folder_->next();
      if (!entry || !*entry) folder_.reset();
      if (!entry) co_return ajar::fail(entry.error());
      if (!*entry) {
        told_.clear();
        before_.clear();
        continue;
      }
      const auto name = std::hash<std::string>()((*entry)->name);
      if (std::ranges::binary_search(before_, name)) continue;
      told_.push_back(name);
      walked made;
      made.entry = std::move(**entry);
      made.path = place_.empty() ? made.entry.name : place_ + "/" + made.entry.name;
      if (deep_ && made.entry.kind == ajar::files::entry_kind::folder) {
        if (later_.size() >= most_later) co_return ajar::fail(ajar::errc::limit_reached);
        later_.push_back(made.path);
      }
      co_return std::optional<walked>(std::move(made));
    }
  }

  // After an error by which the session went: over another one, from the next entry on.
  void go_on(visit_ptr at) {
    at_ = std::move(at);
    folder_.reset();
    later_.push_back(place_);
    before_ = told_;
    std::ranges::sort(before_);
  }

  // A place below where the walk began.
  ajar::files::share_path below(const std::string& path) const {
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

 private:
  using incoming = ajar::files::incoming_folder;
  static constexpr std::size_t most_later = 1'000'000;

  visit_ptr at_;
  ajar::files::share_path from_;
  bool deep_;
  std::string place_;
  std::vector<std::string> later_;
  std::unique_ptr<incoming> folder_;
  std::vector<std::size_t> told_;    // hashes of the names that this folder has given
  std::vector<std::size_t> before_;  // and of those from before the session went
};

}  // namespace tools

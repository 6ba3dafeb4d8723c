// SPDX-License-Identifier: BSL-1.0
// ajar/files/walk.hpp - goes through a shared folder and those in it, a listing at a time.
#pragma once

#include <ajar/files/fetch.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ajar::files {

/// A session's streams, held by all who use them.
using shared_streams = std::shared_ptr<streams::multiplexer>;

/// An entry with its way from where the walk began: "2004/a.jpg".
struct walked {
  std::string path;
  folder_entry entry;
};

/// In memory is what the folders on the way have of folders that come later. Links to folders are not gone through, as
/// they may lead in circles.
class walk {
 public:
  /// @param deep  the folders in it too
  walk(shared_streams over, share_path from, bool deep) : over_(std::move(over)), from_(std::move(from)), deep_(deep) {
    later_.emplace_back();
  }

  /// The session that it goes over.
  const shared_streams& over() const noexcept { return over_; }

  /// The folder that is being read, from where the walk began.
  const std::string& here() const noexcept { return here_; }

  /// The next entry; nothing at the end. Errors: as incoming_folder, limit_reached; the walk can go on where that
  /// concerns_one_place().
  [[nodiscard]] awaitable<result<std::optional<walked>>> next();

  /// Do not go through the folder that next() has just given.
  void skip() { later_.pop_back(); }

  /// Called with each folder of which all was given, before anything of another one is.
  walk& on_whole(std::function<void(const std::string& path)> told) {
    told_whole_ = std::move(told);
    return *this;
  }

  /// After an error by which the session went: over another one, from the next entry on.
  void go_on(shared_streams over);

  /// A place below where the walk began.
  share_path below(const std::string& path) const;

 private:
  static constexpr std::size_t most_later = 1'000'000;

  shared_streams over_;
  share_path from_;
  bool deep_;
  std::string here_;
  std::vector<std::string> later_;
  std::unique_ptr<incoming_folder> folder_;
  std::function<void(const std::string& path)> told_whole_;
  std::vector<std::size_t> told_;    // hashes of the names that this folder has given
  std::vector<std::size_t> before_;  // and of those from before the session went
};

}  // namespace ajar::files

#ifdef AJAR_HEADER_ONLY
#include <ajar/files/impl/walk.ipp>
#endif

// SPDX-License-Identifier: BSL-1.0
// ajar/files/walk.hpp - goes through a shared folder and those in it, a listing at a time.
#pragma once

#include <ajar/files/fetch.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace ajar::files {

/// A session's streams, held by all who use them.
using shared_streams = std::shared_ptr<streams::multiplexer>;

/// An entry with its way from where the walk began: "2004/a.jpg".
struct walked {
  std::string path;
  folder_entry entry;
};

/// In memory is what the folders on the way have of folders that come later. Links to folders are not gone through, as
/// they may lead in circles. Its destructor ends a next() that is under way.
class walk {
 public:
  /// @param deep  the folders in it too
  walk(shared_streams over, share_path from, bool deep);
  walk(const walk&) = delete;
  walk& operator=(const walk&) = delete;
  ~walk();

  /// The session that it goes over.
  const shared_streams& over() const noexcept;

  /// The folder that is being read, from where the walk began.
  const std::string& here() const noexcept;

  /// When that folder was changed; nothing where the server does not tell.
  const std::optional<file_time>& modified() const noexcept;

  /// The next entry; nothing at the end. Errors: as incoming_folder, limit_reached; the walk can go on where that
  /// concerns_one_place(). One at a time.
  [[nodiscard]] awaitable<result<std::optional<walked>>> next();

  /// Do not go through the folder that next() has just given.
  void skip();

  /// Called with each folder of which all was given, before anything of another one is.
  walk& on_whole(std::function<void(const std::string& path)> told);

  /// After an error by which the session went: over another one, from the next entry on.
  void go_on(shared_streams over);

  /// A place below where the walk began.
  share_path below(const std::string& path) const;

 private:
  struct state;
  std::shared_ptr<state> state_;
};

}  // namespace ajar::files

#ifdef AJAR_HEADER_ONLY
#include <ajar/files/impl/walk.ipp>
#endif

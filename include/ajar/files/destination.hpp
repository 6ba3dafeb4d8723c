// SPDX-License-Identifier: BSL-1.0
// ajar/files/destination.hpp - the folder that files are fetched into: nothing below it is reached through a symbolic
// link.
#pragma once

#include <ajar/core/config.hpp>
#include <ajar/core/descriptor.hpp>
#include <ajar/files/file_facts.hpp>

#include <memory>
#include <string>
#include <vector>

namespace ajar::files {

/// An open folder below a destination, and what an interrupted run has left in it. Threads: any number may read.
class destination_folder {
 public:
  /// @param inside  its path below the destination; "" is the destination itself
  destination_folder(descriptor folder, std::string inside);

  int native() const noexcept { return folder_.get(); }
  const std::string& inside() const noexcept { return inside_; }

  /// Whether a file is there already, by size and time.
  bool has(const std::string& name, const file_facts& facts) const;

  /// Whether something stands there that no file may take the place of: a device, a FIFO, a socket. A link may be
  /// replaced.
  bool keeps(const std::string& name) const;

  /// Remove half files whose names begin like that, but one: the file has changed since. Who is at one keeps it.
  void drop_leftovers(const std::string& prefix, const std::string& but) const;

 private:
  void find_leftovers();

  descriptor folder_;
  std::string inside_;
  std::vector<std::string> leftovers_;
};

using destination_folder_ptr = std::shared_ptr<const destination_folder>;

/// The top of what is fetched. Moves, does not copy.
class destination {
 public:
  /// The destination itself may be a link: its user named it.
  ///
  /// @param make  it may have to be made; what is above it has to be there
  /// Errors: the system's.
  static result<destination> open(const std::string& path, bool make);

  /// A folder below, made with all above it where it is not there. Each step is of a single name and follows no link.
  /// Errors: name_escapes; the system's: ELOOP or ENOTDIR where a link or a file is in the way.
  result<destination_folder_ptr> folder(const std::string& inside) const;

 private:
  explicit destination(descriptor top) : top_(std::move(top)) {}

  descriptor top_;
};

}  // namespace ajar::files

#ifdef AJAR_HEADER_ONLY
#include <ajar/files/impl/destination.ipp>
#endif

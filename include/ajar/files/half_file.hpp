// SPDX-License-Identifier: BSL-1.0
// ajar/files/half_file.hpp - a file while it arrives: under a name of its own, which says what it will be, until it is
// whole.
#pragma once

#include <ajar/core/bytes.hpp>
#include <ajar/files/destination.hpp>

namespace ajar::files {

/// Half a file is called .ajar-NAME-TAG.part, NAME and TAG being hashes of the file's name and its entity tag. So an
/// interrupted run is taken up again exactly where the file is still the same, and nothing else has to be remembered.
/// Moves, does not copy. Threads: one at a time.
class half_file {
 public:
  /// Open what an earlier run has left, or begin.
  /// Errors: the system's; EBUSY where another process is at it; destination_special.
  static result<half_file> open(destination_folder_ptr in, std::string name, const file_facts& facts);

  /// How much of it is there.
  std::uint64_t size() const noexcept { return size_; }
  /// What it is called until it is whole.
  const std::string& temporary() const noexcept { return temporary_; }

  /// Errors: the system's.
  result<> append(bytes_view octets);
  /// Begin anew. Errors: the system's.
  result<> truncate();

  /// It is whole: give it its time, put it on the disk, then give it its name. Blocks; may run on any thread.
  /// Errors: destination_special, the system's. Until the last step nothing but the half file is there.
  result<> finish(file_time modified);
  /// It cannot become what it should be.
  void remove();

 private:
  half_file(destination_folder_ptr in, std::string name) : in_(std::move(in)), name_(std::move(name)) {}

  result<bool> try_open();
  result<bool> drop();

  destination_folder_ptr in_;
  std::string name_;
  std::string temporary_;
  descriptor file_;
  std::uint64_t size_ = 0;
};

}  // namespace ajar::files

#ifdef AJAR_HEADER_ONLY
#include <ajar/files/impl/half_file.ipp>
#endif

// SPDX-License-Identifier: BSL-1.0
// ajar/files/half_file.hpp - a file while it arrives: under a name of its own, which says what it will be, until it is
// whole.
#pragma once

#include <ajar/core/bytes.hpp>
#include <ajar/files/destination.hpp>

namespace ajar::files {

/// What comes next of octets that go to a place of a file: some that are all zeros, or some that are not.
struct octet_run {
  std::size_t count = 0;
  bool zeros = false;

  bool operator==(const octet_run&) const = default;
};

/// Pieces of zeros are judged by blocks of a file, or what there is of one: less is not worth a hole. Pure.
octet_run next_run(std::uint64_t at, bytes_view octets);

/// Half a file is called .ajar-NAME-TAG.part, NAME and TAG being hashes of the file's name and its entity tag. So an
/// interrupted run is taken up again exactly where the file is still the same, and nothing else has to be remembered.
/// Moves, does not copy. Threads: one at a time.
class half_file {
 public:
  /// Open what an earlier run has left, or begin. Whoever may not read the file that it replaces cannot read it either.
  /// Errors: the system's; destination_busy where another process is at it; as destination_folder::admits.
  static result<half_file> open(destination_folder_ptr in, std::string name, const file_facts& facts,
                                replaces which = replaces::fetched);

  /// What all halves of files of that name begin with.
  static std::string prefix_of(const std::string& name);

  /// How much of it is there.
  std::uint64_t size() const noexcept { return size_; }
  /// What it is called until it is whole.
  const std::string& temporary() const noexcept { return temporary_; }

  /// Where zeros come a hole is left, as far as the file system has holes. Errors: the system's.
  result<> append(bytes_view octets);
  /// Begin anew. Errors: the system's.
  result<> truncate();

  /// Whether so much has come since it was last put on the disk that a crash would cost too much.
  bool wants_sync() const noexcept { return size_ - synced_ >= sync_every; }
  /// Put what is there on the disk. Blocks; may run on any thread. Errors: the system's.
  result<> sync();

  /// It is whole: give it its time, put it on the disk, then give it its name. It has the permission bits of the file
  /// that it replaces, else those that a new file gets, and is executable where the one there is. Blocks; may run on
  /// any thread. Errors: as destination_folder::admits, the system's. Until the last step nothing but the half file is
  /// there.
  result<> finish(file_time modified);
  /// It cannot become what it should be.
  void remove();

 private:
  static constexpr std::uint64_t sync_every = 64 * 1024 * 1024;

  half_file(destination_folder_ptr in, std::string name, replaces which)
      : in_(std::move(in)), name_(std::move(name)), which_(which) {}

  result<bool> try_open(unsigned mode);
  result<bool> drop();
  result<> take_bits();

  destination_folder_ptr in_;
  std::string name_;
  replaces which_;
  std::string temporary_;
  descriptor file_;
  std::uint64_t size_ = 0;
  std::uint64_t synced_ = 0;
};

}  // namespace ajar::files

#ifdef AJAR_HEADER_ONLY
#include <ajar/files/impl/half_file.ipp>
#endif

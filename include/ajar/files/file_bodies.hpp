// SPDX-License-Identifier: BSL-1.0
// ajar/files/file_bodies.hpp - files and folders as bodies that are pulled, in constant memory.
#pragma once

#include <ajar/files/conditions.hpp>
#include <ajar/files/listing.hpp>
#include <ajar/streams/body_source.hpp>

#include <algorithm>
#include <memory>

namespace ajar::files {

/// Some octets of a file. Its end is given only if the file is still what it was when it was opened.
class file_body : public streams::body_source {
 public:
  file_body(std::shared_ptr<const shared_file> file, const file_part& part)
      : file_(std::move(file)), place_(part.first), left_(part.count) {}

  /// Errors: share_cut_short, file_changed, share_unreadable.
  result<std::size_t> read(std::span<std::uint8_t> into) override {
    if (left_ == 0) {
      const auto same = file_->unchanged();
      if (!same) return fail(same.error());
      return std::size_t{0};
    }
    const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), left_));
    const auto count = file_->read_at(place_, into.first(most));
    if (!count) return count;
    if (*count == 0) return fail(errc::share_cut_short);
    place_ += *count;
    left_ -= *count;
    return count;
  }

 private:
  std::shared_ptr<const shared_file> file_;
  std::uint64_t place_;
  std::uint64_t left_;
};

/// The entries of a folder as lines, each read from the folder when there is room for it.
class folder_body : public streams::body_source {
 public:
  folder_body(std::shared_ptr<const shared_folder> share, folder_reader entries)
      : share_(std::move(share)), entries_(std::move(entries)) {}

  /// Errors: share_unreadable.
  result<std::size_t> read(std::span<std::uint8_t> into) override {
    std::size_t filled = 0;
    while (filled < into.size()) {
      if (taken_ == line_.size()) {
        if (ended_) break;
        const auto next = next_line();
        if (!next) return fail(next.error());
      }
      const auto count = std::min(into.size() - filled, line_.size() - taken_);
      std::copy_n(line_.begin() + static_cast<std::ptrdiff_t>(taken_), count,
                  into.begin() + static_cast<std::ptrdiff_t>(filled));
      taken_ += count;
      filled += count;
    }
    return filled;
  }

 private:
  result<> next_line() {
    const auto entry = entries_.next();
    if (!entry) return fail(entry.error());
    taken_ = 0;
    ended_ = !*entry;
    line_ = ended_ ? end_line(count_) : to_line(**entry);
    ++count_;
    return {};
  }

  std::shared_ptr<const shared_folder> share_;  // the reader refers to it
  folder_reader entries_;
  std::string line_;
  std::size_t taken_ = 0;
  std::uint64_t count_ = 0;
  bool ended_ = false;
};

}  // namespace ajar::files

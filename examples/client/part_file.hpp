// SPDX-License-Identifier: BSL-1.0
// A file while it arrives: under a name of its own, which says what it will be, until it is whole.
#pragma once

#include "local_tree.hpp"

namespace tools {

// Half a file is called .ajar-NAME-TAG.part, NAME and TAG being hashes of the file's name and its entity tag. So an
// interrupted run is taken up again exactly where the file is still the same, and nothing else has to be remembered.
class part_file {
 public:
  // Open what an earlier run has left, or begin.
  // Errors: the system's; EBUSY where another process is at it; destination_special.
  static ajar::result<part_file> open(local_folder_ptr in, std::string name, const ajar::files::file_facts& facts) {
    if (in->keeps(name)) return ajar::fail(ajar::errc::destination_special);
    part_file made(std::move(in), std::move(name));
    const auto prefix = ".ajar-" + hash_of(made.name_) + "-";
    made.temporary_ = prefix + hash_of(facts.etag) + ".part";
    made.in_->drop_leftovers(prefix, made.temporary_);
    constexpr int attempts = 8;  // another process may end its own at this moment
    for (int i = 0; i < attempts; ++i) {
      auto there = made.try_open();
      if (!there) return ajar::fail(there.error());
      if (!*there) continue;
      if (made.size_ > facts.size) {
        if (auto cut = made.truncate(); !cut) return ajar::fail(cut.error());
      }
      return made;
    }
    return ajar::fail(std::make_error_code(std::errc::device_or_resource_busy));
  }

  // How much of it is there.
  std::uint64_t size() const noexcept { return size_; }
  const std::string& name() const noexcept { return name_; }
  const std::string& temporary() const noexcept { return temporary_; }

  // Errors: the system's.
  ajar::result<> append(ajar::bytes_view octets) {
    auto written = ajar::write_all(file_.get(), octets);
    if (written) size_ += octets.size();
    return written;
  }
  // Begin anew. Errors: the system's.
  ajar::result<> truncate() {
    if (::ftruncate(file_.get(), 0) != 0 || ::lseek(file_.get(), 0, SEEK_SET) != 0) {
      return ajar::fail(ajar::last_error());
    }
    size_ = 0;
    return {};
  }
  // Some octets that are there. Errors: the system's.
  ajar::result<std::size_t> read_at(std::uint64_t place, std::span<std::uint8_t> into) const {
    const auto count = ::pread(file_.get(), into.data(), into.size(), static_cast<off_t>(place));
    if (count < 0) return ajar::fail(ajar::last_error());
    return static_cast<std::size_t>(count);
  }

  // It is whole: give it its time, put it on the disk, then give it its name. Blocks; may run on any thread.
  // Errors: the system's. Until the last step nothing but the half file is there.
  ajar::result<> finish(ajar::files::file_time modified) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(modified);
    timespec times[2] = {};
    times[0].tv_nsec = UTIME_OMIT;
    times[1].tv_sec = static_cast<std::time_t>(seconds.time_since_epoch().count());
    times[1].tv_nsec = static_cast<long>((modified - seconds).count());
    if (in_->keeps(name_)) return ajar::fail(ajar::errc::destination_special);
    if (::futimens(file_.get(), times) != 0 || ::fsync(file_.get()) != 0 ||
        ::renameat(in_->native(), temporary_.c_str(), in_->native(), name_.c_str()) != 0) {
      return ajar::fail(ajar::last_error());
    }
    return {};
  }
  // It cannot become what it should be.
  void remove() { ::unlinkat(in_->native(), temporary_.c_str(), 0); }

 private:
  part_file(local_folder_ptr in, std::string name) : in_(std::move(in)), name_(std::move(name)) {}

  static std::string hash_of(const std::string& text) {
    const auto value = ajar::crypto::hash(ajar::as_bytes(text));
    return ajar::to_hex(ajar::bytes_view(value).first(8));
  }

  // False: it was renamed or removed meanwhile, or was nothing of ours and is gone.
  ajar::result<bool> try_open() {
    file_ = ajar::descriptor(
        ::openat(in_->native(), temporary_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666));
    struct stat own{};
    struct stat named{};
    // a link, a FIFO without a reader: somebody put it there, as this name is nobody else's
    if (!file_ && (errno == ELOOP || errno == ENXIO)) return drop();
    if (!file_ || ::fstat(file_.get(), &own) != 0) return ajar::fail(ajar::last_error());
    if (!S_ISREG(own.st_mode) || own.st_nlink > 1 || own.st_uid != ::geteuid()) return drop();
    if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
      return ajar::fail(errno == EWOULDBLOCK ? std::make_error_code(std::errc::device_or_resource_busy)
                                             : ajar::last_error());
    }
    if (::fstatat(in_->native(), temporary_.c_str(), &named, AT_SYMLINK_NOFOLLOW) != 0 || named.st_ino != own.st_ino ||
        named.st_dev != own.st_dev) {
      return false;
    }
    size_ = static_cast<std::uint64_t>(own.st_size);
    if (::lseek(file_.get(), 0, SEEK_END) < 0) return ajar::fail(ajar::last_error());
    return true;
  }
  ajar::result<bool> drop() {
    if (::unlinkat(in_->native(), temporary_.c_str(), 0) != 0) return ajar::fail(ajar::last_error());
    return false;
  }

  local_folder_ptr in_;
  std::string name_;
  std::string temporary_;
  ajar::descriptor file_;
  std::uint64_t size_ = 0;
};

}  // namespace tools

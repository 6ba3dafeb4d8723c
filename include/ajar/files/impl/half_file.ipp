// SPDX-License-Identifier: BSL-1.0
// ajar/files/impl/half_file.ipp - what ajar/files/half_file.hpp declares.
#pragma once

#include <ajar/files/half_file.hpp>

#include <ajar/crypto/hash.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <utility>

namespace ajar::files {

namespace detail {

inline std::string hash_in_name(const std::string& text) {
  const auto value = crypto::hash(as_bytes(text));
  return to_hex(bytes_view(value).first(8));
}

}  // namespace detail

AJAR_DECL result<half_file> half_file::open(destination_folder_ptr in, std::string name, const file_facts& facts) {
  if (in->keeps(name)) return fail(errc::destination_special);
  half_file made(std::move(in), std::move(name));
  const auto prefix = ".ajar-" + detail::hash_in_name(made.name_) + "-";
  made.temporary_ = prefix + detail::hash_in_name(facts.etag) + ".part";
  made.in_->drop_leftovers(prefix, made.temporary_);
  constexpr int attempts = 8;  // another process may end its own at this moment
  for (int i = 0; i < attempts; ++i) {
    auto there = made.try_open();
    if (!there) return fail(there.error());
    if (!*there) continue;
    if (made.size_ > facts.size) {
      if (auto cut = made.truncate(); !cut) return fail(cut.error());
    }
    return made;
  }
  return fail(std::make_error_code(std::errc::device_or_resource_busy));
}

AJAR_DECL result<> half_file::append(bytes_view octets) {
  auto written = write_all(file_.get(), octets);
  if (written) size_ += octets.size();
  return written;
}

AJAR_DECL result<> half_file::truncate() {
  if (::ftruncate(file_.get(), 0) != 0 || ::lseek(file_.get(), 0, SEEK_SET) != 0) return fail(last_error());
  size_ = 0;
  return {};
}

AJAR_DECL result<> half_file::finish(file_time modified) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(modified);
  timespec times[2] = {};
  times[0].tv_nsec = UTIME_OMIT;
  times[1].tv_sec = static_cast<std::time_t>(seconds.time_since_epoch().count());
  times[1].tv_nsec = static_cast<long>((modified - seconds).count());
  if (in_->keeps(name_)) return fail(errc::destination_special);
  if (::futimens(file_.get(), times) != 0 || ::fsync(file_.get()) != 0 ||
      ::renameat(in_->native(), temporary_.c_str(), in_->native(), name_.c_str()) != 0) {
    return fail(last_error());
  }
  return {};
}

AJAR_DECL void half_file::remove() { ::unlinkat(in_->native(), temporary_.c_str(), 0); }

// False: it was renamed or removed meanwhile, or was nothing of ours and is gone.
AJAR_DECL result<bool> half_file::try_open() {
  file_ = descriptor(
      ::openat(in_->native(), temporary_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666));
  struct stat own{};
  struct stat named{};
  // a link, a FIFO without a reader: somebody put it there, as this name is nobody else's
  if (!file_ && (errno == ELOOP || errno == ENXIO)) return drop();
  if (!file_ || ::fstat(file_.get(), &own) != 0) return fail(last_error());
  if (!S_ISREG(own.st_mode) || own.st_nlink > 1 || own.st_uid != ::geteuid()) return drop();
  if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
    return fail(errno == EWOULDBLOCK ? std::make_error_code(std::errc::device_or_resource_busy) : last_error());
  }
  if (::fstatat(in_->native(), temporary_.c_str(), &named, AT_SYMLINK_NOFOLLOW) != 0 || named.st_ino != own.st_ino ||
      named.st_dev != own.st_dev) {
    return false;
  }
  size_ = static_cast<std::uint64_t>(own.st_size);
  if (::lseek(file_.get(), 0, SEEK_END) < 0) return fail(last_error());
  return true;
}

AJAR_DECL result<bool> half_file::drop() {
  if (::unlinkat(in_->native(), temporary_.c_str(), 0) != 0) return fail(last_error());
  return false;
}

}  // namespace ajar::files

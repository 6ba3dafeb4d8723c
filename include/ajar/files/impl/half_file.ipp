// SPDX-License-Identifier: BSL-1.0
// ajar/files/impl/half_file.ipp - what ajar/files/half_file.hpp declares.
#pragma once

#include <ajar/files/half_file.hpp>

#include <ajar/crypto/hash.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <algorithm>
#include <cstring>
#include <utility>

namespace ajar::files {

namespace detail {

inline std::string hash_in_name(const std::string& text) {
  const auto value = crypto::hash(as_bytes(text));
  return to_hex(bytes_view(value).first(8));
}

}  // namespace detail

AJAR_DECL octet_run next_run(std::uint64_t at, bytes_view octets) {
  constexpr std::uint64_t block = 4096;
  octet_run made;
  while (made.count < octets.size()) {
    const auto left = static_cast<std::uint64_t>(octets.size() - made.count);
    const auto length = static_cast<std::size_t>(std::min(left, block - (at + made.count) % block));
    const auto piece = octets.subspan(made.count, length);
    const bool zeros = piece.front() == 0 && std::memcmp(piece.data(), piece.data() + 1, length - 1) == 0;
    if (made.count > 0 && zeros != made.zeros) break;
    made.zeros = zeros;
    made.count += length;
  }
  return made;
}

AJAR_DECL result<half_file> half_file::open(destination_folder_ptr in, std::string name, const file_facts& facts,
                                            replaces which) {
  if (const auto admitted = in->admits(name, which); !admitted) return fail(admitted.error());
  half_file made(std::move(in), std::move(name), which);
  const auto prefix = prefix_of(made.name_);
  made.temporary_ = prefix + detail::hash_in_name(facts.etag) + ".part";
  made.in_->drop_leftovers(prefix, made.temporary_);
  unsigned mode = facts.executable ? 0777 : 0666;
  if (const auto former = made.in_->replaced(made.name_)) {
    mode &= 0600U | former->st_mode | (former->st_mode & 0444U) >> 2;
  }
  constexpr int attempts = 8;  // another process may end its own at this moment
  for (int i = 0; i < attempts; ++i) {
    auto there = made.try_open(mode);
    if (!there) return fail(there.error());
    if (!*there) continue;
    if (made.size_ > facts.size) {
      if (auto cut = made.truncate(); !cut) return fail(cut.error());
    }
    made.synced_ = made.size_;
    return made;
  }
  return fail(errc::destination_busy);
}

AJAR_DECL std::string half_file::prefix_of(const std::string& name) {
  return ".ajar-" + detail::hash_in_name(name) + "-";
}

AJAR_DECL result<> half_file::append(bytes_view octets) {
  while (!octets.empty()) {
    const auto run = next_run(size_, octets);
    const auto end = static_cast<off_t>(size_ + run.count);
    result<> written;
    if (!run.zeros) {
      written = write_all(file_.get(), octets.first(run.count));
    } else if (::ftruncate(file_.get(), end) != 0 || ::lseek(file_.get(), end, SEEK_SET) < 0) {
      written = fail(last_error());
    }
    if (!written) return written;
    size_ += run.count;
    octets = octets.subspan(run.count);
  }
  return {};
}

AJAR_DECL result<> half_file::truncate() {
  if (::ftruncate(file_.get(), 0) != 0 || ::lseek(file_.get(), 0, SEEK_SET) != 0) return fail(last_error());
  size_ = 0;
  synced_ = 0;
  return {};
}

AJAR_DECL result<> half_file::sync() {
  const auto whole = size_;
  if (::fdatasync(file_.get()) != 0) return fail(last_error());
  synced_ = whole;
  return {};
}

AJAR_DECL result<> half_file::finish(file_time modified) {
  if (const auto admitted = in_->admits(name_, which_); !admitted) return admitted;
  remember_fetched(file_.get(), modified);
  if (const auto taken = take_bits(); !taken) return taken;
  if (::fsync(file_.get()) != 0) return fail(last_error());
  // once more, as late as can be: it takes the disk its time
  if (const auto admitted = in_->admits(name_, which_); !admitted) return admitted;
  if (::renameat(in_->native(), temporary_.c_str(), in_->native(), name_.c_str()) != 0) return fail(last_error());
  return {};
}

// Those of the file that it replaces, but for "executable", which the kernel has cut by the umask.
AJAR_DECL result<> half_file::take_bits() {
  const auto former = in_->replaced(name_);
  struct stat own{};
  if (::fstat(file_.get(), &own) != 0) return fail(last_error());
  if (!former) return {};
  const bool another = former->st_uid != own.st_uid || former->st_gid != own.st_gid;
  const bool given = !another || ::fchown(file_.get(), former->st_uid, former->st_gid) == 0;
  auto mode = (former->st_mode & 0666U) | (own.st_mode & 0111U);
  if (!given && former->st_gid != own.st_gid) mode &= ~070U;  // that is another group
  if (::fchmod(file_.get(), mode) != 0) return fail(last_error());
  return {};
}

AJAR_DECL void half_file::remove() { ::unlinkat(in_->native(), temporary_.c_str(), 0); }

// False: it was renamed or removed meanwhile, or was nothing of ours and is gone.
AJAR_DECL result<bool> half_file::try_open(unsigned mode) {
  file_ = descriptor(
      ::openat(in_->native(), temporary_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, mode));
  struct stat own{};
  struct stat named{};
  // a link, a FIFO without a reader: somebody put it there, as this name is nobody else's
  if (!file_ && (errno == ELOOP || errno == ENXIO)) return drop();
  if (!file_ || ::fstat(file_.get(), &own) != 0) return fail(last_error());
  if (!S_ISREG(own.st_mode) || own.st_nlink > 1 || own.st_uid != ::geteuid()) return drop();
  if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
    return fail(errno == EWOULDBLOCK ? make_error_code(errc::destination_busy) : last_error());
  }
  if (::fstatat(in_->native(), temporary_.c_str(), &named, AT_SYMLINK_NOFOLLOW) != 0 || named.st_ino != own.st_ino ||
      named.st_dev != own.st_dev) {
    return false;
  }
  const auto most = own.st_mode & mode;  // an earlier run may have known of no file to replace
  if (most != (own.st_mode & 0777U) && ::fchmod(file_.get(), most & 0777U) != 0) return fail(last_error());
  size_ = static_cast<std::uint64_t>(own.st_size);
  if (::lseek(file_.get(), 0, SEEK_END) < 0) return fail(last_error());
  return true;
}

AJAR_DECL result<bool> half_file::drop() {
  if (::unlinkat(in_->native(), temporary_.c_str(), 0) != 0) return fail(last_error());
  return false;
}

}  // namespace ajar::files

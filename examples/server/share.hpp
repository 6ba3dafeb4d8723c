// SPDX-License-Identifier: BSL-1.0
// Named files, and what a session may have of them.
#pragma once

#include "../tools/bare.hpp"

#include <ajar/identity/state_directory.hpp>
#include <ajar/trust/issued_grants.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <map>
#include <string>

namespace tools {

using shares = std::map<std::string, std::string>;  // name -> path

class open_file {
 public:
  // Errors: share_unreadable, also for what is no regular file.
  static ajar::result<open_file> open(const std::string& path) {
    open_file made;
    made.number_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat status{};
    if (made.number_ < 0 || ::fstat(made.number_, &status) != 0 || !S_ISREG(status.st_mode)) {
      return ajar::fail(ajar::errc::share_unreadable);
    }
    made.size_ = static_cast<std::uint64_t>(status.st_size);
    return made;
  }
  open_file(open_file&& other) noexcept : number_(std::exchange(other.number_, -1)), size_(other.size_) {}
  open_file& operator=(open_file&&) = delete;
  ~open_file() {
    if (number_ >= 0) ::close(number_);
  }

  std::uint64_t size() const noexcept { return size_; }
  // Nothing where the file has become shorter, or cannot be read any more.
  std::size_t read(std::span<std::uint8_t> into, std::uint64_t at) const {
    const auto count = ::pread(number_, into.data(), into.size(), static_cast<off_t>(at));
    return count > 0 ? static_cast<std::size_t>(count) : 0;
  }

 private:
  open_file() = default;
  int number_ = -1;
  std::uint64_t size_ = 0;
};

// Answers the questions of one session until it ends.
class guest {
 public:
  guest(ajar::sessions::session session, const shares& shared, ajar::trust::issued_grants& issued)
      : session_(std::move(session)), shares_(shared), issued_(issued) {}

  static ajar::awaitable<void> serve(std::shared_ptr<guest> self) {
    constexpr std::chrono::minutes idle{10};
    for (;;) {
      auto frame = co_await bare::read_frame(self->session_, ajar::clock::now() + idle);
      if (!frame) break;
      auto answering = frame->kind == bare::get ? self->send_share(*frame) : self->send_pong(*frame);
      auto answered = co_await std::move(answering);
      if (!answered) break;
    }
    auto parted = co_await self->session_.shutdown(ajar::clock::now() + std::chrono::seconds(2));
    (void)parted;
  }

 private:
  static constexpr std::chrono::seconds patience{60};  // with a client that takes nothing

  ajar::awaitable<ajar::result<>> send_pong(const ajar::wire::frame& asked) {
    if (asked.kind != bare::ping || asked.payload.size() != 8) co_return ajar::fail(ajar::errc::unknown_message);
    auto payload = asked.payload;
    ajar::wire::writer out(payload);
    bare::encode(out, bare::cost_of(session_));
    const auto octets = bare::frame_of(bare::pong, payload);
    auto sent = co_await session_.write(octets, ajar::clock::now() + patience);
    co_return sent;
  }

  ajar::result<open_file> find(const ajar::wire::frame& asked) {
    ajar::wire::reader in(asked.payload);
    const auto name = in.text(bare::longest_name);
    if (!in.finish() || !ajar::trust::is_name(name)) return ajar::fail(ajar::errc::share_not_found);
    const auto grant = issued_.find(session_.info().grant);
    const auto* right = grant ? grant->body().find(name) : nullptr;
    if (!right || !right->read) return ajar::fail(ajar::errc::service_not_granted);
    const auto at = shares_.find(name);
    if (at == shares_.end()) return ajar::fail(ajar::errc::share_not_found);
    return open_file::open(at->second);
  }

  ajar::awaitable<ajar::result<>> send_share(const ajar::wire::frame& asked) {
    auto file = find(asked);
    ajar::bytes payload;
    ajar::wire::writer out(payload);
    if (file) {
      out.number(file->size());
      bare::encode(out, bare::cost_of(session_));
    } else {
      out.number(static_cast<std::uint16_t>(file.error().value()));
    }
    const auto octets = bare::frame_of(file ? bare::found : bare::failed, payload);
    auto sent = co_await session_.write(octets, ajar::clock::now() + patience);
    if (!sent || !file) co_return sent;
    ajar::bytes piece(64 * 1024);
    for (std::uint64_t at = 0; at < file->size();) {
      const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), file->size() - at));
      const auto count = file->read(std::span(piece).first(wanted), at);
      if (count == 0) co_return ajar::fail(ajar::errc::share_cut_short);
      const auto part = ajar::bytes_view(piece).first(count);
      sent = co_await session_.write(part, ajar::clock::now() + patience);
      if (!sent) co_return sent;
      at += count;
    }
    co_return ajar::result<>{};
  }

  ajar::sessions::session session_;
  const shares& shares_;
  ajar::trust::issued_grants& issued_;
};

}  // namespace tools

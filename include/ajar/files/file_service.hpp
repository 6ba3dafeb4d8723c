// SPDX-License-Identifier: BSL-1.0
// ajar/files/file_service.hpp - answers requests for shared files on streams, and computes digests meanwhile.
#pragma once

#include <ajar/core/config.hpp>
#include <ajar/core/deadline.hpp>
#include <ajar/core/notifier.hpp>
#include <ajar/crypto/hash.hpp>
#include <ajar/files/file_answer.hpp>
#include <ajar/files/open_files.hpp>

#include <asio/post.hpp>
#include <deque>

namespace ajar::files {

/// SHA-256 of files, in slices that let other work of the thread run between, two files at a time.
class file_digests {
 public:
  explicit file_digests(const asio::any_io_executor& executor) : turn_(executor) {}

  /// The digest of a whole file. The last ones are kept, so that asking again costs nothing.
  ///
  /// @param key  the same for the same content only
  /// Errors: file_changed, share_cut_short, share_unreadable, canceled. Cancellation: terminal.
  [[nodiscard]] awaitable<result<crypto::digest>> of(std::shared_ptr<const shared_file> file, std::string key);

 private:
  static constexpr int most_running = 2;
  static constexpr std::size_t most_kept = 256;
  static constexpr std::size_t slice = 128 * 1024;  // about a quarter of a millisecond

  struct running {
    explicit running(file_digests& one) : of(one) { ++of.running_; }
    running(const running&) = delete;
    running& operator=(const running&) = delete;
    ~running() {
      --of.running_;
      of.turn_.notify();
    }
    file_digests& of;
  };

  const crypto::digest* find(const std::string& key) const {
    const auto at = std::find_if(kept_.begin(), kept_.end(), [&](const auto& one) { return one.first == key; });
    return at == kept_.end() ? nullptr : &at->second;
  }

  notifier turn_;
  int running_ = 0;
  std::deque<std::pair<std::string, crypto::digest>> kept_;
};

/// Shares, and how requests for them are answered on any stream of streams/multiplexer.hpp.
///
/// An answer has one file or folder open, until its body has been sent or its stream has ended. How many there are is
/// bounded, for each who reads and for all: further requests wait.
///
/// Outlives the coroutines that it gives. Threads: its executor only.
class file_service {
 public:
  explicit file_service(const asio::any_io_executor& executor, open_limits most = {})
      : digests_(executor), open_(executor, most) {}

  /// Other limits from now on; what is open stays so.
  void limit(open_limits most) { open_.limit(most); }
  const open_files& open() const noexcept { return open_; }

  /// Offer a share. A share of that name is replaced; what is being sent of it goes on.
  void share(const std::string& name, shared_folder what) {
    shares_.insert_or_assign(name, std::make_shared<const shared_folder>(std::move(what)));
  }
  /// Offer these and no others; what is being sent of others goes on.
  void share_only(share_set all) { shares_ = std::move(all); }
  const share_set& shares() const noexcept { return shares_; }

  /// Answer the request of a stream: a head and a body that the stream pulls.
  ///
  /// @param stream    outlives the call; it has what `streams::stream` has: asked() and respond()
  /// @param may_read  asked when there is room for the answer, about the share in question
  /// @param reader    who asks: what one reader has open is counted together
  /// Errors: respond()'s, canceled. Cancellation: terminal; cancel it when the stream ends (ajar::unless).
  template <class Stream>
  [[nodiscard]] awaitable<result<>> answer(Stream& stream, read_permission may_read, std::string reader = {}) {
    auto room = co_await open_.take(std::move(reader));
    if (!room && is_canceled(room.error())) co_return fail(room.error());
    auto made = room ? answer_files(stream.asked(), shares_, may_read) : refusal(stream.asked(), room.error());
    if (made.digest_of) {
      auto file = made.digest_of;
      auto key = made.digest_key;
      auto digest = co_await digests_.of(std::move(file), std::move(key));
      if (!digest && is_canceled(digest.error())) co_return fail(digest.error());
      if (digest) {
        made.head.with("repr-digest", "sha-256=:" + to_base64(*digest) + ":");
      } else {
        made = refusal(stream.asked(), digest.error());
      }
    }
    if (made.source) {
      auto body = std::make_unique<counted_body>(std::move(*room), std::move(made.source));
      made.digest_of.reset();
      co_return stream.respond(std::move(made.head), std::move(body));
    }
    co_return stream.respond(std::move(made.head), std::move(made.body));
  }

 private:
  // A body that has a file open: its place is given back with it.
  class counted_body final : public streams::body_source {
   public:
    counted_body(place at, std::unique_ptr<streams::body_source> body) : at_(std::move(at)), body_(std::move(body)) {}
    result<std::size_t> read(std::span<std::uint8_t> into) override { return body_->read(into); }

   private:
    place at_;  // given back when the file is closed
    std::unique_ptr<streams::body_source> body_;
  };

  share_set shares_;
  file_digests digests_;
  open_files open_;
};

}  // namespace ajar::files

#ifdef AJAR_HEADER_ONLY
#include <ajar/files/impl/file_service.ipp>
#endif

// SPDX-License-Identifier: BSL-1.0
// ajar/files/file_service.hpp - answers requests for shared files on streams, and computes digests meanwhile.
#pragma once

#include <ajar/core/config.hpp>
#include <ajar/core/notifier.hpp>
#include <ajar/crypto/hash.hpp>
#include <ajar/files/file_answer.hpp>

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
/// Outlives the coroutines that it gives. Threads: its executor only.
class file_service {
 public:
  explicit file_service(const asio::any_io_executor& executor) : digests_(executor) {}

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
  /// @param may_read  asked now, about the share in question
  /// Errors: respond()'s, canceled. Cancellation: terminal.
  template <class Stream>
  [[nodiscard]] awaitable<result<>> answer(Stream& stream, read_permission may_read) {
    auto made = answer_files(stream.asked(), shares_, may_read);
    if (made.digest_of) {
      auto file = made.digest_of;
      auto key = made.digest_key;
      auto digest = co_await digests_.of(std::move(file), std::move(key));
      if (digest) {
        made.head.with("repr-digest", "sha-256=:" + to_base64(*digest) + ":");
      } else {
        made = refusal(stream.asked(), digest.error());
      }
    }
    if (made.source) co_return stream.respond(std::move(made.head), std::move(made.source));
    co_return stream.respond(std::move(made.head), std::move(made.body));
  }

 private:
  share_set shares_;
  file_digests digests_;
};

}  // namespace ajar::files

#ifdef AJAR_HEADER_ONLY
#include <ajar/files/impl/file_service.ipp>
#endif

// SPDX-License-Identifier: BSL-1.0
// ajar/rendezvous/answers.hpp - what came back for the requests of a client that are under way.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/clock.hpp>
#include <ajar/core/config.hpp>
#include <ajar/core/notifier.hpp>
#include <ajar/core/result.hpp>
#include <ajar/signalling/message.hpp>
#include <ajar/trust/window_request.hpp>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <utility>

namespace ajar::rendezvous {

/// Sorts answers and failures to the requests they belong to; what nobody waits for is dropped. Threads: one executor.
class answers : public std::enable_shared_from_this<answers> {
 public:
  /// An answer of the server's, or what central says instead; and when it came.
  struct one {
    result<trust::signed_answer> what;
    time_point at{};
  };

  explicit answers(const asio::any_io_executor& executor) : changed_(executor) {}

  void received(const signalling::answer& came) {
    if (!has_room(came.id)) return;  // before the signature is checked
    put(came.id, {trust::signed_answer::open(came.signed_answer), clock::now()});
  }
  void received(const signalling::trace& came) {
    const auto at = waiting_.find(came.id);
    if (at == waiting_.end()) return;
    at->second->told = came;
    changed_.notify();
  }
  void received(const signalling::failure& came) { put(came.id, {fail(came.why), clock::now()}); }
  /// A grant is refused, or taken back: so are the requests under it.
  void refused(const trust::grant_id& grant, errc why) {
    for (auto& [id, got] : waiting_) {
      if (got->grant == grant) put(id, {fail(why), clock::now()});
    }
    changed_.notify();
  }
  /// Nothing more comes of what is under way: the link went (link_lost), or its owner goes (canceled).
  void close(errc why) {
    for (auto& [id, got] : waiting_) put(id, {fail(why), clock::now()});
    ++closings_;
    changed_.notify();
  }

  /// What came for one request.
  struct box {
    trust::grant_id grant{};  ///< by which it asks
    std::deque<one> came;
    std::optional<signalling::trace> told;
  };

  /// The answers to one request, for as long as it lives.
  class inbox {
   public:
    inbox(std::shared_ptr<answers> of, const trust::request_id& id, const trust::grant_id& grant)
        : of_(std::move(of)), id_(id) {
      got_->grant = grant;
      of_->waiting_.emplace(id_, got_);
    }
    inbox(const inbox&) = delete;
    inbox& operator=(const inbox&) = delete;
    ~inbox() { of_->waiting_.erase(id_); }

    const trust::request_id& id() const noexcept { return id_; }

    /// The next answer. Errors: what central says instead, link_lost, exchange_timeout at the deadline, canceled.
    /// Cancellation: terminal. The inbox outlives the wait.
    [[nodiscard]] awaitable<one> next(time_point until) const;

    /// What central and the server did, if they tell it by then. Cancellation: terminal.
    [[nodiscard]] awaitable<std::optional<signalling::trace>> trace(time_point until) const;

   private:
    std::shared_ptr<answers> of_;
    trust::request_id id_;
    std::shared_ptr<box> got_ = std::make_shared<box>();
  };

 private:
  // As many as the server may send, and what central may say beside them: more is dropped.
  static constexpr std::size_t most_kept = trust::most_answers + 4;

  bool has_room(const trust::request_id& id) const {
    const auto at = waiting_.find(id);
    return at != waiting_.end() && at->second->came.size() < most_kept;
  }

  void put(const trust::request_id& id, one came) {
    if (!has_room(id)) return;
    waiting_.find(id)->second->came.push_back(std::move(came));
    changed_.notify();
  }

  notifier changed_;
  std::map<trust::request_id, std::shared_ptr<box>> waiting_;
  unsigned closings_ = 0;
};

}  // namespace ajar::rendezvous

#ifdef AJAR_HEADER_ONLY
#include <ajar/rendezvous/impl/answers.ipp>
#endif

// SPDX-License-Identifier: BSL-1.0
// ajar/rendezvous/answers.hpp - what came back for the requests of a client that are under way.
#pragma once

#include <ajar/core/deadline.hpp>
#include <ajar/core/notifier.hpp>
#include <ajar/signalling/message.hpp>
#include <ajar/trust/window_request.hpp>

#include <deque>
#include <map>
#include <memory>
#include <utility>

namespace ajar::rendezvous {

/// Sorts answers and failures to the requests they belong to; what nobody waits for is dropped. Threads: one executor.
class answers : public std::enable_shared_from_this<answers> {
 public:
  using one = result<trust::signed_answer>;

  explicit answers(const asio::any_io_executor& executor) : changed_(executor) {}

  void received(const signalling::answer& came) { put(came.id, trust::signed_answer::open(came.signed_answer)); }
  void received(const signalling::failure& came) { put(came.id, fail(came.why)); }
  /// Nothing more comes of what is under way: the link went (link_lost), or its owner goes (canceled).
  void close(errc why) {
    for (auto& [id, got] : waiting_) got->push_back(fail(why));
    changed_.notify();
  }

  /// The answers to one request, for as long as it lives.
  class inbox {
   public:
    inbox(std::shared_ptr<answers> of, const trust::request_id& id) : of_(std::move(of)), id_(id) {
      of_->waiting_.emplace(id_, got_);
    }
    inbox(const inbox&) = delete;
    inbox& operator=(const inbox&) = delete;
    ~inbox() { of_->waiting_.erase(id_); }

    const trust::request_id& id() const noexcept { return id_; }

    /// The next answer. Errors: what central says instead, link_lost, exchange_timeout at the deadline, canceled.
    /// Cancellation: terminal. The inbox outlives the wait.
    [[nodiscard]] awaitable<one> next(time_point until) const {
      while (got_->empty()) {
        auto change = of_->changed_.wait();
        auto changed = co_await before(until, errc::exchange_timeout, std::move(change));
        if (!changed) co_return fail(changed.error());
      }
      auto came = std::move(got_->front());
      got_->pop_front();
      co_return came;
    }

   private:
    std::shared_ptr<answers> of_;
    trust::request_id id_;
    std::shared_ptr<std::deque<one>> got_ = std::make_shared<std::deque<one>>();
  };

 private:
  void put(const trust::request_id& id, one came) {
    const auto at = waiting_.find(id);
    if (at == waiting_.end()) return;
    at->second->push_back(std::move(came));
    changed_.notify();
  }

  notifier changed_;
  std::map<trust::request_id, std::shared_ptr<std::deque<one>>> waiting_;
};

}  // namespace ajar::rendezvous

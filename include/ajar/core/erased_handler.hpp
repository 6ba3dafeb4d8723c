// SPDX-License-Identifier: BSL-1.0
// ajar/core/erased_handler.hpp - a completion handler of any type, so that what calls it is compiled once.
#pragma once

#include <ajar/core/config.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/cancellation_signal.hpp>
#include <memory>
#include <utility>

namespace ajar {

/// A completion handler that takes `Arguments`; it keeps the executor and the cancellation slot of the one it holds.
///
/// Moves, does not copy; called once. What it holds is freed before that is called. Asio 1.22, which ajar still
/// supports, has no any_completion_handler.
template <class... Arguments>
class erased_handler {
 public:
  using executor_type = asio::any_io_executor;
  using cancellation_slot_type = asio::cancellation_slot;

  /// @param otherwise  the executor of a handler that has none of its own
  template <class Handler>
  erased_handler(Handler handler, const executor_type& otherwise)
      : executor_(asio::get_associated_executor(handler, otherwise)),
        slot_(asio::get_associated_cancellation_slot(handler)),
        held_(std::make_unique<holder<Handler>>(std::move(handler))) {}

  executor_type get_executor() const noexcept { return executor_; }
  cancellation_slot_type get_cancellation_slot() const noexcept { return slot_; }

  void operator()(Arguments... arguments) {
    auto* const held = held_.get();
    held->call(std::move(held_), std::move(arguments)...);
  }

 private:
  struct callable {
    virtual ~callable() = default;
    virtual void call(std::unique_ptr<callable> self, Arguments... arguments) = 0;
  };
  template <class Handler>
  struct holder final : callable {
    explicit holder(Handler from) : handler(std::move(from)) {}
    void call(std::unique_ptr<callable> self, Arguments... arguments) override {
      Handler taken(std::move(handler));
      self.reset();
      std::move(taken)(std::move(arguments)...);
    }
    Handler handler;
  };

  executor_type executor_;
  cancellation_slot_type slot_;
  std::unique_ptr<callable> held_;
};

}  // namespace ajar

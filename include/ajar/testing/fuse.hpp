// SPDX-License-Identifier: BSL-1.0
// ajar/testing/fuse.hpp - run a coroutine again and again, failing or cancelled at every point where it can be.
#pragma once

#include <ajar/core/deadline.hpp>
#include <ajar/testing/stream_pair.hpp>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <stdexcept>
#include <string>

namespace ajar::testing {

/// What a series of runs came to.
struct fuse_report {
  std::size_t runs = 0;      ///< all of them; the last one was left alone
  std::size_t failed = 0;    ///< ended with an error
  std::size_t survived = 0;  ///< ended well although something failed, or before the cancellation could matter
};

/// Reruns a coroutine with the n-th operation of the armed streams failing, for n = 1, 2, ... until nothing fails; or
/// cancels it at its n-th suspension.
///
/// The body is a callable `awaitable<result<>> (fuse&)` that makes everything anew, arms its streams, and leaves
/// nothing behind. An exception other than a cancellation, a run that does not end, a series that does not end, and an
/// error in the run that was left alone are reported by std::runtime_error or as the exception itself. After
/// boost::capy's fuse. Threads: one. Example: tests/tls/stream_test.cpp.
class fuse {
 public:
  fuse() = default;
  fuse(const fuse&) = delete;
  fuse& operator=(const fuse&) = delete;

  /// What a failing operation gives.
  fuse& with(std::error_code error) { return error_ = error, *this; }
  /// More runs than this are a mistake of the body.
  fuse& at_most(std::size_t runs) { return most_ = runs, *this; }
  /// A run that takes longer, in real time, hangs.
  fuse& each_within(std::chrono::milliseconds cap) { return cap_ = cap, *this; }

  /// Count this stream's operations, and let one of them fail.
  stream& arm(stream& one) {
    one.on_operation([this] { return count(); });
    return one;
  }
  /// Count something else that can fail: an error where it is its turn.
  std::error_code count() { return ++counted_ == fails_at_ ? error_ : std::error_code(); }

  /// Fail at each operation in turn.
  template <class Body>
  fuse_report fail_each(Body body) {
    return series("failing at operation ", [&](std::size_t n, ending& end) {
      fails_at_ = n;
      counted_ = 0;
      once(body, 0, end);
      fails_at_ = 0;
      return counted_ >= n;
    });
  }

  /// Cancel (terminally) at each suspension in turn: after the n-th handler has run.
  template <class Body>
  fuse_report cancel_each(Body body) {
    return series("cancelled at suspension ", [&](std::size_t n, ending& end) { return once(body, n, end); });
  }

 private:
  struct ending {
    std::optional<result<>> value;
    bool canceled = false;
  };

  template <class Run>
  fuse_report series(const std::string& what, Run run) {
    fuse_report report;
    for (std::size_t n = 1;; ++n) {
      if (n > most_) throw std::runtime_error("fuse: no end after " + std::to_string(most_) + " runs");
      ending end;
      const bool disturbed = run(n, end);
      ++report.runs;
      const bool ended = end.value || end.canceled;
      const bool well = end.value && end.value->has_value();
      if (!ended) throw std::runtime_error("fuse: hangs, " + what + std::to_string(n));
      if (!disturbed && !well) {
        throw std::runtime_error("fuse: fails undisturbed" + (end.value ? ": " + end.value->error().message() : ""));
      }
      if (!disturbed) return report;
      ++(well ? report.survived : report.failed);
    }
  }

  // One run in a context of its own. True where the cancellation came before the end.
  template <class Body>
  bool once(Body& body, std::size_t cancel_after, ending& end) {
    asio::io_context context;
    asio::cancellation_signal signal;
    std::exception_ptr thrown;
    bool ended = false;
    bool cancelled = false;
    auto finish = [&](std::exception_ptr error, result<> value) {
      ended = true;
      thrown = error;
      if (!error) end.value.emplace(std::move(value));
    };
    asio::co_spawn(context, body(*this), asio::bind_cancellation_slot(signal.slot(), std::move(finish)));
    const auto until = std::chrono::steady_clock::now() + cap_;
    for (std::size_t handlers = 1; context.run_one_until(until) != 0; ++handlers) {
      if (ended || handlers != cancel_after) continue;
      cancelled = true;
      signal.emit(asio::cancellation_type::terminal);
    }
    if (!context.stopped()) ended = false;  // something was left behind, and waits for ever
    if (!ended) end.value.reset();
    if (thrown) settle(thrown, end);
    return cancelled;
  }

  static void settle(const std::exception_ptr& thrown, ending& end) {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::system_error& error) {
      if (!is_canceled(error.code())) throw;
      end.canceled = true;
    }
  }

  std::error_code error_ = std::make_error_code(std::errc::io_error);
  std::size_t most_ = 5000;
  std::chrono::milliseconds cap_{5000};
  std::size_t counted_ = 0;
  std::size_t fails_at_ = 0;
};

}  // namespace ajar::testing

// SPDX-License-Identifier: BSL-1.0
// What runs the coroutines of a tool, one thread each, and the signals that the process is sent.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/result.hpp>

#include <asio/any_io_executor.hpp>
#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

namespace tools {

// The coroutines, timers and sockets of one thread.
class event_loop {
 public:
  event_loop();
  event_loop(const event_loop&) = delete;
  event_loop& operator=(const event_loop&) = delete;
  ~event_loop();

  asio::any_io_executor executor() const;

  // What a coroutine throws leaves by run().
  void spawn(ajar::awaitable<void> work);

  // By the thread that calls: until nothing is left to do, or stop().
  void run();
  // By any thread.
  void stop();

  // Run one operation to its end, and what else is to be done on this loop; again and again.
  template <class T>
  ajar::result<T> finish(ajar::awaitable<ajar::result<T>> operation) {
    ajar::result<T> value = ajar::fail(ajar::errc::canceled);
    spawn(keep(std::move(operation), value));
    run_anew();
    return value;
  }

 private:
  friend void run_until_stopped(std::vector<event_loop>& all);
  void run_until_stopped();
  void run_anew();
  template <class T>
  static ajar::awaitable<void> keep(ajar::awaitable<ajar::result<T>> operation, ajar::result<T>& into) {
    auto value = co_await std::move(operation);
    into = std::move(value);
  }

  struct state;
  std::unique_ptr<state> state_;
};

// Run each on a thread of its own, the first on the one that calls, until all are stopped: also while there is nothing
// to do. Where one throws all are stopped, and this throws it.
void run_until_stopped(std::vector<event_loop>& all);

// From its making on these do not end the process, but are told.
class signals {
 public:
  signals(event_loop& on, std::initializer_list<int> numbers);
  signals(const signals&) = delete;
  signals& operator=(const signals&) = delete;
  ~signals();

  // Wait for one of them. False: cancelled, now or before.
  [[nodiscard]] ajar::awaitable<bool> next();
  void cancel();

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace tools

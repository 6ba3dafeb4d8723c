// SPDX-License-Identifier: BSL-1.0
#include "event_loop.hpp"

#include <asio/co_spawn.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <exception>
#include <thread>

namespace tools {

struct event_loop::state {
  asio::io_context context{1};
};

event_loop::event_loop() : state_(std::make_unique<state>()) {}
event_loop::~event_loop() = default;

asio::any_io_executor event_loop::executor() const { return state_->context.get_executor(); }

void event_loop::spawn(ajar::awaitable<void> work) {
  asio::co_spawn(state_->context, std::move(work), [](const std::exception_ptr& thrown) {
    if (thrown) std::rethrow_exception(thrown);
  });
}

void event_loop::run_anew() {
  state_->context.restart();
  run();
}

void event_loop::run() { state_->context.run(); }

void event_loop::run_until_stopped() {
  const auto busy = asio::make_work_guard(state_->context);
  state_->context.run();
}

void event_loop::stop() { state_->context.stop(); }

void run_until_stopped(std::vector<event_loop>& all) {
  std::vector<std::exception_ptr> thrown(all.size());
  const auto run = [&](std::size_t which) {
    try {
      all[which].run_until_stopped();
    } catch (...) {
      thrown[which] = std::current_exception();
      for (auto& one : all) one.stop();
    }
  };
  std::vector<std::thread> others;
  for (std::size_t i = 1; i < all.size(); ++i) others.emplace_back(run, i);
  run(0);
  for (auto& one : others) one.join();
  for (const auto& one : thrown) {
    if (one) std::rethrow_exception(one);
  }
}

struct signals::state {
  explicit state(const asio::any_io_executor& executor) : set(executor) {}
  asio::signal_set set;
  bool over = false;
};

signals::signals(event_loop& on, std::initializer_list<int> numbers) : state_(std::make_unique<state>(on.executor())) {
  for (const auto one : numbers) state_->set.add(one);
}
signals::~signals() = default;

ajar::awaitable<bool> signals::next() {
  if (state_->over) co_return false;
  auto [error, number] = co_await state_->set.async_wait(ajar::use_values);
  (void)number;
  co_return !error;
}

void signals::cancel() {
  state_->over = true;
  std::error_code ignored;
  state_->set.cancel(ignored);
}

}  // namespace tools

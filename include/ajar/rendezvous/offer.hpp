// SPDX-License-Identifier: BSL-1.0
// ajar/rendezvous/offer.hpp - a client opens a window of its own, and asks the server to come: the variation.
#pragma once

#include <ajar/core/task_group.hpp>
#include <ajar/rendezvous/errand.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace ajar::rendezvous {

namespace detail {

// What the listeners of one offer have in common. Each has a request of its own.
struct own_window {
  explicit own_window(const asio::any_io_executor& executor) : changed(executor), work(executor) {}
  trust::request_id id{};
  std::optional<windows::outcome<sessions::session>> came;
  std::error_code refusal;
  notifier changed;
  task_group work;
};
using shared_window = std::shared_ptr<own_window>;

inline awaitable<void> keep_outcome(shared_window window, awaitable<windows::outcome<sessions::session>> opening) {
  auto came = co_await std::move(opening);
  window->came.emplace(std::move(came));
  window->changed.notify();
}

// A server that will not come says so at once, and the window need not stay open.
inline awaitable<void> watch_for_refusal(shared_errand about, shared_window window,
                                         std::shared_ptr<answers::inbox> inbox) {
  for (;;) {
    auto came = co_await inbox->next(never);
    if (!came && is_canceled(came.error())) co_return;
    const auto answer = check_answer(*about, inbox->id(), came);
    if (answer) continue;
    window->refusal = answer.error();
    window->changed.notify();
    co_return;
  }
}

inline result<std::function<void()>> announce(const shared_errand& about, const shared_window& window,
                                              const net::tcp::endpoint& at) {
  const net::tcp::endpoint outside(net::unmapped(about->seen), at.port());
  auto asked = sign_request(*about, trust::opener::client, {outside});
  if (!asked) return fail(asked.error());
  window->id = asked->body().id;
  auto inbox = std::make_shared<answers::inbox>(about->inboxes, window->id);
  window->work.spawn(watch_for_refusal(about, window, std::move(inbox)));
  const auto octets = asked->octets();
  return std::function<void()>([about, octets, at] {
    (void)about->up->send(signalling::request{octets});
    report_step(about->steps, "D", "opened a port of our own", net::to_string(at));
    report_step(about->steps, "B", "ask central for the server", short_name(about->server()));
  });
}

}  // namespace detail

/// Open a window here and wait for the server to connect to it.
///
/// Errors: method_not_granted, server_offline, link_lost, answer_forged, what the server or central refuses with, those
/// of windows::open_window. Cancellation: terminal. Source: WO 2004/034190, just-in-time listening, its variation.
[[nodiscard]] inline awaitable<result<sessions::session>> offer_window(shared_errand about) {
  const auto executor = co_await asio::this_coro::executor;
  const auto local = about->bind_to ? about->bind_to : about->up->local_address();
  if (!local) co_return fail(errc::link_lost);
  windows::plan plan{net::tcp::endpoint(*local, 0), windows::expected_source::of(about->presence.seen.address())};
  const auto until = std::min(about->until, clock::now() + windows::default_window);
  const auto window = std::make_shared<detail::own_window>(executor);
  windows::announcement announcing = [about, window](std::uint8_t, const net::tcp::endpoint& at) {
    return detail::announce(about, window, at);
  };
  auto admission = [about, window, until](net::tcp_stream stream) {
    return enter(about, std::move(stream), tls::side::server, sessions::path::window_reverse, window->id, until);
  };
  auto opening = windows::open_window<sessions::session>(std::move(plan), until, std::move(announcing), admission);
  window->work.spawn(detail::keep_outcome(window, std::move(opening)));
  while (!window->came && !window->refusal) {
    auto changed = co_await window->changed.wait();
    if (!changed) window->refusal = changed.error();
  }
  window->work.cancel();
  co_await window->work.join();
  if (window->came && about->account) about->account(window->came->cost);
  const bool entered = window->came && window->came->guest;
  if (!entered && window->refusal) co_return fail(window->refusal);
  auto& came = *window->came;
  report_step(
      about->steps, "", "our window is closed",
      std::to_string(came.cost.exposure.count()) + " ns, " + std::to_string(came.cost.strangers) + " strangers");
  if (came.guest) came.guest->set_window(came.cost);
  co_return std::move(came.guest);
}

}  // namespace ajar::rendezvous

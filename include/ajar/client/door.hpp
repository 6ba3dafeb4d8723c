// SPDX-License-Identifier: BSL-1.0
// ajar/client/door.hpp - a client's door: when it is open, what it costs, and what centrals are told of it.
#pragma once

#include <ajar/client/options.hpp>
#include <ajar/core/clock.hpp>
#include <ajar/core/deadline.hpp>
#include <ajar/identity/key.hpp>
#include <ajar/outbound/doorstep.hpp>
#include <ajar/telling/line_limit.hpp>
#include <ajar/trust/address_record.hpp>
#include <ajar/windows/exposure_account.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

namespace ajar::detail {

// What a door asks, and says.
struct door_events {
  virtual ~door_events() = default;
  virtual bool may_dial(const identity::peer_id& server) const = 0;
  virtual bool is_central(const identity::peer_id& id) const = 0;
  // A server, after TLS; it has not proved yet for what it comes.
  virtual void dialled_by(outbound::doorstep::stream server) = 0;
  // A connection waits in the kernel, as this process is short of something.
  virtual void not_accepted(const std::error_code& why) = 0;
  virtual void thrown(const std::exception_ptr& what) = 0;
  // What it has cost since this was said last.
  virtual void cost(const windows::exposure& since) = 0;
};

// The port that servers dial. Threads: one executor.
class client_door {
 public:
  // @param how  has a door
  client_door(const asio::any_io_executor& executor, const identity::key& own, std::shared_ptr<net::network> over,
              const client_options& how, std::weak_ptr<door_events> events)
      : own_(own),
        how_(how),
        events_(std::move(events)),
        step_(
            executor, own, std::move(over), *how.door_,
            [to = events_](const crypto::public_key& shown) {
              const auto still = to.lock();
              return still && still->may_dial(identity::peer_id::of(shown));
            },
            [to = events_](const crypto::public_key& shown) {
              const auto still = to.lock();
              return still && still->is_central(identity::peer_id::of(shown));
            },
            [to = events_](outbound::doorstep::stream guest) {
              if (const auto still = to.lock()) still->dialled_by(std::move(guest));
            },
            [to = events_](const std::exception_ptr& what) {
              if (const auto still = to.lock()) still->thrown(what);
            }) {
    step_.on_shortage([to = events_](const std::error_code& why) {
      if (const auto still = to.lock()) still->not_accepted(why);
    });
  }

  bool is_open() const { return step_.is_open(); }
  net::tcp::endpoint local_endpoint() const { return step_.local_endpoint(); }
  void expect(const net::address& from) { step_.expect(from); }

  // Open exactly while a server that may dial is expected.
  // @return is it open now?
  bool tend(bool expected) {
    if (!expected) {
      if (is_open()) telling::report_step(telling::caused_by("central", how_.steps_), "", "the door is closed");
      close();
      return false;
    }
    auto opened = step_.open();
    shut_ = opened ? std::nullopt : std::optional(opened.error());
    return opened.has_value();
  }
  // Why it could not be opened, last time.
  const std::optional<std::error_code>& shut() const noexcept { return shut_; }

  void close() {
    step_.close();
    count();
  }
  awaitable<void> stop() { return step_.stop(); }

  // Where servers find it.
  // @param seen  this host, as a central sees it
  trust::signed_address record(const net::address& seen) const {
    trust::address_record made;
    auto at = step_.local_endpoint();
    if (at.address().is_unspecified()) at.address(net::unmapped(seen));
    made.at = how_.advertised_ ? *how_.advertised_ : at;
    made.not_after = wall_now() + record_life;
    return trust::signed_address::sign(std::move(made), own_);
  }
  // After so long it is told anew.
  static constexpr std::chrono::hours record_renewal{12};

  windows::report report() const { return step_.report(); }

  // What a door that stands open has cost is said before it closes. Whoever spawns this keeps the door.
  awaitable<void> watch() {
    for (;;) {
      auto slept = co_await sleep_until(clock::now() + said_each);
      if (!slept) co_return;
      count();
    }
  }
  void count() {
    const auto all = step_.report();
    windows::exposure since;
    since.listeners = static_cast<std::uint16_t>(all.listeners - counted_.listeners);
    since.strangers = static_cast<std::uint16_t>(all.strangers - counted_.strangers);
    since.open = all.exposure - counted_.exposure;
    counted_ = all;
    if (since == windows::exposure()) return;
    if (const auto still = events_.lock()) still->cost(since);
  }

 private:
  static constexpr std::chrono::minutes said_each{1};
  static constexpr std::chrono::hours record_life{24 * 7};

  const identity::key& own_;
  const client_options& how_;
  std::weak_ptr<door_events> events_;
  outbound::doorstep step_;
  std::optional<std::error_code> shut_;
  windows::report counted_;
};

}  // namespace ajar::detail

// SPDX-License-Identifier: BSL-1.0
// ajar/server/commands.hpp - what a server does at central's command: it opens windows.
#pragma once

#include <ajar/core/deadline.hpp>
#include <ajar/core/notifier.hpp>
#include <ajar/core/places.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/rendezvous/reflector.hpp>
#include <ajar/rendezvous/respond.hpp>
#include <ajar/server/entrance.hpp>
#include <ajar/server/options.hpp>
#include <ajar/telling/cause_counts.hpp>
#include <ajar/telling/line_limit.hpp>
#include <ajar/windows/arrival.hpp>
#include <ajar/windows/exposure_account.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

namespace ajar::detail {

// Who opens windows says what came of it.
struct command_events {
  virtual ~command_events() = default;
  virtual void entered(sessions::session guest) = 0;
  // This client has all the sessions that it may have: some may be dead.
  virtual void doubt(const identity::peer_id& client) = 0;
};

// Windows of all centrals: those under way, those that wait for room, and what they cost.
class commands {
 public:
  // @param children  what is carried out; whoever has them outlives it
  commands(const asio::any_io_executor& executor, const identity::key& own, const server_options& how,
           entrance& entering, task_group& children, command_events& events)
      : own_(own), how_(how), entering_(entering), children_(children), events_(events), made_room_(executor) {
    if (how.window_ports_) lender_ = std::make_shared<windows::port_lender>(*how.window_ports_);
  }

  // One command: its request is answered, whatever becomes of it.
  // @param at  of the central that it came from; it lives as long as what this refers to
  void take(std::shared_ptr<rendezvous::respond_policy> at, const signalling::command& what) {
    if (children_.cancelled()) return;
    auto opened = rendezvous::opened_command::open(what, clock::now());
    if (!opened) {
      telling::report_trouble(caused_by("central"), "refused a command", opened.error().message());
      refusals_.add(opened.error());
      return;
    }
    if (under_way_ >= how_.most_commands_) {
      refusals_.add(errc::server_busy);
      return rendezvous::refuse(std::move(at), own_, terms_of(*opened), std::move(*opened), errc::server_busy);
    }
    const auto grant = opened->asked.body().grant;
    children_.spawn(at, carry_out(at, std::move(*opened)), grant);
  }

  result<rendezvous::respond_policy::permit> may_open(const trust::signed_request& asked) {
    if (!how_.methods_.contains(trust::method::window)) return fail(errc::window_refused);
    return entering_.may_open(asked);
  }

  // @param mirror  what it knows of the network, through the central that sees it as `seen`, from `local`
  rendezvous::vantage vantage(const std::shared_ptr<rendezvous::reflector>& mirror,
                              const std::optional<net::address>& local, const net::address& seen) const {
    rendezvous::vantage made{how_.window_address_ ? nullptr : mirror,
                             how_.window_address_ ? how_.window_address_ : local, seen};
    made.ports = lender_;
    made.advertised = how_.advertised_;
    return made;
  }

  void tell_hidden() {
    if (std::exchange(told_hidden_, true)) return;
    telling::report_trouble(how_.steps_, "central sees this server at loopback, and a client is elsewhere",
                            "give --central by an address or a name that other machines reach");
  }

  // What is kept of a client's arrivals; it counts no more once the network has changed.
  windows::arrival& met(const identity::peer_id& client) { return pairs_.of(client); }
  void network_changed() { pairs_.clear(); }

  // Room for a window or a session may have been made.
  void look_again() { made_room_.notify(); }

  // ---- what it counts

  // @return is anybody there to be told of it?
  bool account(const trust::grant_id& grant, const windows::report& cost) {
    if (children_.context_ended()) return false;
    entering_.window_closed(grant, cost.exposure);
    exposed_.add(std::chrono::system_clock::now(), windows::exposure_of(cost));
    return true;
  }
  // What was open for no window.
  void account(const windows::report& cost) {
    exposed_.add(std::chrono::system_clock::now(), {0, cost.listeners, cost.strangers, cost.exposure, cost.drops});
  }

  std::size_t under_way() const noexcept { return under_way_; }
  windows::exposure_account& exposed() noexcept { return exposed_; }
  const telling::cause_counts& refusals() const noexcept { return refusals_; }

 private:
  // One command under way, also where it is ended.
  class counted {
   public:
    explicit counted(std::size_t& in) : in_(in) { ++in_; }
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;
    ~counted() { --in_; }

   private:
    std::size_t& in_;
  };

  awaitable<void> carry_out(std::shared_ptr<rendezvous::respond_policy> at, rendezvous::opened_command what) {
    const counted here(under_way_);
    auto waiting = wait_for_room(what.asked);
    const auto room = co_await std::move(waiting);
    if (!room && is_canceled(room.error())) co_return;
    auto terms = terms_of(what);
    auto responding = rendezvous::respond(std::move(at), own_, std::move(terms), std::move(what));
    auto guest = co_await std::move(responding);
    made_room_.notify();
    if (guest) {
      events_.entered(std::move(*guest));
    } else {
      refusals_.add(guest.error());
    }
  }

  // Those before it may be done soon: a client that asks thrice at once need not come again.
  awaitable<result<>> wait_for_room(trust::signed_request asked) {
    constexpr std::chrono::seconds patience{3};
    constexpr std::size_t most_of_one = 8;  // requests of one client
    const auto until = clock::now() + patience;
    const auto mine = waiting_by_.take(asked.signer());
    if (waiting_by_.taken(asked.signer()) > most_of_one) co_return fail(errc::too_many_windows);
    while (must_wait(asked)) {
      auto waiting = made_room_.wait();
      auto freed = co_await before(until, errc::too_many_windows, std::move(waiting));
      if (!freed) co_return freed;
    }
    co_return result<>{};
  }

  bool must_wait(const trust::signed_request& asked) {
    if (entering_.is_full(asked)) events_.doubt(asked.signer());
    return entering_.must_wait(asked);
  }

  rendezvous::respond_options terms_of(const rendezvous::opened_command& what) const {
    auto terms = how_.responding();
    terms.steps = caused_by(short_name(what.asked.signer()));
    return terms;
  }
  telling::step_sink caused_by(std::string whom) const { return telling::caused_by(std::move(whom), how_.steps_); }

  const identity::key& own_;
  const server_options& how_;
  entrance& entering_;
  task_group& children_;
  command_events& events_;
  notifier made_room_;
  places<identity::peer_id> waiting_by_;          // requests for a window
  std::shared_ptr<windows::port_lender> lender_;  // of --window-ports; nothing where any will do
  bool told_hidden_ = false;                      // that clients cannot come to where central sees it
  windows::pair_memory pairs_;
  windows::exposure_account exposed_;
  telling::cause_counts refusals_;
  std::size_t under_way_ = 0;
};

}  // namespace ajar::detail

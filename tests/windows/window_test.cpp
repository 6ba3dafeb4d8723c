// SPDX-License-Identifier: BSL-1.0
#include <ajar/windows/window.hpp>

#include <doctest/doctest.h>
#include <ajar/core/deadline.hpp>
#include <ajar/testing/fuse.hpp>
#include <ajar/testing/manual_clock.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/post.hpp>
#include <list>

#include "open_ports.hpp"

namespace window_test {

using namespace ajar;
using namespace ajar::windows;
using namespace std::chrono_literals;

namespace {

const auto here = asio::ip::make_address("127.0.0.1");
const auto elsewhere = asio::ip::make_address("127.0.0.2");

// What happens at a window: who comes to which listener, and what his admission says.
class street {
 public:
  street& comes(const net::address& from) { return coming_.emplace_back(from), *this; }
  street& nobody_comes() { return coming_.emplace_back(), *this; }
  street& verdict(std::error_code why) { return verdicts_.push_back(why), *this; }
  street& announcing_fails(std::uint8_t at_attempt, errc why) {
    fails_at_ = at_attempt;
    fails_with_ = why;
    return *this;
  }
  street& admission_takes(clock::duration time) { return takes_ = time, *this; }

  // A connection to the window that is open, in its queue already when this returns.
  void visit(const net::address& from) {
    auto& visitor = visitors_.emplace_back(outside_);
    visitor.open(net::tcp::v4());
    visitor.bind({from, 0});
    visitor.connect(ports.back());
    const auto open = open_ports::all();
    REQUIRE(open.size() == 1);
    REQUIRE(open_ports::readable(open[0], 30s));
  }
  net::tcp::endpoint visitor(int number) const { return std::next(visitors_.begin(), number)->local_endpoint(); }
  // What a visitor reads.
  std::error_code told(int number) {
    std::array<char, 1> octet{};
    std::error_code error;
    std::next(visitors_.begin(), number)->read_some(asio::buffer(octet), error);
    return error;
  }

  result<announced> announce(std::uint8_t attempt, const net::tcp::endpoint& at) {
    CHECK(open_ports::all().empty());  // bound, but not open yet, and the one before is closed
    CHECK(attempt == ports.size() + 1);
    ports.push_back(at);
    if (attempt == fails_at_) return fail(fails_with_);
    return announced([this, attempt] {
      CHECK(open_ports::all().size() == 1);
      ++opened;
      const auto who = attempt <= coming_.size() ? coming_[attempt - 1] : std::nullopt;
      if (who) visit(*who);
    });
  }
  awaitable<result<net::tcp::endpoint>> admit(net::tcp_stream stream) {
    CHECK(open_ports::all().empty());
    const auto from = stream.remote_endpoint();
    const auto number = admissions++;
    co_await asio::post(use_awaitable);
    if (takes_ != clock::duration::zero()) {
      auto slept = co_await sleep_until(clock::now() + takes_);
      if (!slept) co_return fail(slept.error());
    }
    co_await asio::post(use_awaitable);
    if (number < verdicts_.size() && verdicts_[number]) co_return fail(verdicts_[number]);
    co_return from;
  }

  std::vector<net::tcp::endpoint> ports;
  std::size_t opened = 0;  // by the kernel's word
  std::size_t admissions = 0;

 private:
  asio::io_context outside_;
  std::list<net::tcp_stream> visitors_;
  std::vector<std::optional<net::address>> coming_;
  std::vector<std::error_code> verdicts_;
  std::uint8_t fails_at_ = 0;
  errc fails_with_ = errc::canceled;
  clock::duration takes_{};
};

listening for_one(const net::address& expected = here, on_stranger policy = on_stranger::close_and_reopen) {
  return {net::tcp::endpoint(here, 0), expected_source::of(expected), policy, 3, cloak::compare, {}, {}};
}

using came = outcome<net::tcp::endpoint>;

awaitable<came> opened(listening how, time_point until, street& at) {
  announcement announce = [&at](std::uint8_t attempt, const net::tcp::endpoint& where) {
    return at.announce(attempt, where);
  };
  auto admit = [&at](net::tcp_stream stream) { return at.admit(std::move(stream)); };
  return open_window<net::tcp::endpoint>(std::move(how), until, std::move(announce), std::move(admit));
}

// Nobody is late here: a machine may be slow.
came open_to(street& at, listening how = for_one()) {
  auto made = testing::run(opened(std::move(how), clock::now() + 15s, at));
  CHECK(open_ports::all().empty());
  return made;
}

}  // namespace

TEST_CASE("each port is in the account, wherever its window is given up") {
  bool cancelled = true;
  std::size_t given_up_open = 0;
  for (int stop = 1; cancelled; ++stop) {
    CAPTURE(stop);
    REQUIRE(stop < 1000);
    street one;
    one.comes(elsewhere).comes(here);
    std::vector<report> told;
    auto how = for_one();
    how.account = [&](const report& cost) {
      CHECK(open_ports::all().empty());  // after the port has closed
      told.push_back(cost);
    };
    asio::io_context context;
    asio::cancellation_signal signal;
    cancelled = false;
    asio::co_spawn(context, opened(how, clock::now() + 15s, one),
                   asio::bind_cancellation_slot(signal.slot(), [](const std::exception_ptr&, const came&) {}));
    for (int handlers = 1; context.run_one_for(30s) != 0; ++handlers) {
      if (handlers != stop) continue;
      cancelled = true;
      given_up_open += open_ports::all().size();
      signal.emit(asio::cancellation_type::terminal);
    }
    CHECK(open_ports::all().empty());
    CHECK(told.size() == one.opened);
    for (const auto& cost : told) {
      CHECK(cost.listeners == 1);
      CHECK(cost.exposure > 0ns);
      CHECK(cost.exposure == cost.closed - cost.opened);
    }
  }
  CHECK(given_up_open > 0);
}

TEST_CASE("a port that goes with all that waits for it is in the account too") {
  std::vector<report> told;
  {
    asio::io_context context;
    auto how = for_one();
    how.account = [&](const report& cost) { told.push_back(cost); };
    street one;
    one.nobody_comes();
    asio::co_spawn(context, opened(how, clock::now() + 15s, one), asio::detached);
    context.poll();
    REQUIRE(open_ports::all().size() == 1);
  }
  CHECK(open_ports::all().empty());
  REQUIRE(told.size() == 1);
  CHECK(told[0].exposure > 0ns);
}

TEST_CASE("a window lets the one guest in at the first attempt") {
  street one;
  one.comes(here);
  const auto made = open_to(one);
  REQUIRE(made.guest.has_value());
  CHECK(*made.guest == one.visitor(0));
  CHECK(one.ports.size() == 1);
  CHECK(one.ports[0].address() == here);
  CHECK(made.cost.listeners == 1);
  CHECK(made.cost.strangers == 0);
  CHECK(made.cost.why == close_cause::accepted);
  CHECK(made.cost.exposure > 0ns);
  CHECK(made.cost.exposure == made.cost.closed - made.cost.opened);
}

TEST_CASE("a stranger is reset, and the window opens again on another port") {
  street one;
  one.comes(elsewhere).comes(here);
  const auto made = open_to(one);
  REQUIRE(made.guest.has_value());
  CHECK(*made.guest == one.visitor(1));
  CHECK(one.admissions == 1);  // a stranger's connection is not looked at
  CHECK(one.told(0) == asio::error::connection_reset);
  REQUIRE(one.ports.size() == 2);
  CHECK(one.ports[0].port() != one.ports[1].port());
  CHECK(made.cost.listeners == 2);
  CHECK(made.cost.strangers == 1);
  CHECK(made.cost.why == close_cause::accepted);
  CHECK(made.cost.exposure > 0ns);
  CHECK(made.cost.exposure < made.cost.closed - made.cost.opened);  // closed in between
}

TEST_CASE("strangers close three listeners at most, and then the window stays closed") {
  street one;
  one.comes(elsewhere).comes(elsewhere).comes(elsewhere).comes(here);
  const auto made = open_to(one);
  CHECK(made.guest.error() == errc::window_stranger);
  CHECK(one.ports.size() == 3);
  CHECK(one.admissions == 0);
  CHECK(made.cost.listeners == 3);
  CHECK(made.cost.strangers == 3);
  CHECK(made.cost.why == close_cause::stranger);
}

TEST_CASE("by the patent's rule one stranger ends the window, by his address or by his key, whatever cloak it wears") {
  for (const auto worn : {cloak::compare, cloak::none}) {
    CAPTURE(std::string(to_string(worn)));
    auto how = for_one(here, on_stranger::close);
    how.cloak = worn;
    street other_address;
    other_address.comes(elsewhere).comes(here).verdict(errc::not_tls);
    auto made = open_to(other_address, how);
    CHECK(made.guest.error() == (worn == cloak::none ? errc::not_tls : errc::window_stranger));
    CHECK(other_address.admissions == (worn == cloak::none ? 1 : 0));
    CHECK(made.cost.listeners == 1);
    CHECK(made.cost.strangers == 1);
    CHECK(other_address.ports.size() == 1);

    street other_key;
    other_key.comes(here).comes(here).verdict(errc::wrong_key);
    made = open_to(other_key, how);
    CHECK(made.guest.error() == errc::wrong_key);
    CHECK(made.cost.cloak == worn);
    CHECK(made.cost.listeners == 1);
    CHECK(made.cost.strangers == 1);
    CHECK(other_key.ports.size() == 1);
  }
}

TEST_CASE("somebody at the right address who is not the guest is a stranger too") {
  for (const auto why :
       {errc::wrong_key, errc::not_tls, errc::tls_version, errc::certificate_missing, errc::certificate_malformed,
        errc::alpn_missing, errc::alpn_mismatch, errc::handshake_failed, errc::truncated, errc::eof}) {
    CAPTURE(make_error_code(why).message());
    CHECK(is_stranger(why));
    street one;
    one.comes(here).comes(here).verdict(why);
    const auto made = open_to(one);
    REQUIRE(made.guest.has_value());
    CHECK(*made.guest == one.visitor(1));
    CHECK(one.ports.size() == 2);
    CHECK(made.cost.listeners == 2);
    CHECK(made.cost.strangers == 1);
  }
}

TEST_CASE("strangers of both kinds together close three listeners at most") {
  street one;
  one.comes(here).comes(elsewhere).comes(here).comes(here).verdict(errc::truncated).verdict(errc::wrong_key);
  const auto made = open_to(one);
  CHECK(made.guest.error() == errc::wrong_key);
  CHECK(one.ports.size() == 3);
  CHECK(made.cost.listeners == 3);
  CHECK(made.cost.strangers == 3);
}

TEST_CASE("a refusal of the guest himself is the end, and no stranger") {
  for (const auto why : {errc::grant_expired, errc::grant_revoked, errc::too_many_sessions, errc::proof_invalid,
                         errc::handshake_timeout, errc::refused_by_peer, errc::canceled}) {
    CAPTURE(make_error_code(why).message());
    CHECK(!is_stranger(why));
    street one;
    one.comes(here).comes(here).verdict(why);
    const auto made = open_to(one);
    CHECK(made.guest.error() == why);
    CHECK(one.ports.size() == 1);
    CHECK(made.cost.listeners == 1);
    CHECK(made.cost.strangers == 0);
    CHECK(made.cost.why == close_cause::accepted);
  }
}

TEST_CASE("a window that cannot be announced is given up before it is open") {
  street one;
  one.announcing_fails(1, errc::link_lost);
  auto made = open_to(one);
  CHECK(made.guest.error() == errc::link_lost);
  CHECK(made.cost.listeners == 0);
  CHECK(made.cost.exposure == 0ns);

  street second;
  second.comes(elsewhere).announcing_fails(2, errc::link_lost);
  made = open_to(second);
  CHECK(made.guest.error() == errc::link_lost);
  CHECK(second.ports.size() == 2);
  CHECK(made.cost.listeners == 1);
  CHECK(made.cost.strangers == 1);
}

TEST_CASE("a window on an address that is not ours is not announced") {
  street one;
  auto how = for_one();
  how.local = {asio::ip::make_address("192.0.2.1"), 0};
  const auto made = open_to(one, how);
  CHECK(made.guest.error() == errc::bind_failed);
  CHECK(one.ports.empty());
  CHECK(made.cost.listeners == 0);
}

TEST_CASE("it says how many listeners there are at most") {
  for (const std::uint8_t most : {std::uint8_t{0}, std::uint8_t{1}, std::uint8_t{2}}) {
    street one;
    one.comes(elsewhere).comes(elsewhere).comes(elsewhere);
    auto how = for_one();
    how.most_listeners = most;
    const auto made = open_to(one, how);
    CHECK(!made.guest.has_value());
    CHECK(one.ports.size() == most);
    CHECK(made.cost.listeners == most);
  }
}

// ---- time

namespace {

struct stage {
  came run(listening how = for_one()) {
    const auto until = clock::now() + default_window;
    auto made = time.run(context, opened(std::move(how), until, at));
    CHECK(open_ports::all().empty());
    return made;
  }
  void comes_after(clock::duration wait, const net::address& from) {
    asio::co_spawn(context, visit_at(clock::now() + wait, from, at), asio::detached);
  }
  static awaitable<void> visit_at(time_point when, net::address from, street& to) {
    auto slept = co_await sleep_until(when);
    if (slept) to.visit(from);
  }

  testing::manual_clock time;
  asio::io_context context;
  street at;
};

static_assert(default_window < longest_window && longest_window < 1s);
static_assert(window_time_for(0us) == default_window && window_time_for(200ms) == default_window);
static_assert(window_time_for(500ms) == 850ms);  // one and a half of it, and what delays it
static_assert(window_time_for(600ms) == longest_window && window_time_for(1h) == longest_window);

}  // namespace

TEST_CASE("a window to which nobody comes closes at its deadline") {
  stage one;
  const auto began = one.time.now();
  const auto made = one.run();
  CHECK(made.guest.error() == errc::window_timeout);
  CHECK(one.time.now() == began + default_window);
  CHECK(made.cost.listeners == 1);
  CHECK(made.cost.strangers == 0);
  CHECK(made.cost.why == close_cause::timeout);
  CHECK(made.cost.opened == began);
  CHECK(made.cost.closed == began + default_window);
  CHECK(made.cost.exposure == default_window);
}

TEST_CASE("strangers do not move the deadline, and all listeners are one account") {
  stage one;
  const auto began = one.time.now();
  one.comes_after(200ms, elsewhere);
  one.comes_after(500ms, elsewhere);
  const auto made = one.run();
  CHECK(made.guest.error() == errc::window_timeout);
  CHECK(one.time.now() == began + default_window);
  CHECK(made.cost.listeners == 3);
  CHECK(made.cost.strangers == 2);
  CHECK(made.cost.why == close_cause::timeout);
  CHECK(made.cost.opened == began);
  CHECK(made.cost.closed == began + default_window);
  CHECK(made.cost.exposure == default_window);
}

TEST_CASE("no port is open while somebody is being authenticated") {
  stage one;
  const auto began = one.time.now();
  one.at.verdict(errc::wrong_key).admission_takes(100ms);
  one.comes_after(200ms, here);
  one.comes_after(450ms, here);
  const auto made = one.run();
  REQUIRE(made.guest.has_value());
  CHECK(one.time.now() == began + 550ms);
  CHECK(made.cost.exposure == 350ms);  // 0 to 200, 300 to 450
  CHECK(made.cost.opened == began);
  CHECK(made.cost.closed == began + 450ms);
}

TEST_CASE("a stranger who wastes all of the time gets no further listener") {
  stage one;
  one.at.comes(here).verdict(errc::wrong_key).admission_takes(default_window);
  const auto made = one.run();
  CHECK(made.guest.error() == errc::wrong_key);
  CHECK(one.at.ports.size() == 1);
  CHECK(made.cost.exposure == 0ns);
}

// ---- cancellation

namespace {

awaitable<result<>> whole_visit(std::shared_ptr<std::vector<std::error_code>> ended) {
  street one;
  one.comes(elsewhere).comes(here).comes(here).verdict(errc::wrong_key);
  const auto until = clock::now() + 15s;
  auto opening = opened(for_one(), until, one);
  auto made = co_await std::move(opening);
  ended->push_back(made.guest ? std::error_code() : made.guest.error());
  if (!made.guest) co_return fail(made.guest.error());
  co_return result<>{};
}

awaitable<result<>> wait_in_vain() {
  street one;
  one.nobody_comes();
  auto opening = opened(for_one(), never, one);
  auto made = co_await std::move(opening);
  CHECK(made.guest.error() == errc::canceled);
  CHECK(made.cost.listeners == 1);
  CHECK(made.cost.why == close_cause::canceled);
  CHECK(made.cost.closed >= made.cost.opened);
  co_return result<>{};
}

}  // namespace

TEST_CASE("a window may be cancelled at every suspension, and leaves no listener") {
  const auto ended = std::make_shared<std::vector<std::error_code>>();
  testing::fuse one;
  const auto report = one.cancel_each([&](testing::fuse&) {
    CHECK(open_ports::all().empty());
    return whole_visit(ended);
  });
  CHECK(open_ports::all().empty());
  CHECK(report.failed > 5);
  for (const auto& why : *ended) {
    if (why) CHECK(is_canceled(why));
  }
}

TEST_CASE("a window that is given up while nobody has come yet says so") {
  asio::io_context context;
  asio::cancellation_signal signal;
  bool ended = false;
  auto finish = [&](std::exception_ptr thrown, result<>) { ended = !thrown; };
  asio::co_spawn(context, wait_in_vain(), asio::bind_cancellation_slot(signal.slot(), std::move(finish)));
  context.poll();
  CHECK(open_ports::all().size() == 1);
  signal.emit(asio::cancellation_type::terminal);
  context.restart();
  context.poll();
  CHECK(ended);
  CHECK(open_ports::all().empty());
}

}  // namespace window_test

// SPDX-License-Identifier: BSL-1.0
// ajar/rendezvous/impl/passage.ipp - what ajar/rendezvous/passage.hpp declares.
#pragma once

#include <ajar/rendezvous/passage.hpp>

#include <ajar/core/deadline.hpp>
#include <ajar/core/shortage.hpp>
#include <ajar/net/dial.hpp>
#include <ajar/net/round_trip.hpp>
#include <ajar/windows/crossing.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace ajar::rendezvous {

namespace detail {

AJAR_DECL result<windows::bound_port> port_of(window_ports& ports, const net::tcp::endpoint& named,
                                              const asio::any_io_executor& executor) {
  const auto* held = ports.find(named);
  if (held) return held->port;
  const auto* sibling = named.port() == windows::https_port ? ports.beside(named.address()) : nullptr;
  if (!sibling) return fail(errc::bind_failed);
  auto bound = windows::bind_port(executor, {sibling->port.local_endpoint().address(), windows::https_port});
  if (!bound) return fail(shortage_or(bound.error(), errc::port_443_not_permitted));
  return bound;
}

// Nothing is readable before so many octets are there, or the end.
inline void await_octets(net::tcp_stream& stream, std::size_t count) {
  std::error_code ignored;
  stream.set_option(asio::socket_base::receive_low_watermark(static_cast<int>(count)), ignored);
}

// How many octets the first TLS record has, as far as it is there: RFC 8446 section 5.1. 0 where TLS will say at once
// that it is none.
inline std::size_t length_of_first_record(net::tcp_stream& stream) {
  constexpr std::uint8_t handshake = 22;
  constexpr std::size_t longest = 16'384;
  std::array<std::uint8_t, 5> header{};
  std::error_code error;
  const auto count = stream.receive(asio::buffer(header), asio::socket_base::message_peek, error);
  if (error || count == 0 || header[0] != handshake) return 0;
  if (count < header.size()) return header.size();
  const std::size_t length = header[3] * 256U + header[4];
  return length > longest ? 0 : header.size() + length;
}

inline awaitable<result<>> has_spoken(net::tcp_stream& stream) {
  std::size_t wanted = 1;
  for (;;) {
    auto [error] = co_await stream.async_wait(net::tcp_stream::wait_read, use_values);
    if (error) co_return fail(errc::canceled);
    const auto length = length_of_first_record(stream);
    if (length <= wanted) break;
    wanted = length;
    await_octets(stream, wanted);
  }
  await_octets(stream, 1);
  co_return result<>{};
}

}  // namespace detail

AJAR_DECL awaitable<result<>> speaks(net::tcp_stream& stream, time_point until) {
  constexpr std::chrono::milliseconds slack{150};
  const auto round_trip = net::round_trip(stream).value_or(std::chrono::microseconds(0));
  const auto patience = std::min(until, clock::now() + round_trip * 2 + slack);
  auto waiting = detail::has_spoken(stream);
  auto spoke = co_await before(patience, errc::window_stranger, std::move(waiting));
  co_return spoke;
}

AJAR_DECL awaitable<result<passage>> go_crossing(rung_in_time rung, shared_ports ports) {
  const auto executor = co_await asio::this_coro::executor;
  const auto names = rung.here == window_end::server ? windows::crossing_side::names : windows::crossing_side::follows;
  // a grid of 0 tells that nothing changes addresses between two ends that are near each other
  const bool near = rung.what.grid_ms == 0;
  const auto gap =
      near ? windows::redial_grid::gap_for({}) : clock::duration(std::chrono::milliseconds(rung.what.grid_ms));
  windows::crossing_plan plan(rung.start, gap, names);
  if (near) plan.signed_by(rung.id);
  const auto pairs = std::min(rung.mine().size(), rung.theirs().size());
  for (std::size_t i = 0; i < pairs; ++i) {
    auto port = detail::port_of(*ports, rung.mine()[i], executor);
    if (!port) co_return fail(port.error());
    plan.pair(std::move(*port), rung.theirs()[i]);
  }
  auto crossing = windows::cross(std::move(plan), rung.end);
  auto crossed = co_await std::move(crossing);
  if (!crossed) co_return fail(crossed.error());
  const auto kept = std::make_shared<windows::crossed>(std::move(*crossed));
  passage made{std::move(kept->stream), rung.what.kind, kept, kept->established, kept->tries};
  co_return std::move(made);
}

AJAR_DECL awaitable<result<passage>> go_dialling(rung_in_time rung, net::dial_options how) {
  if (rung.theirs().empty()) co_return fail(errc::answer_forged);
  // a SYN that is there before the port is open: some microseconds, as both wake up when their machines let them
  constexpr std::chrono::microseconds early{200};
  const net::dial_times when{rung.start, rung.end, std::chrono::milliseconds(rung.what.grid_ms), early};
  auto dialling = net::dial_at(rung.theirs().front(), when, std::move(how));
  auto stream = co_await std::move(dialling);
  if (!stream) {
    const auto& why = stream.error();
    if (is_canceled(why) || is_shortage(why) || why == errc::bind_failed) co_return fail(why);
    co_return fail(why == errc::dial_refused ? errc::window_timeout : errc::window_unreachable);
  }
  passage made{std::move(*stream), rung.what.kind, nullptr, clock::now(), 1};
  co_return std::move(made);
}

AJAR_DECL punch::punch(const windows::bound_port& from, net::tcp::endpoint to) {
  if (to.port() == 0) to.port(windows::https_port);  // any will do for a firewall that looks at addresses
  auto stream = from.fresh();
  if (!stream) short_of_ = shortage_or(stream.error(), {});
  if (stream && net::begin_connect(*stream, to)) stream_.emplace(std::move(*stream));
}

}  // namespace ajar::rendezvous

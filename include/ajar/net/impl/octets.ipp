// SPDX-License-Identifier: BSL-1.0
// ajar/net/impl/octets.ipp - what ajar/net/octets.hpp declares.
#pragma once

#include <ajar/net/octets.hpp>

#include <ajar/core/deadline.hpp>

#include <asio/error.hpp>

namespace ajar::net {

namespace detail {

inline awaitable<result<>> await_ready(transport& stream, asio::socket_base::wait_type until) {
  auto [error] = co_await stream.async_wait(until, use_values);
  if (error) co_return fail(is_canceled(error) ? make_error_code(errc::canceled) : error);
  co_return result<>{};
}

}  // namespace detail

AJAR_DECL awaitable<result<>> write_all(transport& to, bytes_view octets) {
  while (!octets.empty()) {
    std::error_code error;
    const auto count = to.write_some(asio::buffer(octets.data(), octets.size()), error);
    octets = octets.subspan(count);
    if (!error) continue;
    if (error != asio::error::would_block) co_return fail(error);
    auto waiting = detail::await_ready(to, asio::socket_base::wait_write);
    auto ready = co_await std::move(waiting);
    if (!ready) co_return ready;
  }
  co_return result<>{};
}

AJAR_DECL awaitable<result<>> read_all(transport& from, std::span<std::uint8_t> into) {
  while (!into.empty()) {
    std::error_code error;
    const auto count = from.read_some(asio::buffer(into.data(), into.size()), error);
    into = into.subspan(count);
    if (!error) continue;
    if (error == asio::error::eof) co_return fail(errc::eof);
    if (error != asio::error::would_block) co_return fail(error);
    auto waiting = detail::await_ready(from, asio::socket_base::wait_read);
    auto ready = co_await std::move(waiting);
    if (!ready) co_return ready;
  }
  co_return result<>{};
}

}  // namespace ajar::net

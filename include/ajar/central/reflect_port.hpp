// SPDX-License-Identifier: BSL-1.0
// ajar/central/reflect_port.hpp - connections that only want to know from where they seem to come.
#pragma once

#include <ajar/core/deadline.hpp>
#include <ajar/net/octets.hpp>
#include <ajar/net/transport.hpp>
#include <ajar/signalling/message.hpp>

#include <array>
#include <utility>

namespace ajar::detail {

/// The first octet of a connection, which stays in it. Errors: eof, the socket's own, canceled.
inline awaitable<result<std::uint8_t>> first_octet(net::transport& stream) {
  for (;;) {
    std::uint8_t octet = 0;
    std::error_code error;
    if (stream.peek(asio::buffer(&octet, 1), error) == 1) co_return octet;
    if (error == asio::error::eof) co_return fail(errc::eof);
    if (error != asio::error::would_block) co_return fail(error);
    auto [failed] = co_await stream.async_wait(asio::socket_base::wait_read, use_values);
    if (failed) co_return fail(is_canceled(failed) ? make_error_code(errc::canceled) : failed);
  }
}

/// All of a probe. Errors: message_malformed, eof, the socket's own, canceled.
inline awaitable<result<signalling::reflect_probe>> read_probe(net::transport& stream) {
  std::array<std::uint8_t, signalling::reflect_probe::size> octets{};
  auto reading = net::read_all(stream, octets);
  auto read = co_await std::move(reading);
  if (!read) co_return fail(read.error());
  const auto probe = signalling::reflect_probe::decode(octets);
  if (!probe) co_return fail(errc::message_malformed);
  co_return *probe;
}

/// The peer ends the connection, as a NAT keeps the mapping of one that ended in order for longest.
inline awaitable<result<>> await_end(net::transport& stream) {
  auto [error] = co_await stream.async_wait(asio::socket_base::wait_read, use_values);
  if (error) co_return fail(error);
  co_return result<>{};
}

}  // namespace ajar::detail

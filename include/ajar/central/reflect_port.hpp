// SPDX-License-Identifier: BSL-1.0
// ajar/central/reflect_port.hpp - connections that only want to know from where they seem to come.
#pragma once

#include <ajar/core/deadline.hpp>
#include <ajar/net/dial.hpp>
#include <ajar/signalling/message.hpp>

#include <sys/socket.h>
#include <asio/read.hpp>
#include <optional>
#include <utility>

namespace ajar::detail {

/// The first octet of a connection, which stays in it. Errors: eof, the socket's own, canceled.
inline awaitable<result<std::uint8_t>> first_octet(net::tcp_stream& stream) {
  auto [error] = co_await stream.async_wait(net::tcp_stream::wait_read, use_values);
  if (error) co_return fail(is_canceled(error) ? make_error_code(errc::canceled) : error);
  std::uint8_t octet = 0;
  const auto got = ::recv(stream.native_handle(), &octet, 1, MSG_PEEK | MSG_DONTWAIT);
  if (got == 0) co_return fail(errc::eof);
  if (got < 0) co_return fail(std::error_code(errno, std::system_category()));
  co_return octet;
}

/// All of a probe. Errors: message_malformed, eof, the socket's own, canceled.
inline awaitable<result<signalling::reflect_probe>> read_probe(net::tcp_stream& stream) {
  std::array<std::uint8_t, signalling::reflect_probe::size> octets{};
  auto [error, count] = co_await asio::async_read(stream, asio::buffer(octets), use_values);
  if (error) co_return fail(is_canceled(error) ? make_error_code(errc::canceled) : error);
  const auto probe = signalling::reflect_probe::decode(octets);
  if (!probe) co_return fail(errc::message_malformed);
  co_return *probe;
}

/// The peer ends the connection, as a NAT keeps the mapping of one that ended in order for longest.
inline awaitable<result<>> await_end(net::tcp_stream& stream) {
  std::uint8_t octet = 0;
  auto [error, count] = co_await stream.async_read_some(asio::buffer(&octet, 1), use_values);
  if (error && error != asio::error::eof) co_return fail(error);
  co_return result<>{};
}

}  // namespace ajar::detail

// SPDX-License-Identifier: BSL-1.0
// ajar/net/byte_stream.hpp - what TLS needs of a transport: the part of a non-blocking socket that it uses.
#pragma once

#include <asio/buffer.hpp>
#include <asio/detached.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/socket_base.hpp>
#include <concepts>
#include <system_error>

namespace ajar::net {

/// A readiness-based stream of octets: asio::ip::tcp::socket in non-blocking mode is one, testing::stream another.
///
/// read_some and write_some never wait: they give asio::error::would_block, asio::error::eof, or their count.
/// async_wait completes when a further attempt is worth while. One reader and one writer at a time.
template <class Stream>
concept byte_stream = requires(Stream stream, asio::mutable_buffer in, asio::const_buffer out, std::error_code error) {
  { stream.read_some(in, error) } -> std::same_as<std::size_t>;
  { stream.write_some(out, error) } -> std::same_as<std::size_t>;
  stream.async_wait(asio::socket_base::wait_read, asio::detached);
  stream.shutdown(asio::socket_base::shutdown_send, error);
  stream.cancel(error);
  stream.close(error);
  stream.get_executor();
};

static_assert(byte_stream<asio::ip::tcp::socket>);

}  // namespace ajar::net

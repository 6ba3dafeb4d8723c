// SPDX-License-Identifier: BSL-1.0
// ajar/net/asio_face.hpp - Asio's AsyncReadStream and AsyncWriteStream, for whatever can be asked again and again.
#pragma once

#include <ajar/core/bytes.hpp>
#include <ajar/core/config.hpp>
#include <ajar/core/result.hpp>
#include <ajar/net/transport.hpp>

#include <memory>
#include <utility>

namespace ajar::net {

/// Octets both ways: attempts that never wait, and waits until another one is worth while. Never moves.
class octet_port {
 public:
  virtual ~octet_port() = default;
  virtual asio::any_io_executor executor() = 0;

  /// Some octets. Errors: would_block (then wait), the port's own.
  virtual result<std::size_t> try_read(std::span<std::uint8_t> into) = 0;
  virtual void await_read(wait_handler then) = 0;

  /// Take some octets, which stay where they are until flush() succeeds. Errors: the port's own.
  virtual result<std::size_t> take(bytes_view from) = 0;
  /// Move on what was taken. Errors: would_block (then wait), the port's own.
  virtual result<> flush() = 0;
  virtual void await_write(wait_handler then) = 0;
  /// Take back what a write that was cancelled had given; @return how many of its octets have left.
  virtual std::size_t take_back() = 0;

  /// What an operation ends with whose wait has failed.
  virtual std::error_code cause(const std::error_code& of_wait) const = 0;
};

/// A port of nothing: each attempt fails with this error.
std::shared_ptr<octet_port> ended_port(const asio::any_io_executor& executor, const std::error_code& why);

/// Who is called when octets have been moved: void(std::error_code, std::size_t).
using transfer_handler = erased_handler<std::error_code, std::size_t>;

namespace detail {

void begin_read(std::shared_ptr<octet_port> from, asio::mutable_buffer into, transfer_handler then);
void begin_write(std::shared_ptr<octet_port> to, asio::const_buffer from, transfer_handler then);

template <class Buffer, class Buffers>
Buffer first_of(const Buffers& buffers) {
  for (auto at = asio::buffer_sequence_begin(buffers); at != asio::buffer_sequence_end(buffers); ++at) {
    const Buffer one(*at);
    if (one.size() != 0) return one;
  }
  return Buffer();
}

}  // namespace detail

/// Read into the first buffer that is not empty: void(std::error_code, std::size_t); the end is asio::error::eof.
/// Cancellation: terminal. The port outlives the operation; it never completes inside this call.
template <class Buffers, class Token>
auto async_read_some(std::shared_ptr<octet_port> from, const Buffers& buffers, Token&& token) {
  return asio::async_initiate<Token, void(std::error_code, std::size_t)>(
      [](auto handler, std::shared_ptr<octet_port> port, asio::mutable_buffer into) {
        const auto executor = port->executor();
        detail::begin_read(std::move(port), into, transfer_handler(std::move(handler), executor));
      },
      token, std::move(from), detail::first_of<asio::mutable_buffer>(buffers));
}

/// Write the first buffer that is not empty, or as much of it as the port takes at once; otherwise the same.
template <class Buffers, class Token>
auto async_write_some(std::shared_ptr<octet_port> to, const Buffers& buffers, Token&& token) {
  return asio::async_initiate<Token, void(std::error_code, std::size_t)>(
      [](auto handler, std::shared_ptr<octet_port> port, asio::const_buffer from) {
        const auto executor = port->executor();
        detail::begin_write(std::move(port), from, transfer_handler(std::move(handler), executor));
      },
      token, std::move(to), detail::first_of<asio::const_buffer>(buffers));
}

}  // namespace ajar::net

#ifdef AJAR_HEADER_ONLY
#include <ajar/net/impl/asio_face.ipp>
#endif

// SPDX-License-Identifier: BSL-1.0
// ajar/net/impl/asio_face.ipp - what ajar/net/asio_face.hpp declares.
#pragma once

#include <ajar/net/asio_face.hpp>

#include <asio/error.hpp>
#include <asio/post.hpp>

namespace ajar::net::detail {

// Asio's composed operations expect its own end of file.
inline std::error_code for_asio(const std::error_code& error) {
  return error == errc::eof ? std::error_code(asio::error::eof) : error;
}

// An operation that goes on: what it moves, and who waits for it. It has its handler's executor and cancellation slot.
template <class Buffer,
          void (*GoOn)(std::shared_ptr<octet_port>, Buffer, transfer_handler, std::size_t, std::error_code)>
struct continuation {
  using executor_type = transfer_handler::executor_type;
  using cancellation_slot_type = transfer_handler::cancellation_slot_type;
  executor_type get_executor() const noexcept { return then.get_executor(); }
  cancellation_slot_type get_cancellation_slot() const noexcept { return then.get_cancellation_slot(); }
  void operator()(std::error_code waited) { GoOn(std::move(port), buffer, std::move(then), count, waited); }

  std::shared_ptr<octet_port> port;
  Buffer buffer;
  transfer_handler then;
  std::size_t count = 0;
};

inline void finish(transfer_handler then, const std::error_code& error, std::size_t count, bool from_inside) {
  if (!from_inside) return then(error, count);
  const auto executor = then.get_executor();
  asio::post(executor, [then = std::move(then), error, count]() mutable { then(error, count); });
}

inline void read_on(std::shared_ptr<octet_port> port, asio::mutable_buffer into, transfer_handler then,
                    std::size_t attempts, std::error_code waited) {
  auto got = waited             ? result<std::size_t>(fail(port->cause(waited)))
             : into.size() == 0 ? result<std::size_t>(0)
                                : port->try_read({static_cast<std::uint8_t*>(into.data()), into.size()});
  if (!got && got.error() == errc::would_block) {
    auto* const at = port.get();
    const auto executor = then.get_executor();
    using next = continuation<asio::mutable_buffer, &read_on>;
    return at->await_read(wait_handler(next{std::move(port), into, std::move(then), attempts + 1}, executor));
  }
  finish(std::move(then), got ? std::error_code() : for_asio(got.error()), got ? *got : 0, attempts == 0);
}

inline void write_on(std::shared_ptr<octet_port> port, asio::const_buffer from, transfer_handler then,
                     std::size_t taken, std::error_code waited) {
  if (waited) {
    const auto left = port->take_back();
    return finish(std::move(then), port->cause(waited), left, false);
  }
  auto flushed = port->flush();
  if (!flushed && flushed.error() == errc::would_block) {
    auto* const at = port.get();
    const auto executor = then.get_executor();
    using next = continuation<asio::const_buffer, &write_on>;
    return at->await_write(wait_handler(next{std::move(port), from, std::move(then), taken}, executor));
  }
  finish(std::move(then), flushed ? std::error_code() : flushed.error(), flushed ? taken : 0, false);
}

AJAR_DECL void begin_read(std::shared_ptr<octet_port> from, asio::mutable_buffer into, transfer_handler then) {
  read_on(std::move(from), into, std::move(then), 0, {});
}

AJAR_DECL void begin_write(std::shared_ptr<octet_port> to, asio::const_buffer from, transfer_handler then) {
  auto taken = to->take({static_cast<const std::uint8_t*>(from.data()), from.size()});
  auto moved = taken ? to->flush() : result<>(fail(taken.error()));
  if (moved) return finish(std::move(then), {}, *taken, true);
  if (moved.error() != errc::would_block) return finish(std::move(then), moved.error(), 0, true);
  auto* const at = to.get();
  const auto executor = then.get_executor();
  using next = continuation<asio::const_buffer, &write_on>;
  at->await_write(wait_handler(next{std::move(to), from, std::move(then), *taken}, executor));
}

class ended_port final : public octet_port {
 public:
  ended_port(asio::any_io_executor executor, const std::error_code& why) : executor_(std::move(executor)), why_(why) {}
  asio::any_io_executor executor() override { return executor_; }
  result<std::size_t> try_read(std::span<std::uint8_t>) override { return fail(why_); }
  result<std::size_t> take(bytes_view) override { return fail(why_); }
  result<> flush() override { return fail(why_); }
  // nobody waits: no attempt would block
  void await_read(wait_handler) override {}
  void await_write(wait_handler) override {}
  std::size_t take_back() override { return 0; }
  std::error_code cause(const std::error_code&) const override { return why_; }

 private:
  asio::any_io_executor executor_;
  std::error_code why_;
};

}  // namespace ajar::net::detail

namespace ajar::net {

AJAR_DECL std::shared_ptr<octet_port> ended_port(const asio::any_io_executor& executor, const std::error_code& why) {
  return std::make_shared<detail::ended_port>(executor, why);
}

}  // namespace ajar::net

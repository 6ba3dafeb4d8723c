// SPDX-License-Identifier: BSL-1.0
// ajar/testing/pipe.hpp - one direction of a stream in memory, and what can happen to octets on their way.
#pragma once

#include <ajar/core/bytes.hpp>
#include <ajar/core/clock.hpp>
#include <ajar/core/config.hpp>

#include <algorithm>
#include <asio/error.hpp>
#include <asio/ip/tcp.hpp>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <utility>

namespace ajar::testing {

/// How the ends of a pair behave.
class pair_options {
 public:
  pair_options() = default;

  /// A read gives at most so many octets.
  pair_options& short_reads(std::size_t most) { return read_most = most, *this; }
  /// A write takes at most so many octets.
  pair_options& short_writes(std::size_t most) { return write_most = most, *this; }
  /// So many octets fit into each direction; then a write would block until the other end reads.
  pair_options& buffer(std::size_t octets) { return capacity = octets, *this; }
  /// Octets, ends and refusals arrive so much later, by ajar::clock.
  pair_options& delay(clock::duration there, clock::duration back) { return delays = {there, back}, *this; }

  std::size_t read_most = std::numeric_limits<std::size_t>::max();
  std::size_t write_most = std::numeric_limits<std::size_t>::max();
  std::size_t capacity = 64 * 1024;
  std::pair<clock::duration, clock::duration> delays{};
};

/// What becomes of octets in flight: they arrive, or they are the last ones: the stream is cut behind them.
enum class fate { deliver, cut };

/// Sees the octets in flight, and may change them or take them away.
using flight_hook = std::function<fate(bytes&)>;

/// Asked before each operation of a stream: an error breaks the stream.
using operation_gate = std::function<std::error_code()>;

namespace detail {

struct end;

// One direction. Octets fly for a while, then wait to be read.
struct pipe : std::enable_shared_from_this<pipe> {
  enum class kind { octets, end, closed, reset, question, answer };
  struct parcel {
    time_point due;
    kind what;
    bytes octets;
  };

  pipe(const asio::any_io_executor& executor, std::size_t most, clock::duration takes)
      : capacity(most), delay(takes), arrival(executor) {}

  void send(kind what, bytes octets = bytes());
  void arrive(kind what, const bytes& octets);
  void wait_for_first();

  std::size_t capacity;
  clock::duration delay;
  timer arrival;
  std::deque<parcel> flying;
  std::deque<std::uint8_t> octets;
  std::size_t held = 0;       // flying and waiting
  std::uint64_t sent = 0;     // parcels, also those that get lost
  std::uint64_t arrived = 0;  // and those that do not
  bool ended = false;         // nothing more comes
  bool reset = false;
  bool refused = false;  // nobody reads any more
  flight_hook hook;
  std::shared_ptr<const bool> lost;  // a network's path: while it is true nothing arrives
  std::weak_ptr<end> from;
  std::weak_ptr<end> to;
};

struct end {
  end(const asio::any_io_executor& executor, const pair_options& how) : wake(executor, never), limits(how) {}

  bool readable() const { return broken || !in->octets.empty() || in->ended || in->reset; }
  bool writable() const { return broken || !sending || out->refused || out->held < out->capacity; }
  // Asks the gate; what it says stays.
  std::error_code checked() {
    if (!open) return asio::error::bad_descriptor;
    if (!broken && gate) {
      broken = gate();
      if (broken) out->send(pipe::kind::reset);
    }
    return broken;
  }
  void cancel() {
    ++cancels;
    wake.cancel();
  }
  void leave(pipe::kind how) {
    if (!open) return;
    open = false;
    out->send(how);
    cancel();
  }
  // This end sees an end without a goodbye.
  void lose() { in->arrive(pipe::kind::closed, {}); }
  // Both ends do, the other one when it arrives there.
  void cut() {
    out->send(pipe::kind::closed);
    lose();
  }

  timer wake;  // at never: cancelled whenever something changed
  pair_options limits;
  std::shared_ptr<pipe> in;
  std::shared_ptr<pipe> out;
  operation_gate gate;
  std::error_code broken;
  asio::ip::tcp::endpoint here;
  asio::ip::tcp::endpoint there;
  bool open = true;
  bool sending = true;
  std::uint64_t cancels = 0;
};

}  // namespace detail

}  // namespace ajar::testing

#ifdef AJAR_HEADER_ONLY
#include <ajar/testing/impl/pipe.ipp>
#endif

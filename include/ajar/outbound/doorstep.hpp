// SPDX-License-Identifier: BSL-1.0
// ajar/outbound/doorstep.hpp - the port of a client that servers may dial, open only while one of them might.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/clock.hpp>
#include <ajar/core/config.hpp>
#include <ajar/core/result.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/identity/key.hpp>
#include <ajar/net/half_open.hpp>
#include <ajar/net/network.hpp>
#include <ajar/tls/stream.hpp>
#include <ajar/windows/report.hpp>

#include <functional>
#include <memory>

namespace ajar::outbound {

/// Accepts servers that the client holds grants of, and central's proof that the door is the client's.
///
/// Everybody else fails inside the TLS handshake. Its exposure is counted, as a window's is. Threads: one executor.
/// Source: WO 2004/034190, non-listening server, step C: the server makes the connection, so the client has the port.
class doorstep {
 public:
  using stream = tls::stream;
  using key_check = std::function<bool(const crypto::public_key&)>;
  using guest_handler = std::function<void(stream)>;

  /// @param over     what it listens on
  /// @param local    where; port 0 takes a random one at each opening
  /// @param servers  may this key dial us now?
  /// @param central  may this key prove our door?
  /// @param guest    gets each server's connection after TLS, not yet proved
  /// @param thrown   is told what a coroutine of the door has thrown
  doorstep(const asio::any_io_executor& executor, identity::key self, std::shared_ptr<net::network> over,
           net::tcp::endpoint local, key_check servers, key_check central, guest_handler guest,
           task_group::thrown_sink thrown = {});
  doorstep(const doorstep&) = delete;
  doorstep& operator=(const doorstep&) = delete;
  ~doorstep();

  /// Servers dial from there: where strangers fill the door with silence, it is not they who make room.
  void expect(const net::address& from);

  /// Told while a connection cannot be accepted, as this process is short of something; it waits in the kernel.
  void on_shortage(net::trouble_sink tell) { shortage_ = std::move(tell); }

  /// Open the port, if it is not open. Errors: bind_failed, a shortage.
  result<> open();

  /// Close the port; what was accepted goes on.
  void close();

  bool is_open() const { return port_ != nullptr; }

  /// While it is open: where.
  net::tcp::endpoint local_endpoint() const { return port_ ? port_->local_endpoint() : local_; }

  /// What it cost so far, the present opening included.
  windows::report report() const;

  /// Close, and wait until all handshakes have ended.
  [[nodiscard]] awaitable<void> stop();

 private:
  struct state;

  std::shared_ptr<state> state_;
  std::shared_ptr<net::network> network_;
  net::tcp::endpoint local_;
  std::shared_ptr<net::port> port_;
  time_point opened_{};  // this time
  net::trouble_sink shortage_;
  task_group tasks_;
};

}  // namespace ajar::outbound

#ifdef AJAR_HEADER_ONLY
#include <ajar/outbound/impl/doorstep.ipp>
#endif

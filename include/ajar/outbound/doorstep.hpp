// SPDX-License-Identifier: BSL-1.0
// ajar/outbound/doorstep.hpp - the port of a client that servers may dial, open only while one of them might.
#pragma once

#include <ajar/core/deadline.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/identity/key.hpp>
#include <ajar/net/half_open.hpp>
#include <ajar/net/network.hpp>
#include <ajar/tls/stream.hpp>
#include <ajar/windows/report.hpp>
#include <ajar/wire/codec.hpp>

#include <functional>
#include <memory>
#include <utility>

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
  doorstep(const asio::any_io_executor& executor, identity::key self, std::shared_ptr<net::network> over,
           net::tcp::endpoint local, key_check servers, key_check central, guest_handler guest)
      : state_(std::make_shared<state>(executor, std::move(self), std::move(servers), std::move(central),
                                       std::move(guest))),
        network_(std::move(over)),
        local_(std::move(local)),
        tasks_(executor) {}
  doorstep(const doorstep&) = delete;
  doorstep& operator=(const doorstep&) = delete;
  ~doorstep() {
    close();
    state_->handshakes.cancel();  // no guest comes after this
  }

  /// Servers dial from there: where strangers fill the door with silence, it is not they who make room.
  void expect(const net::address& from) { state_->strangers.good(from); }

  /// Open the port, if it is not open. Errors: bind_failed.
  result<> open() {
    if (is_open()) return {};
    const auto opened = clock::now();
    auto port = network_->listen(state_->executor, local_, {backlog});
    if (!port) return fail(port.error());
    opened_ = opened;
    if (state_->cost.listeners++ == 0) state_->cost.opened = opened;
    port_ = std::move(*port);
    tasks_.spawn(net::accept_each(port_, [of = state_](net::transport peer) { receive(of, std::move(peer)); }));
    return {};
  }

  /// Close the port; what was accepted goes on.
  void close() {
    if (!is_open()) return;
    port_->close();
    port_.reset();
    auto& cost = state_->cost;
    cost.closed = clock::now();
    cost.exposure += cost.closed - opened_;
  }

  bool is_open() const { return port_ != nullptr; }

  /// While it is open: where.
  net::tcp::endpoint local_endpoint() const { return port_ ? port_->local_endpoint() : local_; }

  /// What it cost so far, the present opening included.
  windows::report report() const {
    auto cost = state_->cost;
    if (is_open()) cost.exposure += clock::now() - opened_;
    return cost;
  }

  /// Close, and wait until all handshakes have ended.
  [[nodiscard]] awaitable<void> stop() {
    close();
    tasks_.cancel();
    state_->handshakes.cancel();
    co_await tasks_.join();
    co_await state_->handshakes.join();
  }

 private:
  static constexpr int backlog = 16;
  static constexpr std::size_t most_handshakes = 32;
  static constexpr std::size_t most_of_one = 8;  // of one address
  static constexpr std::chrono::seconds handshake_time{3};

  struct state {
    state(const asio::any_io_executor& on, identity::key own, key_check may_dial, key_check may_prove,
          guest_handler welcome)
        : executor(on),
          self(std::move(own)),
          servers(std::move(may_dial)),
          central(std::move(may_prove)),
          guest(std::move(welcome)),
          handshakes(on) {}
    asio::any_io_executor executor;
    identity::key self;
    key_check servers;
    key_check central;
    guest_handler guest;
    net::half_open strangers{most_handshakes, most_of_one};
    task_group handshakes;
    windows::report cost;
  };

  static void receive(const std::shared_ptr<state>& of, net::transport peer) {
    const auto from = peer.remote_endpoint();
    if (!from) return;  // gone again
    const auto placed = of->strangers.begin(from->address());
    if (placed.evicted) of->handshakes.stop(name_of(*placed.evicted));
    of->handshakes.spawn(shake_hands(of, std::move(peer), placed.own), name_of(placed.own));
  }

  static bytes name_of(net::half_open::ticket one) {
    bytes octets;
    wire::writer(octets).number(one);
    return octets;
  }

  // Makes room again, however the handshake ends.
  class place {
   public:
    place(state& of, net::half_open::ticket own) : of_(of), own_(own) {}
    place(const place&) = delete;
    place& operator=(const place&) = delete;
    ~place() { of_.strangers.end(own_); }

   private:
    state& of_;
    net::half_open::ticket own_;
  };

  static awaitable<void> shake_hands(std::shared_ptr<state> of, net::transport peer, net::half_open::ticket own) {
    const place here(*of, own);
    tls::expectation expected(
        [of](const crypto::public_key& shown) { return of->servers(shown) || of->central(shown); }, tls::alpn::session);
    expected.or_alpn(tls::alpn::probe);
    auto securing = tls::secure(std::move(peer), of->self.tls(), tls::side::server, std::move(expected),
                                clock::now() + handshake_time);
    auto secured = co_await std::move(securing);
    if (!secured) co_return;
    if (secured->protocol() == tls::alpn::probe) {
      if (!of->central(secured->peer_key())) co_return;
      auto parted = co_await secured->shutdown(clock::now() + handshake_time);
      (void)parted;
      co_return;
    }
    if (of->servers(secured->peer_key())) of->guest(std::move(*secured));
  }

  std::shared_ptr<state> state_;
  std::shared_ptr<net::network> network_;
  net::tcp::endpoint local_;
  std::shared_ptr<net::port> port_;
  time_point opened_{};  // this time
  task_group tasks_;
};

}  // namespace ajar::outbound

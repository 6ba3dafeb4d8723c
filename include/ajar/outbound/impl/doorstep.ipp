// SPDX-License-Identifier: BSL-1.0
// ajar/outbound/impl/doorstep.ipp - what ajar/outbound/doorstep.hpp declares.
#pragma once

#include <ajar/outbound/doorstep.hpp>

#include <ajar/core/bytes.hpp>
#include <ajar/wire/codec.hpp>

#include <utility>

namespace ajar::outbound {

namespace detail {

inline bytes name_of(net::half_open::ticket one) {
  bytes octets;
  wire::writer(octets).number(one);
  return octets;
}

// Makes room again, however the handshake ends.
class held_ticket {
 public:
  held_ticket(net::half_open& among, net::half_open::ticket own) : among_(among), own_(own) {}
  held_ticket(const held_ticket&) = delete;
  held_ticket& operator=(const held_ticket&) = delete;
  ~held_ticket() { among_.end(own_); }

 private:
  net::half_open& among_;
  net::half_open::ticket own_;
};

// They may outlive the door.
inline awaitable<void> both(awaitable<void> first, awaitable<void> second) {
  co_await std::move(first);
  co_await std::move(second);
}

}  // namespace detail

// What a handshake that goes on keeps.
struct doorstep::state : std::enable_shared_from_this<state> {
  static constexpr std::size_t most_handshakes = 32;
  static constexpr std::size_t most_of_one = 8;  // of one address

  state(const asio::any_io_executor& on, identity::key own, key_check may_dial, key_check may_prove,
        guest_handler welcome, task_group::thrown_sink thrown)
      : executor(on),
        self(std::move(own)),
        servers(std::move(may_dial)),
        central(std::move(may_prove)),
        guest(std::move(welcome)),
        handshakes(on, std::move(thrown)) {}

  void receive(net::transport peer);
  awaitable<void> shake_hands(net::transport peer, net::half_open::ticket own);

  asio::any_io_executor executor;
  identity::key self;
  key_check servers;
  key_check central;
  guest_handler guest;
  net::half_open strangers{most_handshakes, most_of_one};
  task_group handshakes;
  windows::report cost;
};

AJAR_DECL doorstep::doorstep(const asio::any_io_executor& executor, identity::key self,
                             std::shared_ptr<net::network> over, net::tcp::endpoint local, key_check servers,
                             key_check central, guest_handler guest, task_group::thrown_sink thrown)
    : state_(std::make_shared<state>(executor, std::move(self), std::move(servers), std::move(central),
                                     std::move(guest), thrown)),
      network_(std::move(over)),
      local_(std::move(local)),
      tasks_(executor, std::move(thrown)) {}

AJAR_DECL doorstep::~doorstep() {
  close();
  state_->handshakes.cancel();  // no guest comes after this
}

AJAR_DECL void doorstep::expect(const net::address& from) { state_->strangers.good(from); }

AJAR_DECL result<> doorstep::open() {
  constexpr int backlog = 16;
  if (is_open()) return {};
  const auto opened = clock::now();
  auto port = network_->listen(state_->executor, local_, {backlog});
  if (!port) return fail(port.error());
  opened_ = opened;
  if (state_->cost.listeners++ == 0) state_->cost.opened = opened;
  port_ = std::move(*port);
  tasks_.spawn(
      net::accept_each(port_, [of = state_](net::transport peer) { of->receive(std::move(peer)); }, shortage_));
  return {};
}

AJAR_DECL void doorstep::close() {
  if (!is_open()) return;
  port_->close();
  port_.reset();
  auto& cost = state_->cost;
  cost.closed = clock::now();
  cost.exposure += cost.closed - opened_;
}

AJAR_DECL windows::report doorstep::report() const {
  auto cost = state_->cost;
  if (is_open()) cost.exposure += clock::now() - opened_;
  return cost;
}

AJAR_DECL awaitable<void> doorstep::stop() {
  close();
  tasks_.cancel();
  state_->handshakes.cancel();
  return detail::both(tasks_.join(), state_->handshakes.join());
}

AJAR_DECL void doorstep::state::receive(net::transport peer) {
  const auto from = peer.remote_endpoint();
  if (!from) return;  // gone again
  const auto placed = strangers.begin(from->address());
  if (placed.evicted) {
    ++cost.strangers;  // silent ones
    handshakes.stop(detail::name_of(*placed.evicted));
  }
  handshakes.spawn(shared_from_this(), shake_hands(std::move(peer), placed.own), detail::name_of(placed.own));
}

AJAR_DECL awaitable<void> doorstep::state::shake_hands(net::transport peer, net::half_open::ticket own) {
  constexpr std::chrono::seconds handshake_time{3};
  const detail::held_ticket here(strangers, own);
  tls::expectation expected([this](const crypto::public_key& shown) { return servers(shown) || central(shown); },
                            tls::alpn::session);
  expected.or_alpn(tls::alpn::probe);
  auto securing =
      tls::secure(std::move(peer), self.tls(), tls::side::server, std::move(expected), clock::now() + handshake_time);
  auto secured = co_await std::move(securing);
  if (!secured) {
    if (!is_canceled(secured.error())) ++cost.strangers;
    co_return;
  }
  if (secured->protocol() == tls::alpn::probe) {
    if (!central(secured->peer_key())) co_return;
    auto parted = co_await secured->shutdown(clock::now() + handshake_time);
    (void)parted;
    co_return;
  }
  if (servers(secured->peer_key())) guest(std::move(*secured));
}

}  // namespace ajar::outbound

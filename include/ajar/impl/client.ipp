// SPDX-License-Identifier: BSL-1.0
// ajar/impl/client.ipp - what ajar/client.hpp declares.
#pragma once

#include <ajar/client.hpp>

#include <ajar/client/connecting.hpp>

#include <memory>
#include <utility>

namespace ajar {

namespace detail {

inline awaitable<void> stop(std::shared_ptr<client_node> all) {
  all->abandon();
  if (all->step) {
    co_await all->step->stop();
  }
  co_await all->tasks.join();
}

}  // namespace detail

AJAR_DECL client::client(const asio::any_io_executor& executor, identity::key self, client_options how)
    : state_(std::make_shared<detail::client_node>(executor, std::move(self), std::move(how))) {
  state_->begin();
}

AJAR_DECL client::~client() { state_->abandon(); }

AJAR_DECL awaitable<result<sessions::session>> client::connect(identity::peer_id server, connect_options how) {
  return detail::connecting::run(state_, std::move(server), std::move(how));
}

AJAR_DECL awaitable<result<net::reflection>> client::network(identity::peer_id server, time_point until) {
  return kept(state_, state_->look(std::move(server), until));
}

AJAR_DECL awaitable<void> client::stop() { return detail::stop(state_); }

AJAR_DECL windows::report client::door_report() const {
  return state_->step ? state_->step->report() : windows::report();
}

AJAR_DECL client_status client::status() const { return state_->status(); }

}  // namespace ajar

// SPDX-License-Identifier: BSL-1.0
// ajar/impl/client.ipp - what ajar/client.hpp declares.
#pragma once

#include <ajar/client.hpp>

#include <ajar/client/connecting.hpp>
#include <ajar/state/held_grants.hpp>

#include <memory>
#include <utility>
#include <vector>

namespace ajar {

AJAR_DECL client::client(const asio::any_io_executor& executor, identity::key self, client_options how)
    : state_(std::make_shared<detail::client_node>(executor, std::move(self), std::move(how))) {}

AJAR_DECL result<std::unique_ptr<client>> client::open(const asio::any_io_executor& executor, const std::string& folder,
                                                       client_options how) {
  auto opened = state::locked_folder::open(folder);
  if (!opened) return fail(opened.error());
  const auto kept = std::make_shared<const state::locked_folder>(std::move(*opened));
  auto held = state::held_grants(kept->folder, kept->key.id()).list();
  if (!held) return fail(held.error());
  std::vector<trust::grant_file> grants;
  for (auto& one : held->good) grants.push_back(std::move(one.file));
  how.grants(std::move(grants)).logins([kept] { return kept->folder.next_login(); });
  return std::make_unique<client>(executor, kept->key, std::move(how));
}

AJAR_DECL client::~client() { state_->abandon(); }

AJAR_DECL void client::start() { state_->start(); }

AJAR_DECL awaitable<result<sessions::session>> client::connect(identity::peer_id server, connect_options how) {
  return detail::connecting::run(state_, std::move(server), std::move(how));
}

AJAR_DECL awaitable<result<net::reflection>> client::network(identity::peer_id server, deadline until) {
  return kept(state_, state_->look(std::move(server), until));
}

AJAR_DECL awaitable<void> client::stop() { return kept(state_, state_->stop()); }

AJAR_DECL windows::report client::door_report() const {
  return state_->door ? state_->door->report() : windows::report();
}

AJAR_DECL client_status client::status() const { return state_->status(); }

}  // namespace ajar

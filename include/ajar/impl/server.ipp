// SPDX-License-Identifier: BSL-1.0
// ajar/impl/server.ipp - what ajar/server.hpp declares.
#pragma once

#include <ajar/server.hpp>

#include <ajar/server/node.hpp>
#include <ajar/server/state.hpp>

#include <memory>
#include <utility>

namespace ajar {

AJAR_DECL server::server(const asio::any_io_executor& executor, identity::key self, server_options how)
    : state_(std::make_shared<detail::server_node>(executor, std::move(self), std::move(how))) {}

AJAR_DECL result<std::unique_ptr<server>> server::open(const asio::any_io_executor& executor, const std::string& folder,
                                                       server_options how) {
  const auto kept = server_state::open(folder);
  if (!kept) return fail(kept.error());
  const auto supplied = server_state::supply(*kept, how);
  if (!supplied) return fail(supplied.error());
  return std::make_unique<server>(executor, (*kept)->self, std::move(how));
}

AJAR_DECL server::~server() { state_->abandon(); }

AJAR_DECL void server::start() { state_->start(); }

AJAR_DECL awaitable<result<sessions::session>> server::accept() { return kept(state_, state_->guests.next()); }

AJAR_DECL awaitable<result<sessions::session>> server::accept(std::string service) {
  return kept(state_, state_->guests.next_for(std::move(service)));
}

AJAR_DECL result<trust::service_right> server::permits(const sessions::session& guest, std::string_view service) const {
  return state_->entering.permits(guest.info().grant, service);
}

AJAR_DECL awaitable<result<>> server::revoke(trust::signed_revocations list) {
  return kept(state_, state_->take_back(std::move(list)));
}

AJAR_DECL void server::also_at(const identity::url& central) { state_->also_at(central); }

AJAR_DECL result<> server::leave(const identity::url& central) { return state_->leave(central); }

AJAR_DECL void server::announce_invites() { state_->announce_invites(); }

AJAR_DECL void server::spawn(awaitable<void> work) { state_->tasks.spawn(std::move(work)); }

AJAR_DECL awaitable<void> server::stop() { return kept(state_, state_->stop()); }

AJAR_DECL void server::set_on_stranger(windows::on_stranger policy) { state_->how.on_stranger(policy); }

AJAR_DECL void server::set_window_address(std::optional<net::address> at) {
  state_->how.window_address_ = std::move(at);
}

AJAR_DECL const exposure& server::exposed() const noexcept { return state_->commanded.exposed().total(); }

AJAR_DECL server_status server::status() const { return state_->status(); }

AJAR_DECL std::size_t server::sessions() const { return state_->guests.all().alive().size(); }

AJAR_DECL bool server::linked() const { return state_->is_linked(); }

}  // namespace ajar

// SPDX-License-Identifier: BSL-1.0
// ajar/impl/central.ipp - what ajar/central.hpp declares.
#pragma once

#include <ajar/central.hpp>

#include <ajar/central/shard.hpp>
#include <ajar/core/run_on.hpp>

#include <asio/dispatch.hpp>
#include <asio/post.hpp>
#include <memory>
#include <utility>

namespace ajar {

AJAR_DECL central::central(const std::vector<asio::any_io_executor>& shards, identity::key self, central_options how)
    : shared_(std::make_shared<detail::central_node>(std::move(self), std::move(how))) {
  for (const auto& executor : shards) {
    const auto number = static_cast<std::uint32_t>(shards_.size());
    shards_.push_back(std::make_shared<detail::central_shard>(executor, number, shared_));
    shared_->routes.add(shards_.back());
  }
}

AJAR_DECL result<> central::open() {
  for (const auto& one : shards_) {
    auto opened = one->open(shared_->how.at_);
    if (!opened) return fail(opened.error());
    one->port = std::move(*opened);
    shared_->how.at_ = one->port->local_endpoint();  // the others share a random port
  }
  for (const auto& one : shards_) {
    if (!shared_->how.reflect_port_) break;
    const net::tcp::endpoint at(shared_->how.at_.address(), *shared_->how.reflect_port_);
    auto opened = one->open(at);
    if (!opened) return fail(opened.error());
    one->second_port = std::move(*opened);
    shared_->how.reflect_port_ = one->second_port->local_endpoint().port();
  }
  return {};
}

AJAR_DECL net::tcp::endpoint central::local_endpoint() const { return shared_->how.at_; }

AJAR_DECL identity::url central::url() const { return {net::endpoint(shared_->how.at_), shared_->key.id()}; }

AJAR_DECL std::optional<std::uint16_t> central::reflect_port() const { return shared_->how.reflect_port_; }

AJAR_DECL void central::start() {
  for (const auto& one : shards_) {
    asio::dispatch(one->on, [one] { one->start(); });
  }
}

// What is posted from a shard's own thread waits until the handler that it is posted from has ended: another thread's
// word may pass it, although it is later. So words have numbers, and a shard heeds none that is older than the last.
AJAR_DECL void central::admit(const switchboard::admission& served) {
  const auto number = ++shared_->words;
  for (const auto& one : shards_) {
    asio::post(one->on, [one, served, number] { one->admit(served, number); });
  }
}

AJAR_DECL void central::limit(const switchboard::accept_limits& limits) {
  const auto number = ++shared_->words;
  for (const auto& one : shards_) {
    asio::post(one->on, [one, limits, number] { one->limit(limits, number); });
  }
}

namespace detail {

using all_shards = std::vector<std::shared_ptr<central_shard>>;

inline awaitable<central_status> status_of(std::shared_ptr<central_node> shared, all_shards all) {
  central_status sum;
  sum.id = shared->key.id();
  sum.shards = all.size();
  sum.uptime = clock::now() - shared->made;
  for (const auto& one : all) {
    auto asking = run_on(one->on, kept(one, one->count()));
    auto counted = co_await std::move(asking);
    sum.add(counted);
  }
  co_return sum;
}

inline awaitable<void> stop(all_shards all) {
  for (const auto& one : all) {
    auto stopping = run_on(one->on, kept(one, one->stop()));
    co_await std::move(stopping);
  }
}

}  // namespace detail

AJAR_DECL awaitable<central_status> central::status() const { return detail::status_of(shared_, shards_); }

AJAR_DECL awaitable<void> central::stop() { return detail::stop(shards_); }

AJAR_DECL central::~central() {
  for (const auto& one : shards_) {
    asio::post(one->on, [one] { one->abandon(); });
  }
}

}  // namespace ajar

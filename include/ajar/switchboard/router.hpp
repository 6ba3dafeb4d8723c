// SPDX-License-Identifier: BSL-1.0
// ajar/switchboard/router.hpp - the only way from one shard of central to another.
#pragma once

#include <ajar/switchboard/directory.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/dispatch.hpp>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace ajar::switchboard {

/// Where an event or a delivery arrives: one a shard, on the shard's executor.
class shard_port {
 public:
  virtual ~shard_port() = default;
  virtual asio::any_io_executor executor() const = 0;
  virtual void handle(const any_event& what) = 0;
  virtual void deliver(const delivery& what) = 0;
};

/// Carries events to the home of their peer and deliveries to the shard of their link, asynchronously and in order.
///
/// Nothing else crosses between shards, so nothing is locked. A peer's home is its id modulo the number of shards.
/// Threads: any, once the shards are in.
class router {
 public:
  /// Before anything is sent. What is sent to a shard that is gone is dropped; its executor is still there.
  void add(const std::shared_ptr<shard_port>& shard) { shards_.push_back({shard->executor(), shard}); }

  void send(any_event what) const {
    const auto& home = shards_[std::hash<identity::peer_id>()(home_of(what)) % shards_.size()];
    asio::dispatch(home.executor, [to = home.port, what = std::move(what)] {
      if (const auto port = to.lock()) port->handle(what);
    });
  }

  void deliver(delivery what) const {
    const auto& at = shards_[what.to.shard];
    asio::dispatch(at.executor, [to = at.port, what = std::move(what)] {
      if (const auto port = to.lock()) port->deliver(what);
    });
  }

  std::size_t size() const noexcept { return shards_.size(); }

 private:
  struct place {
    asio::any_io_executor executor;
    std::weak_ptr<shard_port> port;
  };
  std::vector<place> shards_;
};

}  // namespace ajar::switchboard

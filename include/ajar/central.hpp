// SPDX-License-Identifier: BSL-1.0
// ajar/central.hpp - the central node: brings servers and clients together, and can let nobody in.
#pragma once

#include <ajar/central/shard.hpp>

#include <asio/co_spawn.hpp>
#include <asio/post.hpp>
#include <memory>
#include <utility>
#include <vector>

namespace ajar {

/// The only node that listens permanently. It keeps nothing on disk, and no key of it opens anything.
///
/// One shard an executor; an executor is one thread's io_context. Threads: open(), start() and stop() of one thread.
/// Source: WO 2004/034190, the central node. Example: examples/central/.
class central {
 public:
  /// @param shards  their executors, at least one; links are spread over them by the kernel
  central(const std::vector<asio::any_io_executor>& shards, identity::key self, central_options how)
      : shared_(std::make_shared<detail::central_node>(std::move(self), std::move(how))) {
    for (const auto& executor : shards) {
      const auto number = static_cast<std::uint32_t>(shards_.size());
      shards_.push_back(std::make_shared<detail::central_shard>(executor, number, shared_));
      shared_->routes.add(shards_.back());
    }
  }
  central(const central&) = delete;
  central& operator=(const central&) = delete;
  /// The ports and all links close as soon as the shards' executors run again; these are still there.
  ~central() {
    for (const auto& one : shards_) {
      asio::post(one->on, [one] { one->abandon(); });
    }
  }

  /// Bind and listen. Errors: bind_failed.
  result<> open() {
    for (const auto& one : shards_) {
      auto opened = one->open(one->port, shared_->how.at_, shards_.size() > 1);
      if (!opened) return opened;
      shared_->how.at_ = one->port.local_endpoint();  // the others share a random port
    }
    for (const auto& one : shards_) {
      if (!shared_->how.reflect_port_) break;
      const net::tcp::endpoint at(shared_->how.at_.address(), *shared_->how.reflect_port_);
      auto opened = one->open(one->second_port, at, shards_.size() > 1);
      if (!opened) return opened;
      shared_->how.reflect_port_ = one->second_port.local_endpoint().port();
    }
    return {};
  }

  /// After open(): where, and with which key.
  net::tcp::endpoint local_endpoint() const { return shared_->how.at_; }
  identity::url url() const { return {net::endpoint(shared_->how.at_), shared_->self.id()}; }

  /// The second reflecting port, if there is one.
  std::optional<std::uint16_t> reflect_port() const { return shared_->how.reflect_port_; }

  /// Begin to serve.
  void start() {
    for (const auto& one : shards_) {
      asio::dispatch(one->on, [one] { one->start(); });
    }
  }

  /// Serve the servers of this list from now on. Others are cut off with not_admitted at once, and so are clients that
  /// are left without a grant of one of them.
  /// Threads: any, from open() until stop().
  void admit(const switchboard::admission& served) {
    for (const auto& one : shards_) {
      asio::post(one->on, [one, served] { one->admit(served); });
    }
  }

  /// Other limits from now on; whoever is there stays. Threads: as admit().
  void limit(const switchboard::accept_limits& limits) {
    for (const auto& one : shards_) {
      asio::post(one->on, [one, limits] { one->budget.limit(limits); });
    }
  }

  /// All that it knows of itself now: each shard is asked on its own executor. Before stop().
  [[nodiscard]] awaitable<central_status> status() const {
    const auto shared = shared_;
    const auto all = shards_;
    central_status sum;
    sum.id = shared->self.id();
    sum.shards = all.size();
    sum.uptime = clock::now() - shared->made;
    for (const auto& one : all) {
      auto asking = asio::co_spawn(one->on, detail::central_shard::count(one), use_awaitable);
      auto counted = co_await std::move(asking);
      sum.add(counted);
    }
    co_return sum;
  }

  /// Close the port and every link, and wait for all of it.
  [[nodiscard]] awaitable<void> stop() {
    const auto all = shards_;
    for (const auto& one : all) {
      auto stopping = asio::co_spawn(one->on, detail::central_shard::stop(one), use_awaitable);
      co_await std::move(stopping);
    }
  }

 private:
  std::shared_ptr<detail::central_node> shared_;
  std::vector<std::shared_ptr<detail::central_shard>> shards_;
};

}  // namespace ajar

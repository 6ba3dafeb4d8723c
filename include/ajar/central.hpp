// SPDX-License-Identifier: BSL-1.0
// ajar/central.hpp - the central node: brings servers and clients together, and can let nobody in.
#pragma once

#include <ajar/central/options.hpp>
#include <ajar/central/status.hpp>
#include <ajar/core/awaitable.hpp>
#include <ajar/core/config.hpp>
#include <ajar/identity/key.hpp>
#include <ajar/identity/url.hpp>

#include <memory>
#include <utility>
#include <vector>

namespace ajar {

namespace detail {
struct central_node;
struct central_shard;
}  // namespace detail

/// The only node that listens permanently. It keeps nothing on disk, and no key of it opens anything.
///
/// One shard an executor; an executor is one thread's io_context. Threads: open(), start() and stop() of one thread.
/// Source: WO 2004/034190, the central node. Example: examples/central/.
class central {
 public:
  /// @param shards  their executors, at least one; links are spread over them by the kernel
  central(const std::vector<asio::any_io_executor>& shards, identity::key self, central_options how);
  central(const central&) = delete;
  central& operator=(const central&) = delete;
  /// The ports and all links close as soon as the shards' executors run again; these are still there.
  ~central();

  /// Bind and listen. Errors: bind_failed.
  result<> open();

  /// After open(): where, and with which key.
  net::tcp::endpoint local_endpoint() const;
  identity::url url() const;

  /// The second reflecting port, if there is one.
  std::optional<std::uint16_t> reflect_port() const;

  /// Begin to serve.
  void start();

  /// Serve the servers of this list from now on. Others are cut off with not_admitted at once, and so are clients that
  /// are left without a grant of one of them.
  /// Threads: any, from open() until stop().
  void admit(const switchboard::admission& served);

  /// Other limits from now on; whoever is there stays. Threads: as admit().
  void limit(const switchboard::accept_limits& limits);

  /// All that it knows of itself now: each shard is asked on its own executor. Before stop().
  [[nodiscard]] awaitable<central_status> status() const;

  /// Close the port and every link, and wait for all of it.
  [[nodiscard]] awaitable<void> stop();

 private:
  std::shared_ptr<detail::central_node> shared_;
  std::vector<std::shared_ptr<detail::central_shard>> shards_;
};

}  // namespace ajar

#ifdef AJAR_HEADER_ONLY
#include <ajar/impl/central.ipp>
#endif

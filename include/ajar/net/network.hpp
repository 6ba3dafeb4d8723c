// SPDX-License-Identifier: BSL-1.0
// ajar/net/network.hpp - how a role reaches other hosts and is reached: TCP, or, in tests, hosts in memory.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/config.hpp>
#include <ajar/core/result.hpp>
#include <ajar/net/dial.hpp>
#include <ajar/net/transport.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace ajar::net {

/// A port that is open until it is closed, or gone.
class port {
 public:
  virtual ~port() = default;
  /// The next connection, prepare()d. Errors: canceled (also by close()), what the system says, such as a shortage.
  /// Cancellation: terminal.
  [[nodiscard]] virtual awaitable<result<transport>> accept() = 0;
  virtual tcp::endpoint local_endpoint() const = 0;
  /// Whoever waits for a connection gets none; those that were accepted go on.
  virtual void close() = 0;
  virtual bool is_open() const = 0;
};

/// A port of several, among which the kernel spreads what comes.
enum class sharing {
  none,
  begin,  ///< the first of them: nobody else has the port
  join    ///< one more, where another port of this process has begun
};

/// How to listen, beside where.
struct listen_options {
  int backlog = 4096;          ///< connections that wait to be accepted
  bool both_families = false;  ///< at an IPv6 address: IPv4 too
  sharing shared = sharing::none;
};

/// How a role reaches other hosts, and is reached. Threads: any, one at a time.
///
/// What it dials and accepts is a transport; what is above it does not know the difference.
class network {
 public:
  virtual ~network() = default;
  /// Connect to the first address of a name that answers: net::dial, with its errors. Cancellation: terminal.
  [[nodiscard]] virtual awaitable<result<transport>> dial(endpoint to, time_point until) = 0;
  /// All addresses of a name: net::resolve, with its errors. Cancellation: terminal.
  [[nodiscard]] virtual awaitable<result<std::vector<tcp::endpoint>>> resolve(endpoint name) = 0;
  /// Connect to the first of several addresses that answers: net::dial_first, with its errors. Cancellation: terminal.
  [[nodiscard]] virtual awaitable<result<transport>> dial_first(std::vector<tcp::endpoint> all, time_point until) = 0;
  /// Connect to one address at an instant: net::dial_at, with its errors. Cancellation: terminal.
  [[nodiscard]] virtual awaitable<result<transport>> dial_at(tcp::endpoint to, dial_times when) = 0;
  /// Open a port; 0 takes a random one. Errors: bind_failed, a shortage.
  virtual result<std::shared_ptr<port>> listen(const asio::any_io_executor& on, const tcp::endpoint& at,
                                               listen_options how) = 0;
  /// True where sockets of this machine's own reach the same hosts: windows and reflection go past this class, as
  /// nothing may stand between a window's accept and its close.
  virtual bool has_sockets() const noexcept = 0;
};

/// The TCP of this machine: what every role uses, unless it is told otherwise.
///
/// @param source  the local address to dial from; by default the one that the routes give
std::shared_ptr<network> sockets(std::optional<address> source = std::nullopt);

/// The address from which this machine's routes lead there. Nothing is sent. Nothing: they do not.
std::optional<address> source_towards(const address& there);

/// Told why a connection could not be accepted yet.
using trouble_sink = std::function<void(const std::error_code&)>;

/// Accept until the port is closed. Where the system has no room for a connection (out of descriptors, say), tell, and
/// look again 20 times a second: it waits in the kernel meanwhile. Cancellation: terminal.
[[nodiscard]] awaitable<void> accept_each(std::shared_ptr<port> at, std::function<void(transport)> come,
                                          trouble_sink trouble = {});

}  // namespace ajar::net

#ifdef AJAR_HEADER_ONLY
#include <ajar/net/impl/network.ipp>
#endif

// SPDX-License-Identifier: BSL-1.0
// ajar/control/port.hpp - a running tool answers its own user, without listen().
#pragma once

#include <ajar/control/message.hpp>
#include <ajar/core/awaitable.hpp>
#include <ajar/core/config.hpp>

#include <asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace ajar::control {

/// The running process's end: a datagram socket in its state folder.
///
/// A question comes as one datagram with the descriptor that its answer goes to (control/ask.hpp makes both), so
/// there is neither listen() nor accept(), and no name that another process could take over. The kernel tells who asks:
/// the user of this process and root are answered, everybody else is refused. Threads: one executor.
class port {
 public:
  using plain_answer = std::function<result<std::string>(const request&)>;
  using slow_answer = std::function<awaitable<result<std::string>>(request)>;

  static constexpr std::size_t most_at_once = 64;  ///< answers that take time
  static constexpr std::chrono::minutes longest_answer{5};

  /// Bind in a folder that is its user's alone; what a process that died left behind is replaced.
  ///
  /// @param folder  0700, of this user
  /// @param name    of the socket in it, a single path element
  /// Errors: state_unusable, state_permissions, state_damaged (something else has the name: it stays), already_running,
  /// the system's.
  static result<port> open(const asio::any_io_executor& executor, const std::string& folder,
                           const std::string& name = "control");
  port(port&&) noexcept = default;
  port& operator=(port&&) = delete;
  ~port();

  /// How to answer a verb, at once. Before start().
  void answer_with(const std::string& verb, plain_answer how);
  /// The same, where it takes time. Whoever asks may have given up by then.
  void carry_out(const std::string& verb, slow_answer how);

  /// Begin to answer.
  void start();

  /// Take the socket away; answers under way are dropped.
  void close();
  /// The same, and wait until nothing of it runs.
  [[nodiscard]] awaitable<void> stop();

 private:
  struct state;
  explicit port(std::shared_ptr<state> with);

  std::shared_ptr<state> state_;
};

}  // namespace ajar::control

#ifdef AJAR_HEADER_ONLY
#include <ajar/control/impl/port.ipp>
#endif

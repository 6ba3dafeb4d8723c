// SPDX-License-Identifier: BSL-1.0
// Asks the running process of a tool, from another process of it.
#pragma once

#include <ajar/control/ask.hpp>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <string>
#include <utility>

namespace tools {

namespace detail {

inline ajar::awaitable<void> ask(std::string folder, std::string name, ajar::control::request what,
                                 ajar::result<std::string>& into) {
  auto asking = ajar::control::ask(std::move(folder), std::move(name), std::move(what),
                                   ajar::clock::now() + std::chrono::seconds(5));
  into = co_await std::move(asking);
}

}  // namespace detail

// @param name  of the socket in the state folder
inline ajar::result<std::string> ask_running(const std::string& folder, const std::string& name,
                                             ajar::control::request what) {
  asio::io_context context(1);
  ajar::result<std::string> answer = ajar::fail(ajar::errc::canceled);
  asio::co_spawn(context, detail::ask(folder, name, std::move(what), answer), asio::detached);
  context.run();
  return answer;
}

}  // namespace tools

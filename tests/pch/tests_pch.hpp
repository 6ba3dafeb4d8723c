// SPDX-License-Identifier: BSL-1.0
// What every test compiles: libraries, and the base of core/ that nearly all headers stand on.
#include <ajar/core/awaitable.hpp>
#include <ajar/core/bytes.hpp>
#include <ajar/core/clock.hpp>
#include <ajar/core/deadline.hpp>
#include <ajar/core/error.hpp>
#include <ajar/core/result.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/crypto/sign.hpp>
#include <ajar/testing/manual_clock.hpp>
#include <ajar/testing/run.hpp>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/compose.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/read.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace common {

// Nobody calls these: what they use is instantiated here, once.
inline asio::awaitable<void> wait(asio::io_context& context, ajar::awaitable<ajar::result<>> other) {
  ajar::timer timer(context, ajar::clock::now() + std::chrono::seconds(1));
  co_await timer.async_wait(asio::use_awaitable);
  auto done = co_await std::move(other);
  (void)done;
}
inline void spawn(asio::io_context& context, ajar::awaitable<ajar::result<>> other) {
  asio::co_spawn(context, wait(context, std::move(other)), asio::detached);
  asio::co_spawn(asio::any_io_executor(context.get_executor()), wait(context, {}), asio::detached);
  asio::post(context, [] {});
  context.run();
  context.run_for(std::chrono::milliseconds(1));
  context.poll();
}
template <class T>
void compare(const T& one) {
  CHECK(one == one);
  CHECK(one != one);
}
inline void compare() {
  using namespace std::chrono_literals;
  ajar::bytes octets(1);
  octets.insert(octets.end(), octets.begin(), octets.end());
  octets.push_back(1);
  std::string text(1, 'a');
  const std::vector<std::string> texts{text, text};
  compare(true);
  compare(1);
  compare(1U);
  compare(1UL);
  compare(1L);
  compare(text);
  compare(std::string_view(text));
  compare(std::error_code());
  compare(1s);
  compare(1ms);
  CHECK(text == "a");
  CHECK(1UL == 1);
  CHECK(1U == 1);
  CHECK(std::uint16_t(1) == 1);
  CHECK(std::error_code() == ajar::errc::eof);
  CHECK_FALSE(text.empty());
  CHECK(1UL > 1);
  CHECK(1UL < 1);
  CHECK(1UL <= 1);
  CHECK(octets.size() >= text.size());
  CHECK(texts == texts);
  CHECK(octets == octets);
  CHECK(std::to_string(1) + std::to_string(1UL) + ajar::to_hex(octets) == fmt::format("{}{}", 1, text));
}

}  // namespace common

// SPDX-License-Identifier: BSL-1.0
// What every test compiles and nobody here changes.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/compose.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <functional>
#include <map>
#include <string>
#include <tl/expected.hpp>
#include <vector>

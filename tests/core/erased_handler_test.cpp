// SPDX-License-Identifier: BSL-1.0
#include <ajar/core/erased_handler.hpp>

#include <doctest/doctest.h>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/bind_executor.hpp>
#include <asio/io_context.hpp>
#include <asio/strand.hpp>
#include <optional>
#include <string>

namespace erased_handler_test {

using namespace ajar;
using handler = erased_handler<std::string, int>;

TEST_CASE("a handler is called with what it is given, and may hold what does not copy") {
  asio::io_context context;
  std::string told;
  handler held([&, only = std::make_unique<int>(3)](std::string text,
                                                    int count) { told = text + std::to_string(count + *only); },
               context.get_executor());
  auto moved = std::move(held);
  moved("a", 4);
  CHECK(told == "a7");
}

TEST_CASE("it keeps the executor and the cancellation slot of what it holds, or has the other executor") {
  asio::io_context context;
  const auto strand = asio::make_strand(context);
  asio::cancellation_signal stop;
  const auto nothing = [](std::string, int) {};
  const handler plain(nothing, context.get_executor());
  CHECK(plain.get_executor() == asio::any_io_executor(context.get_executor()));
  CHECK(!plain.get_cancellation_slot().is_connected());
  const handler bound(asio::bind_cancellation_slot(stop.slot(), asio::bind_executor(strand, nothing)),
                      context.get_executor());
  CHECK(bound.get_executor() == asio::any_io_executor(strand));
  CHECK(asio::get_associated_executor(bound) == asio::any_io_executor(strand));
  CHECK((asio::get_associated_cancellation_slot(bound) == stop.slot()));
}

TEST_CASE("what it holds is freed once, whether it is called or dropped") {
  asio::io_context context;
  for (const bool called : {true, false}) {
    const auto alive = std::make_shared<int>(0);
    {
      handler held([alive](std::string, int) { CHECK(alive.use_count() == 2); }, context.get_executor());
      CHECK(alive.use_count() == 2);
      if (called) held("", 0);
    }
    CHECK(alive.use_count() == 1);
  }
}

}  // namespace erased_handler_test

// SPDX-License-Identifier: BSL-1.0
#include <ajar/testing/stream_pair.hpp>

#include <ajar/core/deadline.hpp>
#include <ajar/testing/run.hpp>

#include <doctest/doctest.h>
#include <asio/bind_cancellation_slot.hpp>

namespace stream_pair_test {

using namespace ajar;
using testing::fate;
using testing::make_stream_pair;
using testing::pair_options;

namespace {

std::string read_from(testing::stream& from, std::error_code& error, std::size_t most = 100) {
  std::string text(most, '\0');
  text.resize(from.read_some(asio::buffer(text), error));
  return text;
}

std::size_t write_to(testing::stream& to, std::string_view text, std::error_code& error) {
  return to.write_some(asio::buffer(text), error);
}

struct waited {
  int completions = 0;
  std::error_code error;
};

void wait_on(testing::stream& stream, asio::socket_base::wait_type which, waited& into) {
  stream.async_wait(which, [&into](std::error_code error) {
    ++into.completions;
    into.error = error;
  });
}

constexpr auto for_reading = asio::socket_base::wait_read;
constexpr auto for_writing = asio::socket_base::wait_write;

void poll(asio::io_context& context) {
  context.restart();
  context.poll();
}

}  // namespace

TEST_CASE("what one end writes the other reads, in both directions") {
  asio::io_context context;
  auto [one, other] = make_stream_pair(context.get_executor());
  std::error_code error;
  CHECK(read_from(other, error).empty());
  CHECK(error == asio::error::would_block);
  CHECK(write_to(one, "there", error) == 5);
  CHECK(write_to(other, "back", error) == 4);
  CHECK(read_from(other, error) == "there");
  CHECK(read_from(one, error) == "back");
  CHECK(!error);
}

TEST_CASE("reads and writes are as short as asked for, and a full buffer blocks until it is read") {
  asio::io_context context;
  auto [one, other] = make_stream_pair(context.get_executor(), pair_options().short_reads(2).short_writes(3).buffer(4));
  std::error_code error;
  waited room;
  CHECK(write_to(one, "abcdef", error) == 3);
  CHECK(write_to(one, "def", error) == 1);
  CHECK(write_to(one, "ef", error) == 0);
  CHECK(error == asio::error::would_block);
  wait_on(one, for_writing, room);
  poll(context);
  CHECK(room.completions == 0);
  CHECK(read_from(other, error) == "ab");
  poll(context);
  CHECK(room.completions == 1);
  CHECK(!room.error);
  CHECK(read_from(other, error) == "cd");
}

TEST_CASE("a wait completes when octets come, never inside the call, and each waiter gets its own") {
  asio::io_context context;
  auto [one, other] = make_stream_pair(context.get_executor());
  std::error_code error;
  waited first;
  waited second;
  wait_on(other, for_reading, first);
  wait_on(other, for_writing, second);
  CHECK(second.completions == 0);
  poll(context);
  CHECK(second.completions == 1);
  CHECK(first.completions == 0);
  write_to(one, "x", error);
  CHECK(first.completions == 0);
  poll(context);
  CHECK(first.completions == 1);
  CHECK(!first.error);
}

TEST_CASE("a wait is cancelled alone by its slot, and with all others by cancel, close and a move away") {
  asio::io_context context;
  auto [one, other] = make_stream_pair(context.get_executor());
  asio::cancellation_signal signal;
  waited alone;
  waited beside;
  one.async_wait(for_reading, asio::bind_cancellation_slot(signal.slot(), [&](std::error_code error) {
                   ++alone.completions;
                   alone.error = error;
                 }));
  wait_on(one, for_reading, beside);
  poll(context);
  signal.emit(asio::cancellation_type::terminal);
  poll(context);
  CHECK(alone.completions == 1);
  CHECK(alone.error == asio::error::operation_aborted);
  CHECK(beside.completions == 0);
  std::error_code error;
  one.cancel(error);
  poll(context);
  CHECK(beside.error == asio::error::operation_aborted);
  waited last;
  wait_on(one, for_reading, last);
  poll(context);
  one.close(error);
  poll(context);
  CHECK(last.error == asio::error::operation_aborted);
  waited after;
  wait_on(one, for_reading, after);
  poll(context);
  CHECK(after.error == asio::error::bad_descriptor);
  CHECK(!one.is_open());
}

TEST_CASE("an end that is shut down or closed gives the end of file behind what it sent") {
  asio::io_context context;
  auto [one, other] = make_stream_pair(context.get_executor());
  std::error_code error;
  write_to(one, "last", error);
  one.shutdown(asio::socket_base::shutdown_send, error);
  CHECK(write_to(one, "x", error) == 0);
  CHECK(error == asio::error::broken_pipe);
  CHECK(read_from(other, error) == "last");
  CHECK(read_from(other, error).empty());
  CHECK(error == asio::error::eof);
  CHECK(write_to(other, "still", error) == 5);
  CHECK(read_from(one, error) == "still");
  one.close(error);
  CHECK(write_to(other, "x", error) == 0);
  CHECK(error == asio::error::connection_reset);
}

TEST_CASE("a stream that is destroyed is closed, and one that is moved lives on") {
  asio::io_context context;
  std::error_code error;
  auto [one, other] = make_stream_pair(context.get_executor());
  {
    auto moved = std::move(one);
    write_to(moved, "x", error);
    CHECK(read_from(other, error) == "x");
    CHECK(!one.is_open());
  }
  read_from(other, error);
  CHECK(error == asio::error::eof);
}

TEST_CASE("a reset loses what was on its way") {
  asio::io_context context;
  auto [one, other] = make_stream_pair(context.get_executor());
  std::error_code error;
  write_to(one, "lost", error);
  one.reset();
  CHECK(read_from(other, error).empty());
  CHECK(error == asio::error::connection_reset);
}

TEST_CASE("octets in flight can be seen, changed and swallowed, and the path cut behind them") {
  asio::io_context context;
  auto [one, other] = make_stream_pair(context.get_executor());
  std::error_code error;
  std::string seen;
  one.on_send([&seen](bytes& flight) {
    seen += as_text(flight);
    if (seen.size() > 6) flight.resize(1);
    flight[0] = '#';
    return seen.size() > 6 ? fate::cut : fate::deliver;
  });
  write_to(one, "abc", error);
  write_to(one, "defghi", error);
  CHECK(seen == "abcdefghi");
  CHECK(read_from(other, error) == "#bc#");
  CHECK(read_from(other, error).empty());
  CHECK(error == asio::error::eof);
  read_from(one, error);
  CHECK(error == asio::error::eof);
  write_to(one, "x", error);
  CHECK(error == asio::error::connection_reset);
}

TEST_CASE("an operation that its gate fails breaks the stream, and the other end is reset") {
  asio::io_context context;
  auto [one, other] = make_stream_pair(context.get_executor());
  std::error_code error;
  int asked = 0;
  one.on_operation([&asked] { return ++asked == 2 ? std::make_error_code(std::errc::io_error) : std::error_code(); });
  CHECK(write_to(one, "x", error) == 1);
  CHECK(write_to(one, "y", error) == 0);
  CHECK(error == std::errc::io_error);
  waited broken;
  wait_on(one, for_reading, broken);
  poll(context);
  CHECK(broken.error == std::errc::io_error);
  read_from(other, error);
  CHECK(error == asio::error::connection_reset);
}

TEST_CASE("waits that were never completed go with their context") {
  waited forever;
  {
    asio::io_context context;
    auto [one, other] = make_stream_pair(context.get_executor());
    wait_on(one, for_reading, forever);
  }
  {
    auto context = std::make_unique<asio::io_context>();
    auto [one, other] = make_stream_pair(context->get_executor());
    wait_on(one, for_reading, forever);
    auto moved = std::make_unique<testing::stream>(std::move(one));
    context->poll();
    moved.reset();
    auto last = std::move(other);
  }
  CHECK(forever.completions == 0);
}

}  // namespace stream_pair_test

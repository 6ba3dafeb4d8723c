// SPDX-License-Identifier: BSL-1.0
#include <ajar/net/octets.hpp>

#include <doctest/doctest.h>
#include <ajar/core/deadline.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/testing/run.hpp>
#include <ajar/testing/stream_pair.hpp>
#include <numeric>

namespace octets_test {

using namespace ajar;

namespace {

struct two_ends {
  explicit two_ends(const testing::pair_options& how = {}) {
    auto both = testing::make_stream_pair(context.get_executor(), how);
    here.emplace(std::move(both.first));
    there.emplace(std::move(both.second));
  }
  asio::io_context context;
  std::optional<net::transport> here;
  std::optional<net::transport> there;
};

bytes many(std::size_t count) {
  bytes made(count);
  std::iota(made.begin(), made.end(), std::uint8_t{0});
  return made;
}

awaitable<result<>> cross_over(two_ends& two, bytes_view octets, bytes& into) {
  task_group other(two.context.get_executor());
  auto writing = [](net::transport& to, bytes_view all) -> awaitable<void> {
    auto written = co_await net::write_all(to, all);
    CHECK(written.has_value());
  };
  other.spawn(writing(*two.here, octets));
  auto reading = net::read_all(*two.there, into);
  auto read = co_await std::move(reading);
  co_await other.join();
  co_return read;
}

awaitable<result<>> read_until(net::transport& from, bytes& into, time_point until) {
  auto reading = net::read_all(from, into);
  auto read = co_await before(until, errc::read_timeout, std::move(reading));
  co_return read;
}

}  // namespace

TEST_CASE("all octets are written and read, however few the stream takes and gives at a time") {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{64} * 1024}) {
    two_ends two(
        testing::pair_options().short_reads(piece).short_writes(piece).buffer(std::min<std::size_t>(piece, 16)));
    const auto sent = many(300);
    bytes got(sent.size());
    CHECK(testing::run(two.context, cross_over(two, sent, got)).has_value());
    CHECK(got == sent);
  }
}

TEST_CASE("no octet is asked for where there is room for none") {
  two_ends two;
  bytes none;
  CHECK(testing::run(two.context, net::read_all(*two.there, none)).has_value());
  CHECK(testing::run(two.context, net::write_all(*two.here, none)).has_value());
}

TEST_CASE("what comes behind the last octet stays in the stream") {
  two_ends two;
  std::error_code error;
  const auto sent = many(10);
  REQUIRE(two.here->write_some(asio::buffer(sent), error) == sent.size());
  bytes got(4);
  REQUIRE(testing::run(two.context, net::read_all(*two.there, got)).has_value());
  CHECK(got == many(4));
  bytes rest(6);
  REQUIRE(testing::run(two.context, net::read_all(*two.there, rest)).has_value());
  CHECK(rest.front() == 4);
}

TEST_CASE("an end before the last octet is eof, and who has reset the connection is an error of the transport") {
  two_ends two;
  std::error_code error;
  REQUIRE(two.here->write_some(asio::buffer("abc", 3), error) == 3);
  two.here->shutdown_send();
  bytes got(4);
  CHECK(testing::run(two.context, net::read_all(*two.there, got)).error() == errc::eof);
  two.here->target<testing::stream>()->reset();
  CHECK(testing::run(two.context, net::read_all(*two.there, got)).error() == asio::error::connection_reset);
  CHECK(!testing::run(two.context, net::write_all(*two.there, many(3))).has_value());
}

TEST_CASE("who waits for octets is cancelled by its deadline") {
  two_ends two;
  bytes got(1);
  CHECK(testing::run(two.context, read_until(*two.there, got, clock::now())).error() == errc::read_timeout);
}

}  // namespace octets_test

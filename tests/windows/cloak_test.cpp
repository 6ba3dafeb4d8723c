// SPDX-License-Identifier: BSL-1.0
#include <ajar/windows/cloak.hpp>

#include <doctest/doctest.h>
#include <ajar/testing/run.hpp>
#include <ajar/windows/listener.hpp>

#include <sys/wait.h>
#include <unistd.h>

namespace cloak_test {

using namespace ajar;
using namespace ajar::windows;

namespace {

const auto here = asio::ip::make_address("127.0.0.1");
const auto friendly = asio::ip::make_address("127.0.0.2");
const auto hostile = asio::ip::make_address("127.0.0.3");
const auto here_6 = asio::ip::make_address("::1");

// Somebody who connects. On loopback all that the kernel answers is there when connect() returns.
class caller {
 public:
  caller(asio::io_context& context, const net::address& from, const net::tcp::endpoint& to)
      : socket_(windows::detail::bind_stream(context.get_executor(), {from, 0}).value()) {
    socket_.non_blocking(true);
    (void)::connect(socket_.native_handle(), to.data(), static_cast<socklen_t>(to.size()));
  }
  unsigned state() {
    tcp_info info{};
    socklen_t size = sizeof info;
    (void)::getsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size);
    return info.tcpi_state;
  }
  bool is_unanswered() { return state() == TCP_SYN_SENT; }
  bool is_refused() { return state() == TCP_CLOSE; }
  bool is_connected() { return state() == TCP_ESTABLISHED; }

 private:
  net::tcp_stream socket_;
};

// A window for one source, between strangers. @return what was not as it has to be; 0 is good
int scene(cloak wish, const net::address& at, const expected_source& expected, const net::address& guest,
          const net::address& stranger, cloak& worn) {
  asio::io_context context;
  auto door = listen_once(context.get_executor(), expected, {at, 0}, wish).value();
  const auto to = door.local_endpoint();
  if (!caller(context, stranger, to).is_refused()) return 1;  // before: the host's ordinary answer
  if (!door.open()) return 2;
  caller first(context, stranger, to);
  if (!first.is_unanswered()) return 3;
  const bool reachable = expected.matches(guest);
  caller second(context, guest, to);
  if (reachable != second.is_connected()) return 4;
  caller third(context, stranger, to);
  if (!third.is_unanswered()) return 5;
  const auto until = reachable ? clock::now() + std::chrono::seconds(30) : clock::now();
  auto came = testing::run(context, door.accept(until));
  if (came.has_value() != reachable) return 6;
  if (!caller(context, stranger, to).is_refused()) return 7;  // after
  if (!caller(context, guest, to).is_refused()) return 8;
  worn = door.report().cloak;
  if (door.report().drops < 2) return 9;
  if (door.report().strangers != 0 || door.report().listeners != 1) return 10;
  return 0;
}

int scene_4(cloak wish, cloak& worn) {
  return scene(wish, here, expected_source::of(friendly), friendly, hostile, worn);
}
// ::1 is the only address: once it is the guest, and there is no stranger but one of IPv4
int scene_6(cloak wish, cloak& worn) {
  return scene(wish, here_6, expected_source::of(asio::ip::make_address("2001:db8::1")), here_6, here_6, worn);
}

// As a user who may nothing. @return the scene's result, and what was worn
template <class Scene>
std::pair<int, cloak> as_nobody(Scene play, cloak wish) {
  const auto child = ::fork();
  if (child == 0) {
    constexpr uid_t nobody = 65534;
    cloak worn = cloak::none;
    int failed = 99;
    if (::setresgid(nobody, nobody, nobody) == 0 && ::setresuid(nobody, nobody, nobody) == 0) failed = play(wish, worn);
    ::_exit(failed * 8 + static_cast<int>(worn));
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 98 * 8;
  return {code / 8, static_cast<cloak>(code % 8)};
}

bool is_root() { return ::getuid() == 0; }

}  // namespace

TEST_CASE("behind a decoy the expected one comes in, and nobody else gets an answer") {
  for (const auto play : {scene_4, scene_6}) {
    cloak worn = cloak::none;
    CHECK(play(cloak::decoy, worn) == 0);
    CHECK(worn == cloak::decoy);
  }
}

TEST_CASE("the same for a user who may nothing, and automatic takes what he may") {
  if (!is_root()) {
    MESSAGE("skipped: only root becomes another user");
    return;
  }
  for (const auto play : {scene_4, scene_6}) {
    CHECK(as_nobody(play, cloak::decoy) == std::pair(0, cloak::decoy));
    const auto [failed, worn] = as_nobody(play, cloak::automatic);
    CHECK(failed == 0);
    CHECK((worn == cloak::decoy || worn == cloak::filter));
  }
}

TEST_CASE("with a filter the kernel drops what others send, where that is permitted") {
  if (!is_root()) {
    MESSAGE("skipped: newer kernels permit a filter to CAP_NET_ADMIN alone");
    return;
  }
  for (const auto play : {scene_4, scene_6}) {
    cloak worn = cloak::none;
    CHECK(play(cloak::filter, worn) == 0);
    CHECK(worn == cloak::filter);
    CHECK(play(cloak::automatic, worn) == 0);
    CHECK(worn == cloak::filter);
  }
}

TEST_CASE("the expected one of IPv6 comes in, with each cloak") {
  for (const auto wish : {cloak::none, cloak::compare, cloak::decoy, cloak::automatic}) {
    asio::io_context context;
    auto door = listen_once(context.get_executor(), expected_source::of(here_6), {here_6, 0}, wish).value();
    REQUIRE(door.open().has_value());
    caller guest(context, here_6, door.local_endpoint());
    CHECK(guest.is_connected());
    CHECK(testing::run(context, door.accept(clock::now() + std::chrono::seconds(30))).has_value());
  }
}

TEST_CASE("a prefix is expected whole, whatever its length") {
  for (const unsigned bits : {0U, 1U, 8U, 17U, 31U, 32U}) {
    cloak worn = cloak::none;
    const auto expected = expected_source::prefix(friendly, bits);
    const auto stranger = bits < 32 ? asio::ip::make_address("127.255.255.253") : hostile;
    if (bits > 8) {
      CHECK_MESSAGE(scene(cloak::decoy, here, expected, friendly, stranger, worn) == 0, bits);
      continue;
    }
    asio::io_context context;  // all of loopback is in it
    auto door = listen_once(context.get_executor(), expected, {here, 0}, cloak::decoy).value();
    REQUIRE(door.open().has_value());
    CHECK(caller(context, stranger, door.local_endpoint()).is_connected());
  }
}

TEST_CASE("without a cloak whoever comes first is taken, and by comparing he is reset") {
  asio::io_context context;
  auto bare = listen_once(context.get_executor(), expected_source::of(friendly), {here, 0}, cloak::none).value();
  REQUIRE(bare.open().has_value());
  caller first(context, hostile, bare.local_endpoint());
  CHECK(testing::run(context, bare.accept(clock::now() + std::chrono::seconds(30))).has_value());
  CHECK(bare.report().cloak == cloak::none);
  auto compared = listen_once(context.get_executor(), expected_source::of(friendly), {here, 0}, cloak::compare).value();
  REQUIRE(compared.open().has_value());
  caller second(context, hostile, compared.local_endpoint());
  CHECK(testing::run(context, compared.accept(clock::now() + std::chrono::seconds(30))).error() ==
        errc::window_stranger);
  CHECK(compared.report().cloak == cloak::compare);
  CHECK(compared.report().strangers == 1);
}

TEST_CASE("where anybody is expected there is nothing to hide from") {
  asio::io_context context;
  auto door = listen_once(context.get_executor(), expected_source::anywhere(), {here, 0}).value();
  REQUIRE(door.open().has_value());
  caller any(context, hostile, door.local_endpoint());
  CHECK(testing::run(context, door.accept(clock::now() + std::chrono::seconds(30))).has_value());
  CHECK(door.report().cloak == cloak::none);
}

}  // namespace cloak_test

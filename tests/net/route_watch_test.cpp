// SPDX-License-Identifier: BSL-1.0
#include <ajar/net/route_watch.hpp>

#include <doctest/doctest.h>
#include <ajar/core/deadline.hpp>
#include <ajar/testing/run.hpp>

#include "../lifetimes.hpp"

#include <sched.h>
#include <sys/wait.h>
#include <asio/post.hpp>
#include <cstdlib>
#include <optional>

namespace route_watch_test {

using namespace ajar;
using namespace ajar::net;
using namespace std::chrono_literals;

namespace {

template <class Part>
void append(bytes& to, const Part& part) {
  const auto* from = reinterpret_cast<const std::uint8_t*>(&part);
  to.insert(to.end(), from, from + sizeof part);
}

bytes message(std::uint16_t type, const bytes& body) {
  bytes made;
  nlmsghdr head{};
  head.nlmsg_len = static_cast<std::uint32_t>(sizeof head + body.size());
  head.nlmsg_type = type;
  append(made, head);
  made.insert(made.end(), body.begin(), body.end());
  return made;
}

bytes address(std::uint16_t type, std::uint8_t last, std::uint8_t scope = RT_SCOPE_UNIVERSE) {
  bytes body;
  ifaddrmsg head{};
  head.ifa_family = AF_INET;
  head.ifa_index = 2;
  head.ifa_scope = scope;
  append(body, head);
  rtattr attribute{};
  attribute.rta_len = sizeof attribute + 4;
  attribute.rta_type = IFA_ADDRESS;
  append(body, attribute);
  for (const std::uint8_t octet : {std::uint8_t{192}, std::uint8_t{0}, std::uint8_t{2}, last}) body.push_back(octet);
  return message(type, body);
}

bytes route(std::uint8_t table, unsigned flags = 0) {
  bytes body;
  rtmsg head{};
  head.rtm_table = table;
  head.rtm_flags = flags;
  append(body, head);
  return message(RTM_NEWROUTE, body);
}

bytes device(int index, unsigned flags, std::uint16_t type = RTM_NEWLINK) {
  bytes body;
  ifinfomsg head{};
  head.ifi_index = index;
  head.ifi_flags = flags;
  append(body, head);
  return message(type, body);
}

}  // namespace

TEST_CASE("an address counts when it comes and when it goes, not when it is renewed") {
  route_reader reader;
  CHECK(reader.read(address(RTM_NEWADDR, 1)));
  CHECK(!reader.read(address(RTM_NEWADDR, 1)));
  CHECK(reader.read(address(RTM_NEWADDR, 2)));
  CHECK(reader.read(address(RTM_DELADDR, 1)));
  CHECK(reader.read(address(RTM_NEWADDR, 1)));
  CHECK(!reader.read(address(RTM_NEWADDR, 3, RT_SCOPE_LINK)));
}

TEST_CASE("routes of the main table count, others and single hosts' do not") {
  route_reader reader;
  CHECK(reader.read(route(RT_TABLE_MAIN)));
  CHECK(!reader.read(route(RT_TABLE_LOCAL)));
  CHECK(!reader.read(route(RT_TABLE_MAIN, RTM_F_CLONED)));
}

TEST_CASE("a device counts when it goes up or down, and loopback never") {
  constexpr unsigned up = IFF_UP | IFF_RUNNING;
  route_reader reader;
  CHECK(reader.read(device(2, up)));
  CHECK(!reader.read(device(2, up)));
  CHECK(reader.read(device(2, IFF_UP)));
  CHECK(!reader.read(device(2, 0)));
  CHECK(reader.read(device(2, up)));
  CHECK(reader.read(device(2, up, RTM_DELLINK)));
  CHECK(!reader.read(device(1, up | IFF_LOOPBACK)));
}

TEST_CASE("several messages come in one datagram, and what is cut short is passed over") {
  auto both = route(RT_TABLE_LOCAL);
  const auto second = address(RTM_NEWADDR, 1);
  both.insert(both.end(), second.begin(), second.end());
  CHECK(route_reader().read(both));
  for (std::size_t n = 0; n < both.size(); ++n) {
    route_reader reader;
    (void)reader.read(bytes_view(both).first(n));  // nothing is read beyond its end
  }
  for (std::size_t i = 0; i < both.size(); ++i) {
    auto changed = both;
    changed[i] ^= 0xff;
    route_reader reader;
    (void)reader.read(changed);
  }
}

namespace {

awaitable<void> expect_change(bool& told) {
  auto executor = co_await asio::this_coro::executor;
  auto watch = route_watch::open(executor);
  if (!watch) co_return;
  if (std::system("ip link set lo up && ip addr add 192.0.2.1/32 dev lo") != 0) co_return;  // scope global
  auto waiting = watch->changed();
  auto changed = co_await before(clock::now() + 30s, errc::read_timeout, std::move(waiting));
  told = changed.has_value();
}

// In a network namespace of its own. @return whether the change was told
bool lives() {
  const auto child = ::fork();
  if (child == 0) {
    if (::unshare(CLONE_NEWNET) != 0) ::_exit(1);
    asio::io_context context;
    bool told = false;
    testing::run(context, expect_change(told));
    ::_exit(told ? 0 : 2);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

awaitable<void> expect_nothing(std::error_code& why) {
  auto executor = co_await asio::this_coro::executor;
  auto watch = route_watch::open(executor);
  REQUIRE(watch.has_value());
  auto waiting = watch->changed();
  auto changed = co_await before(clock::now() + 20ms, errc::read_timeout, std::move(waiting));
  if (!changed) why = changed.error();
}

// A watch that goes while it waits; in a namespace of its own an address comes meanwhile.
struct watch_going {
  explicit watch_going(bool changes)
      : watch(route_watch::open(context.get_executor()).value()), one(time, context, wait(*this, changes), drop()) {}
  watch_going(const watch_going&) = delete;
  watch_going& operator=(const watch_going&) = delete;
  ~watch_going() { CHECK(is_as_expected()); }

  bool is_as_expected() const {
    if (gone_before_end) return why == errc::canceled;
    return !why || why == errc::read_timeout;
  }
  std::function<void()> drop() {
    return [this] {
      gone_before_end = !ended;
      watch.reset();
    };
  }
  static awaitable<void> wait(watch_going& of, bool changes) {
    if (changes) asio::post(of.context, [] { (void)std::system("ip addr add 192.0.2.1/32 dev lo"); });
    if (of.watch) {
      auto waiting = of.watch->changed();
      auto changed = co_await before(clock::now() + 1s, errc::read_timeout, std::move(waiting));
      if (!changed) of.why = changed.error();
    }
    if (!of.watch && !of.why) of.why = errc::canceled;
    of.ended = true;
  }

  testing::manual_clock time;
  asio::io_context context;
  std::optional<route_watch> watch;
  bool ended = false;
  bool gone_before_end = false;
  std::error_code why;
  lifetimes::trial one;
};

// In a network namespace of its own. @return whether each run ended as it should
bool goes_while_a_change_settles() {
  const auto child = ::fork();
  if (child == 0) {
    bool good = false;
    try {
      if (::unshare(CLONE_NEWNET) != 0 || std::system("ip link set lo up") != 0) ::_exit(1);
      std::size_t handlers = 0;
      {
        watch_going whole(true);
        handlers = lifetimes::drop_after(1000, whole.one);
        good = whole.ended && !whole.why && handlers > 4;
      }
      for (std::size_t n = 0; n < handlers; ++n) {
        if (std::system("ip addr flush dev lo") != 0) good = false;
        watch_going part(true);
        lifetimes::drop_after(n, part.one);
        good = good && part.is_as_expected();
      }
    } catch (...) {
      good = false;
    }
    ::_exit(good ? 0 : 2);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

TEST_CASE("a watch may go at every suspension of what waits for it, which then is canceled") {
  CHECK(lifetimes::drop_at_each([] { return std::make_unique<watch_going>(false); }) > 3);
  if (::getuid() != 0 || std::system("command -v ip >/dev/null") != 0) {
    MESSAGE("the half with a change is skipped: it takes root and iproute2");
    return;
  }
  CHECK(goes_while_a_change_settles());
}

TEST_CASE("a watch that was moved from answers with an error; to assign to one ends the old one") {
  asio::io_context context;
  auto watch = route_watch::open(context.get_executor()).value();
  auto taken = std::move(watch);
  CHECK(testing::run(context, watch.changed()).error() == errc::moved_from);
  auto waiting = taken.changed();
  taken = std::move(watch);
  CHECK(testing::run(context, std::move(waiting)).error() == errc::canceled);
}

TEST_CASE("the kernel tells of a new address") {
  if (::getuid() != 0 || std::system("command -v ip >/dev/null") != 0) {
    MESSAGE("skipped: it takes root and iproute2");
    return;
  }
  CHECK(lives());
}

TEST_CASE("where nothing changes nothing is told") {
  asio::io_context context;
  std::error_code why;
  testing::run(context, expect_nothing(why));
  CHECK(why == errc::read_timeout);
}

}  // namespace route_watch_test

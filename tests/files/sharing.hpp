// SPDX-License-Identifier: BSL-1.0
// A server that shares a folder, and sessions with it, all in memory: each may be cut after so many octets.
#pragma once

#include <ajar/core/task_group.hpp>
#include <ajar/files/host.hpp>
#include <ajar/files/walk.hpp>
#include <ajar/testing/manual_clock.hpp>
#include <ajar/testing/stream_pair.hpp>

#include "../temporary_folder.hpp"
#include "../tls/secured_pair.hpp"

#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sharing {

// Lets everybody read everything that there is, but what is refused; and remembers what it was asked.
struct everybody final : ajar::files::host_policy {
  ajar::result<> may_read(const ajar::trust::grant_id&, std::string_view share) override {
    ++asked;
    if (share == refused) return ajar::fail(ajar::errc::service_not_granted);
    return {};
  }
  ajar::result<ajar::trust::signed_grant> current(const ajar::trust::grant_id&) override {
    if (grant) return *grant;
    return ajar::fail(ajar::errc::grant_unknown);
  }
  ajar::result<ajar::trust::signed_notice> moved(const ajar::sessions::session_info&) override {
    if (notice) return *notice;
    return ajar::fail(ajar::errc::file_not_found);
  }
  ajar::result<ajar::trust::signed_grant> succeed(const ajar::sessions::session_info& info,
                                                  const ajar::trust::signed_succession& said) override {
    if (!on_succession) return host_policy::succeed(info, said);
    return on_succession(said);
  }
  ajar::result<ajar::files::carried_over> gone_over(const ajar::sessions::session_info& info) override {
    if (!carried) return host_policy::gone_over(info);
    return *carried;
  }
  void came(const ajar::sessions::session_info&) override { ++seen; }
  void left(const ajar::sessions::session_info&) override { ++seen; }
  std::optional<ajar::files::page> answer(const ajar::sessions::session_info&,
                                          const ajar::streams::request& what) override {
    if (what.path() != "/.own") return std::nullopt;
    return ajar::files::page{200, what.method() + "\n"};
  }

  int asked = 0;
  int seen = 0;
  std::string refused;
  std::optional<ajar::trust::signed_grant> grant;
  std::optional<ajar::trust::signed_notice> notice;
  std::optional<ajar::files::carried_over> carried;
  std::function<ajar::result<ajar::trust::signed_grant>(const ajar::trust::signed_succession&)> on_succession;
};

inline constexpr std::size_t all_of_it = std::numeric_limits<std::size_t>::max();

struct home {
  home() : files(context.get_executor()), hosts(context.get_executor()) {
    files.share("files", ajar::files::shared_folder::open(on.path).value());
  }
  ~home() {
    hosts.cancel();
    settle();
  }

  // @param most  octets that the server sends, then the connection is cut, or at_most is called instead
  // @param of    what the server says of it
  ajar::awaitable<ajar::result<ajar::files::shared_streams>> connect(
      std::size_t most = all_of_it, ajar::sessions::session_info of = ajar::sessions::session_info()) {
    auto raw = ajar::testing::make_stream_pair(context.get_executor());
    raw.second.on_send([this, most, sent = std::size_t{0}](ajar::bytes& flight) mutable {
      sent += flight.size();
      if (sent > most && at_most) at_most();
      return sent > most && !at_most ? ajar::testing::fate::cut : ajar::testing::fate::deliver;
    });
    auto shaking = secured::pair(who, ajar::tls::alpn::session, std::move(raw));
    auto both = co_await std::move(shaking);
    if (!both) co_return ajar::fail(both.error());
    of.peer = who.client.id();
    ajar::sessions::session guest(std::move((*both)->server), of);
    hosts.spawn(ajar::files::host(std::move(guest), files, policy));
    ajar::sessions::session_info about;
    about.peer = who.server.id();
    ajar::sessions::session own(std::move((*both)->client), about);
    co_return std::make_shared<ajar::streams::multiplexer>(std::move(own), ajar::streams::http_role::client);
  }

  template <class T>
  T run(ajar::awaitable<T> operation) {
    return time.run(context, std::move(operation));
  }
  ajar::files::shared_streams connected(std::size_t most = all_of_it) { return run(connect(most)).value(); }
  void settle() { time.settle(context); }

  temporary_folder on;  // what is shared
  ajar::testing::manual_clock time;
  asio::io_context context;
  secured::people who;
  ajar::files::file_service files;
  everybody policy;
  ajar::task_group hosts;
  std::function<void()> at_most;
};

}  // namespace sharing

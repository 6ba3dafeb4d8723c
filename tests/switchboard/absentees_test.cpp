// SPDX-License-Identifier: BSL-1.0
#include <ajar/switchboard/absentees.hpp>

#include <doctest/doctest.h>

#include "house.hpp"

namespace absentees_test {

using namespace switching;

TEST_CASE("what is revoked is kept for a month without its server, or until it would have ended") {
  with_one_and_two([](std::size_t shards) {
    house all(shards);
    for (const auto life : {std::chrono::hours(48), std::chrono::hours(24 * 365)}) {
      const auto link = all.up(peer(10), role::server);
      all.revoke(link, peer(10), 1, {{id(7), all.today + life}});
      all.take<signalling::revocations_result>(link);
      CHECK(all.kept() == 0);
      all.detach(link, peer(10), role::server);
      CHECK(all.kept() == 1);
      const auto kept_for = std::min<clock::duration>(life, absentees::longest_kept);
      all.pass(kept_for - 1s);
      CHECK(all.servers() == 1);
      all.pass(1h + 1s);
      CHECK(all.servers() == 0);
      CHECK(all.kept() == 0);
      CHECK(all.timers() == 0);
    }
  });
}

TEST_CASE("a server that is back is not one that is away") {
  with_one_and_two([](std::size_t shards) {
    house all(shards);
    auto link = all.up(peer(10), role::server, 1);
    all.revoke(link, peer(10), 1, {{id(7), all.today + std::chrono::hours(24 * 365)}});
    all.take<signalling::revocations_result>(link);
    for (std::uint64_t login = 2; login < 4; ++login) {
      all.detach(link, peer(10), role::server);
      all.pass(absentees::longest_kept - 1h);
      CHECK(all.kept() == 1);
      link = all.up(peer(10), role::server, login);
      CHECK(all.kept() == 0);
      CHECK(all.timers() == 0);
    }
    const auto client = all.up(peer(21), role::client);
    all.present(client, peer(10), peer(21), 7);
    CHECK(all.take<signalling::grant_result>(client).code == code_of(errc::grant_revoked));
  });
}

TEST_CASE("servers that leave revocations behind push out those that have been away for longest") {
  constexpr std::uint32_t each = trust::revocations::most_entries;
  constexpr auto fit = static_cast<std::uint32_t>(absentees::most_kept / each);
  house all(1);
  std::vector<trust::revocations::entry> list;
  for (std::uint32_t i = 0; i < each; ++i) list.push_back({id(i), all.today + std::chrono::hours(24 * 365)});
  const auto leave_behind = [&](std::uint32_t number) {
    const auto link = all.up(peer(number), role::server);
    all.revoke(link, peer(number), 1, list);
    all.take<signalling::revocations_result>(link);
    all.detach(link, peer(number), role::server);
  };
  for (std::uint32_t i = 0; i < fit + 5; ++i) leave_behind(i);
  CHECK(all.kept() == fit * each);
  CHECK(all.servers() == fit);
  const auto client = all.up(peer(9'999), role::client);
  all.granted(client, peer(4), peer(9'999), 7);  // forgotten: the server still refuses it
  all.present(client, peer(5), peer(9'999), 7);
  CHECK(all.take<signalling::grant_result>(client).code == code_of(errc::grant_revoked));
}

}  // namespace absentees_test

// SPDX-License-Identifier: BSL-1.0
#include <ajar/switchboard/roster_log.hpp>

#include <ajar/signalling/roster.hpp>

#include <doctest/doctest.h>
#include <array>
#include <random>
#include <set>

#include "../seeds.hpp"
#include "house.hpp"

namespace roster_log_test {

using namespace switching;

TEST_CASE("a roster is a snapshot at first, the difference afterwards, and nothing where nothing changed") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    const auto other = all.up(peer(2), role::client);
    all.granted(other, all.server, peer(2), 2);
    all.prove(all.at_client, all.server, all.client, 5);
    all.ask_roster(all.at_server, all.server, {}, 60s);
    all.take<signalling::presence>(all.at_client);
    all.take<signalling::presence>(other);
    const auto whole = all.take<signalling::roster_update>(all.at_server);
    CHECK(whole.snapshot);
    CHECK(!whole.more);
    REQUIRE(whole.entries.size() == 1);  // the other one has no door
    CHECK(whole.entries[0].client == all.client);
    CHECK(whole.entries[0].present);
    CHECK(whole.entries[0].grant == id(1));
    CHECK(whole.entries[0].record == bytes(3, 5));
    CHECK(whole.version.epoch != 0);

    all.ask_roster(all.at_server, all.server, whole.version, 60s);
    const auto same = all.take<signalling::roster_update>(all.at_server);
    CHECK(!same.snapshot);
    CHECK(same.entries.empty());
    CHECK(same.version == whole.version);

    all.prove(other, all.server, peer(2), 6);
    all.prove(other, all.server, peer(2), 7);
    CHECK(all.quiet());  // it asks at intervals, so nothing is pushed
    all.ask_roster(all.at_server, all.server, whole.version, 60s);
    const auto difference = all.take<signalling::roster_update>(all.at_server);
    CHECK(!difference.snapshot);
    CHECK(difference.version.epoch == whole.version.epoch);
    CHECK(difference.version.number == whole.version.number + 2);
    REQUIRE(difference.entries.size() == 1);
    CHECK(difference.entries[0].client == peer(2));
    CHECK(difference.entries[0].record == bytes(3, 7));

    all.leave(all.at_client, all.server, all.client);
    all.ask_roster(all.at_server, all.server, difference.version, 60s);
    const auto gone = all.take<signalling::roster_update>(all.at_server);
    REQUIRE(gone.entries.size() == 1);
    CHECK(gone.entries[0].client == all.client);
    CHECK(!gone.entries[0].present);
    CHECK(gone.entries[0].record.empty());
    CHECK(all.quiet());
  });
}

TEST_CASE("a roster survives the server's link, and what changed meanwhile is the difference") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.ask_roster(all.at_server, all.server, {});
    const auto whole = all.take<signalling::roster_update>(all.at_server);
    all.detach(all.at_server, all.server, role::server);
    all.take<signalling::presence>(all.at_client);
    all.prove(all.at_client, all.server, all.client, 5);
    const auto second = all.up(all.server, role::server, 2);
    all.take<signalling::presence>(all.at_client);
    all.ask_roster(second, all.server, whole.version);
    const auto difference = all.take<signalling::roster_update>(second);
    CHECK(!difference.snapshot);
    CHECK(difference.entries.size() == 1);
    CHECK(all.quiet());
  });
}

TEST_CASE("a version that is too old, of the future or of another epoch gets a snapshot") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.ask_roster(all.at_server, all.server, {}, 60s);
    all.take<signalling::presence>(all.at_client);
    const auto first = all.take<signalling::roster_update>(all.at_server).version;
    for (std::size_t i = 0; i < roster_log::most; ++i) {
      all.prove(all.at_client, all.server, all.client, static_cast<std::uint8_t>(i));
    }
    const auto ask = [&](signalling::roster_version since) {
      all.ask_roster(all.at_server, all.server, since, 60s);
      const auto update = all.take<signalling::roster_update>(all.at_server);
      CHECK(update.entries.size() == 1);
      return update.snapshot;
    };
    CHECK(!ask(first));
    all.prove(all.at_client, all.server, all.client, 1);
    CHECK(ask(first));
    CHECK(!ask({first.epoch, first.number + 1}));
    CHECK(ask({first.epoch, first.number + roster_log::most + 2}));
    CHECK(ask({first.epoch + 2, first.number + 1}));
    CHECK(ask({}));
  });
}

TEST_CASE("a server that was forgotten has a roster of another epoch") {
  with_one_and_two([](std::size_t shards) {
    house all(shards);
    auto link = all.up(peer(10), role::server);
    all.ask_roster(link, peer(10), {});
    const auto first = all.take<signalling::roster_update>(link).version;
    all.detach(link, peer(10), role::server);
    CHECK(all.servers() == 0);
    link = all.up(peer(10), role::server);
    all.ask_roster(link, peer(10), first);
    const auto again = all.take<signalling::roster_update>(link);
    CHECK(again.snapshot);
    CHECK(again.version.epoch != first.epoch);
  });
}

TEST_CASE("a long roster comes in parts, each within a frame, and the parts make the whole") {
  with_one_and_two([](std::size_t shards) {
    constexpr auto most = roster_log::part;
    static_assert(most <= signalling::roster_update::most_entries);
    house all(shards);
    const auto server = peer(10);
    const auto at_server = all.up(server, role::server);
    for (std::uint32_t i = 0; i < 2 * most + 1; ++i) {
      const auto link = all.up(peer(1000 + i), role::client);
      all.granted(link, server, peer(1000 + i), i);
      all.prove(link, server, peer(1000 + i), 5);
    }
    const auto check_parts = [&](const signalling::roster_version& since, bool snapshot) {
      all.ask_roster(at_server, server, since);
      std::set<peer_id> clients;
      std::optional<signalling::roster_version> version;
      for (const std::size_t size : {most, most, std::size_t{1}}) {
        const auto part = all.take<signalling::roster_update>(at_server);
        CHECK(part.snapshot == snapshot);
        CHECK(part.more == (size == most));
        CHECK(part.entries.size() == size);
        CHECK(part.version == version.value_or(part.version));
        CHECK(signalling::to_frame(part).size() < 65'535);
        version = part.version;
        for (const auto& one : part.entries) clients.insert(one.client);
      }
      CHECK(clients.size() == 2 * most + 1);
      CHECK(all.quiet());
      return *version;
    };
    const auto version = check_parts({}, true);
    CHECK(check_parts({version.epoch, 0}, false) == version);
  });
}

TEST_CASE("a roster of exactly one part has no second one") {
  with_one_and_two([](std::size_t shards) {
    house all(shards);
    const auto at_server = all.up(peer(10), role::server);
    for (std::uint32_t i = 0; i < roster_log::part; ++i) {
      const auto link = all.up(peer(1000 + i), role::client);
      all.granted(link, peer(10), peer(1000 + i), i);
      all.prove(link, peer(10), peer(1000 + i), 5);
    }
    all.ask_roster(at_server, peer(10), {});
    const auto whole = all.take<signalling::roster_update>(at_server);
    CHECK(!whole.more);
    CHECK(whole.entries.size() == roster_log::part);
    CHECK(all.quiet());
  });
}

namespace {

// A server whose link drains when it is told to, and clients with a door. What it makes of what it is told.
struct large : house {
  explicit large(std::size_t shards, std::uint32_t clients) : house(shards) {
    links_drain = false;
    at_server = up(server, role::server);
    for (std::uint32_t i = 0; i < clients; ++i) come(i);
  }
  peer_id client(std::uint32_t number) const { return peer(number << 24 | 0x10000 | number >> 8); }  // in this order
  void come(std::uint32_t number) {
    const auto link = up(client(number), role::client, ++logins_so_far);
    granted(link, server, client(number), number);
    prove(link, server, client(number), 1);
    at[number] = link;
  }
  void go(std::uint32_t number) {
    leave(at.at(number), server, client(number));
    at.erase(number);
  }
  // @return whether there was a part
  bool take_part() {
    if (!told.contains(at_server)) return false;
    last = take<signalling::roster_update>(at_server);
    CHECK(!told.contains(at_server));  // one at a time
    CHECK(last.entries.size() <= roster_log::part);
    if (last.snapshot && !filling) known.clear();
    filling = last.snapshot && last.more;
    for (const auto& one : last.entries) {
      known.erase(one.client);
      if (one.present) known[one.client] = one.record;
    }
    ++parts;
    drain(at_server);
    return true;
  }
  bool is_told_all() const {
    return known.size() == at.size() &&
           std::ranges::all_of(at, [&](const auto& one) { return known.contains(client(one.first)); });
  }

  const peer_id server = peer(10);
  link_ref at_server;
  std::map<std::uint32_t, link_ref> at;
  std::map<peer_id, bytes> known;
  signalling::roster_update last;
  bool filling = false;
  std::size_t parts = 0;
  std::uint64_t logins_so_far = 0;
};

}  // namespace

TEST_CASE("of a roster nothing more is told until the part before has left, however much changes") {
  with_one_and_two([](std::size_t shards) {
    constexpr std::uint32_t many = 5 * roster_log::part;
    large all(shards, many);
    all.ask_roster(all.at_server, all.server, {});
    CHECK(all.told.at(all.at_server).size() == 1);
    for (int i = 0; i < 100; ++i) all.prove(all.at.at(7), all.server, all.client(7), static_cast<std::uint8_t>(i));
    CHECK(all.told.at(all.at_server).size() == 1);
    while (all.take_part()) continue;
    CHECK(all.parts == 5 + 1);  // and the one who was told before he changed
    CHECK(all.is_told_all());
    CHECK(all.known.at(all.client(7)) == bytes(3, 99));
    for (std::uint32_t i = 0; i < many; ++i) all.prove(all.at.at(i), all.server, all.client(i), 200);
    CHECK(all.told.at(all.at_server).size() == 1);
    CHECK(all.take_part());
    CHECK(!all.last.snapshot);
    CHECK(all.last.entries.size() == 1);  // there was room for it
    while (all.take_part()) CHECK(!all.last.snapshot);
    CHECK(all.parts == 5 + 1 + 1 + 5);
    for (const auto& [client, record] : all.known) CHECK(record == bytes(3, 200));
    all.links_drain = true;
    all.drain({7, 7});
    all.drain(all.at.at(1));
    CHECK(all.quiet());
  });
}

TEST_CASE("who comes, changes or goes while a snapshot is under way is told right in the end") {
  with_one_and_two([](std::size_t shards) {
    large all(shards, 10 * roster_log::part);
    all.ask_roster(all.at_server, all.server, {});
    for (int i = 0; i < 5; ++i) CHECK(all.take_part());
    const auto begun = all.last.version;
    constexpr std::uint32_t early = 3;
    constexpr std::uint32_t late = 9 * roster_log::part;
    all.go(early);
    all.go(late);
    all.go(early + 1);
    all.come(early + 1);
    all.prove(all.at.at(early + 2), all.server, all.client(early + 2), 77);
    all.prove(all.at.at(late + 2), all.server, all.client(late + 2), 78);
    all.come(10 * roster_log::part);
    while (all.take_part()) {
      CHECK((all.last.version == begun || !all.last.snapshot));
      CHECK((all.last.more || all.is_told_all()));
    }
    CHECK(!all.last.more);
    CHECK(all.is_told_all());
    CHECK(all.known.at(all.client(early + 2)) == bytes(3, 77));
    CHECK(all.known.at(all.client(late + 2)) == bytes(3, 78));
    // and of that version: there is no difference to it
    const auto version = all.last.version;
    CHECK(version.number == begun.number + 7);
    all.ask_roster(all.at_server, all.server, version);
    CHECK(all.take_part());
    CHECK(!all.last.snapshot);
    CHECK(all.last.entries.empty());
    CHECK(all.last.version == version);
  });
}

TEST_CASE("a server that asks again, or comes again, in the midst of a snapshot gets one from its beginning") {
  with_one_and_two([](std::size_t shards) {
    constexpr std::uint32_t many = 4 * roster_log::part;
    large all(shards, many);
    all.ask_roster(all.at_server, all.server, {});
    CHECK(all.take_part());
    CHECK(all.take_part());
    all.ask_roster(all.at_server, all.server, {});
    CHECK(all.told.at(all.at_server).size() == 1);  // a part is still on its way
    const auto left = all.take<signalling::roster_update>(all.at_server);
    CHECK(left.snapshot);
    all.known.clear();
    all.filling = false;
    all.parts = 0;
    all.drain(all.at_server);
    while (all.take_part()) continue;
    CHECK(all.parts == 4);
    CHECK(all.is_told_all());

    all.ask_roster(all.at_server, all.server, {});
    CHECK(all.take_part());
    const auto before = all.at_server;
    all.at_server = all.up(all.server, role::server, 2);
    all.told.clear();
    all.drain(before);  // an old link's room is nobody's
    CHECK(!all.told.contains(all.at_server));
    all.filling = false;
    all.parts = 0;
    all.ask_roster(all.at_server, all.server, {});
    while (all.take_part()) continue;
    CHECK(all.parts == 4);
    CHECK(all.is_told_all());
  });
}

TEST_CASE("clients without a door make no part of a roster long to find") {
  house all(1);
  all.links_drain = false;
  const auto at_server = all.up(peer(10), role::server);
  for (std::uint32_t i = 0; i < 3 * roster_log::most_walked; ++i) {
    all.present(all.new_link(), peer(10), peer(1000 + i), i);
  }
  all.told.clear();
  all.ask_roster(at_server, peer(10), {});
  for (int part = 0; part < 3; ++part) {
    const auto some = all.take<signalling::roster_update>(at_server);
    CHECK(some.entries.empty());
    CHECK(some.more == (part < 2));
    all.drain(at_server);
  }
  CHECK(all.quiet());
}

TEST_CASE("over a standing link each change is pushed, until the server asks at intervals") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.prove(all.at_client, all.server, all.client, 4);
    CHECK(all.quiet());  // it has not asked yet
    all.ask_roster(all.at_server, all.server, {});
    const auto whole = all.take<signalling::roster_update>(all.at_server);
    all.prove(all.at_client, all.server, all.client, 5);
    const auto pushed = all.take<signalling::roster_update>(all.at_server);
    CHECK(!pushed.snapshot);
    CHECK(!pushed.more);
    CHECK(pushed.version.number == whole.version.number + 1);
    CHECK(pushed.entries.at(0).record == bytes(3, 5));
    all.leave(all.at_client, all.server, all.client);
    const auto gone = all.take<signalling::roster_update>(all.at_server);
    REQUIRE(gone.entries.size() == 1);
    CHECK(gone.entries[0].client == all.client);
    CHECK(!gone.entries[0].present);

    all.ask_roster(all.at_server, all.server, gone.version, 60s);
    all.take<signalling::roster_update>(all.at_server);
    const auto again = all.up(all.client, role::client, 2);
    all.granted(again, all.server, all.client, 1);
    all.prove(again, all.server, all.client, 6);
    CHECK(all.quiet());
  });
}

TEST_CASE("only clients with a grant for the outbound method are on the roster") {
  with_one_and_two([](std::size_t shards) {
    house all(shards);
    const auto server = peer(10);
    const auto at_server = all.up(server, role::server);
    const auto link = all.up(peer(1), role::client);
    all.granted(link, server, peer(1), 1, window);
    all.prove(link, server, peer(1), 5);
    all.ask_roster(at_server, server, {});
    CHECK(all.take<signalling::roster_update>(at_server).entries.empty());
    all.granted(link, server, peer(1), 2, outbound);
    const auto now_there = all.take<signalling::roster_update>(at_server);
    REQUIRE(now_there.entries.size() == 1);
    CHECK(now_there.entries[0].present);
    CHECK(now_there.entries[0].grant == id(2));
    all.granted(link, server, peer(1), 2, window);  // the same grant cannot say other things, but let it
    CHECK(!all.take<signalling::roster_update>(at_server).entries.at(0).present);
    CHECK(all.quiet());
  });
}

TEST_CASE("a door counts only for servers that the client has presented a grant of, over its own link") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.ask_roster(all.at_server, all.server, {});
    all.take<signalling::roster_update>(all.at_server);
    all.prove(all.at_client, peer(11), all.client, 5);
    all.prove(all.at_client, all.server, peer(3), 5);
    all.prove(all.new_link(), all.server, all.client, 5);
    CHECK(all.quiet());
  });
}

TEST_CASE("nobody but the server's own link gets its roster") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.ask_roster(all.at_client, all.server, {});
    all.ask_roster(all.at_server, peer(11), {});
    CHECK(all.quiet());
    const auto second = all.up(all.server, role::server, 2);
    all.take<signalling::goodbye>(all.at_server);
    all.take<signalling::presence>(all.at_client);
    all.ask_roster(all.at_server, all.server, {});
    CHECK(all.quiet());
    all.prove(all.at_client, all.server, all.client, 5);
    CHECK(all.quiet());  // the new link has not asked
    all.ask_roster(second, all.server, {});
    all.take<signalling::roster_update>(second);
  });
}

namespace {

// Clients that come, prove a door, change and go, with keys of their own; and what servers have of their roster.
struct comings_and_goings {
  explicit comings_and_goings(unsigned seed) : dice(seed) {
    for (std::uint32_t i = 0; i < 2 * roster_log::part; ++i) {
      const auto key = identity::key::generate();
      someone made{key.id(), {i % 2, i + 1}, {}};
      for (std::uint16_t door = 0; door < 2; ++door) {
        trust::address_record where;
        where.at = {asio::ip::make_address("192.0.2.1"), static_cast<std::uint16_t>(4433 + door)};
        where.not_after = today + 24h * 365;
        made.records.push_back(trust::signed_address::sign(where, key).octets());
      }
      all.push_back(std::move(made));
    }
  }

  std::uint32_t below(std::uint32_t bound) { return std::uniform_int_distribution<std::uint32_t>(0, bound - 1)(dice); }

  void change() {
    const auto which = below(static_cast<std::uint32_t>(all.size()));
    const auto& one = all[which];
    switch (below(8)) {
      case 0:
        if (clients.leave(one.id, one.link, on).value_or(false)) log.changed(one.id);
        break;
      case 1:
        pass(std::chrono::seconds(below(20)));
        break;
      case 2:
      case 3:
      case 4: {
        const auto life = below(3) == 0 ? std::chrono::seconds(below(60)) : 24h;
        const event::granted what{
            one.link, server, one.id, id(3 * which + below(3)), static_cast<trust::method>(1 + below(3)), today + life};
        if (clients.present(what, now, today, on).roster_changed) log.changed(one.id);
        break;
      }
      default:
        if (clients.prove(one.id, one.link, one.records[below(2)])) log.changed(one.id);
    }
    on.out.clear();
  }
  void pass(std::chrono::seconds time) {
    now += time;
    today += time;
    for (const auto& one : all) {
      if (clients.judge(server, one.id, now, today, on)) log.changed(one.id);
    }
  }

  // A server asks, over a new link, and takes so many parts; others of the world go on in between.
  void tell(signalling::roster& to, std::uint32_t most_parts, bool meanwhile) {
    log.forget_link();
    log.ask(to.version(), false);
    for (std::uint32_t parts = 0; parts < most_parts; ++parts) {
      auto part = log.next(clients, today);
      if (!part) return;
      differences += part->snapshot ? 0 : 1;
      to.apply(*part);
      CHECK(!log.next(clients, today));  // it has not left yet
      if (meanwhile && below(2) == 0) change();
      log.drained();
    }
  }

  bool same(const signalling::roster& left, const signalling::roster& right) const {
    return left.version() == right.version() && left.size() == right.size() &&
           std::ranges::all_of(all, [&](const someone& one) {
             const auto* a = left.find(one.id);
             const auto* b = right.find(one.id);
             if (!a || !b) return a == b;
             return a->grant == b->grant && a->record.octets() == b->record.octets();
           });
  }

  struct someone {
    peer_id id;
    link_ref link;
    std::vector<bytes> records;
  };
  std::mt19937 dice;
  const peer_id server = peer(10);
  std::vector<someone> all;
  clientele clients;
  roster_log log{7};
  desk on;
  time_point now{1000h};
  wall_time today{1'700'000'000s};
  int differences = 0;
};

}  // namespace

TEST_CASE("the difference to whatever a server has, applied to it, is the roster that it would get whole") {
  for (const unsigned seed : seeds({1, 2, 3})) {
    CAPTURE(seed);
    comings_and_goings world(seed);
    std::array<signalling::roster, 3> known;
    for (int visit = 0; visit < 60; ++visit) {
      for (auto changes = world.below(visit % 10 == 0 ? 200 : 20); changes > 0; --changes) world.change();
      auto& one = known[world.below(3)];
      if (world.below(4) == 0) world.tell(one, world.below(3), true);  // its link breaks
      world.tell(one, 100, true);
      world.tell(one, 100, false);
      signalling::roster whole;
      world.tell(whole, 100, false);
      REQUIRE(world.same(one, whole));
    }
    CHECK(world.differences > 60);  // that was no comparison of snapshots
  }
}

}  // namespace roster_log_test

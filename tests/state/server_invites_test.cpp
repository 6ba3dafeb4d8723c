// SPDX-License-Identifier: BSL-1.0
#include <ajar/state/server_invites.hpp>

#include <doctest/doctest.h>

#include "../temporary_folder.hpp"

#include <atomic>
#include <set>
#include <thread>
#include <vector>

namespace server_invites_test {

using namespace ajar;
using namespace ajar::trust;
using namespace ajar::state;
using namespace std::chrono_literals;

namespace {

const net::endpoint place("central.example", 7000);

// A central's state folder, and the list of whom it serves.
struct office {
  invite give(const std::string& name, std::chrono::seconds expires = 1h) const {
    auto made = server_invites(state, self).add(name, place, wall_now() + expires);
    REQUIRE_MESSAGE(made, made.error().message());
    return std::move(*made);
  }
  // Others like one that is there, until there are as many as may be. (give() looks at all that are there.)
  void fill_up() const {
    auto one = server_invite::parse(as_text(*state.read(state.list(".invite").value().front()).value())).value();
    for (auto i = state.list(".invite").value().size(); i < server_invites::most; ++i) {
      one.petname = "server" + std::to_string(i);
      one.keys.id = crypto::random_octets<16>();
      REQUIRE(state.write(to_hex(one.keys.id) + ".invite", as_bytes(one.to_text())));
    }
  }
  // What central says, as the server understands it.
  result<redeemed> redeem(const invite& with, const identity::key& server) {
    const redeemer asking(with, server);
    const auto answered =
        server_invites(state, self).redeem(asking.id(), asking.octets(), [this](const server_invite& one, bool first) {
          return admit(one, first);
        });
    if (!answered) return fail(answered.error());
    auto heard = asking.open(answered->sealed);
    if (heard) CHECK(heard->refused == answered->refused);
    return heard;
  }
  std::error_code refusal(const invite& with, const identity::key& server) {
    const auto got = redeem(with, server);
    return got ? got->refused : got.error();
  }
  result<bool> admit(const server_invite& one, bool first) {
    if (full) return fail(std::make_error_code(std::errc::no_space_on_device));
    if (first) list.insert(*one.claimant);
    return list.contains(*one.claimant);
  }

  temporary_folder at;
  state::folder state = [this] {
    ::chmod(at.path.c_str(), 0700);
    return state::folder::open(at.path).value();
  }();
  identity::key self = identity::key::generate();
  std::set<identity::peer_id> list;
  bool full = false;
};

}  // namespace

TEST_CASE("an invite puts the first server that has it on the list, and nobody else") {
  office all;
  const auto with = all.give("attic");
  CHECK(invites_server(with));
  CHECK(with.central.at == place);
  CHECK(with.central.id == all.self.id());
  const auto first = identity::key::generate();
  const auto second = identity::key::generate();
  const auto got = all.redeem(with, first);
  REQUIRE(got);
  CHECK(!got->refused);
  CHECK(!got->given);
  CHECK(all.list == std::set{first.id()});
  CHECK(!all.refusal(with, first));  // again
  const auto late = all.redeem(with, second);
  REQUIRE(late);
  CHECK(late->refused == errc::invite_used);
  CHECK(late->claimant == first.id());
  CHECK(all.list == std::set{first.id()});
}

TEST_CASE("the use is on disk before the list changes, and the list has it before anything is answered") {
  office all;
  const auto with = all.give("attic");
  const auto first = identity::key::generate();
  all.full = true;
  CHECK(all.refusal(with, first) == std::errc::no_space_on_device);
  all.full = false;
  CHECK(all.refusal(with, identity::key::generate()) == errc::invite_used);  // it is the first one's
  CHECK(all.list.empty());
  CHECK(!all.refusal(with, first));
  CHECK(all.list == std::set{first.id()});
}

TEST_CASE("where the use cannot be written nobody is put on the list") {
  if (::geteuid() == 0) return;  // root writes anywhere
  office all;
  const auto with = all.give("attic");
  ::chmod(all.at.path.c_str(), 0500);
  CHECK(all.refusal(with, identity::key::generate()));
  ::chmod(all.at.path.c_str(), 0700);
  CHECK(all.list.empty());
}

TEST_CASE("who was taken off the list does not come back by its old invite") {
  office all;
  const auto with = all.give("attic");
  const auto server = identity::key::generate();
  REQUIRE(!all.refusal(with, server));
  all.list.clear();
  CHECK(all.refusal(with, server) == errc::not_admitted);
  CHECK(all.list.empty());
}

TEST_CASE("an ended invite is told as such, and forgotten a day later") {
  office all;
  const auto server = identity::key::generate();
  const auto ended = all.give("attic", -1s);
  CHECK(all.refusal(ended, server) == errc::invite_expired);
  const auto old = all.give("cellar", -server_invites::remembered - 1s);
  CHECK(server_invites(all.state, all.self).list().value().size() == 1);
  CHECK(all.refusal(old, server) == errc::invite_expired);
  CHECK(all.list.empty());
}

TEST_CASE("an invite is withdrawn as long as no server has it") {
  office all;
  const auto open = all.give("attic");
  const auto used = all.give("cellar");
  const auto server = identity::key::generate();
  REQUIRE(!all.refusal(used, server));
  const server_invites invites(all.state, all.self);
  CHECK(invites.withdraw("cellar").error() == errc::no_such_client);
  CHECK(invites.withdraw("nobody").error() == errc::no_such_client);
  REQUIRE(invites.withdraw("attic"));
  CHECK(all.refusal(open, server) == errc::invite_unknown);
}

TEST_CASE("a name is one open invite's, and there are at most 256") {
  office all;
  const server_invites invites(all.state, all.self);
  const auto add = [&](const std::string& name) {
    const auto made = invites.add(name, place, wall_now() + 1h);
    return made ? std::error_code() : made.error();
  };
  const auto with = all.give("attic");
  CHECK(add("attic") == errc::petname_taken);
  CHECK(add("../attic") == errc::grant_malformed);
  REQUIRE(!all.refusal(with, identity::key::generate()));
  CHECK(!add("attic"));  // the one before is used
  all.fill_up();
  CHECK(add("late") == errc::limit_reached);
}

TEST_CASE("who does not know the secret, or sends anything else, changes nothing") {
  office all;
  const auto with = all.give("attic");
  const auto keys = invite_keys::of(with.token, with.server);
  const auto server = identity::key::generate();
  const auto why = [&](const invite_id& which, const bytes& octets) {
    return server_invites(all.state, all.self)
        .redeem(which, octets, [&](const server_invite& one, bool first) { return all.admit(one, first); })
        .error();
  };
  const redeemer asking(with, server);
  CHECK(why(crypto::random_octets<16>(), asking.octets()) == errc::invite_unknown);
  for (std::size_t bit = 0; bit < asking.octets().size() * 8; bit += 7) {
    auto changed = asking.octets();
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1U << (bit % 8)));
    CHECK(why(keys.id, changed) == errc::signature_invalid);
  }
  CHECK(why(keys.id, {}) == errc::signature_invalid);
  CHECK(why(keys.id, bytes(longest_redemption + 1)) == errc::message_malformed);
  const auto foreign = signed_redemption::sign({keys.id, server.id(), {}}, server).octets();
  CHECK(why(keys.id, seal(foreign, keys.to_server)) == errc::message_malformed);
  CHECK(!server_invites(all.state, all.self).list().value()[0].claimant);
  CHECK(all.list.empty());
}

TEST_CASE("a damaged file is told, wherever it is damaged") {
  office all;
  const auto with = all.give("attic");
  const auto name = to_hex(invite_keys::of(with.token, with.server).id) + ".invite";
  const auto good = *all.state.read(name).value();
  const auto server = identity::key::generate();
  for (std::size_t at = 0; at < good.size(); at += 3) {
    auto changed = good;
    changed[at] = static_cast<std::uint8_t>(changed[at] ^ 1);
    REQUIRE(all.state.write(name, changed));
    const auto why = all.refusal(with, server);
    CHECK_MESSAGE((why == errc::state_damaged || why == errc::unknown_version), at);
  }
  REQUIRE(all.state.write(name, good));
  CHECK(!all.refusal(with, server));
}

TEST_CASE("of servers that race for one invite, by threads of their own, exactly one is put on the list") {
  office all;
  const auto with = all.give("attic");
  constexpr int racers = 8;
  std::atomic<int> ready = 0;
  std::atomic<int> won = 0;
  std::atomic<int> told = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < racers; ++i) {
    threads.emplace_back([&] {
      const auto server = identity::key::generate();
      for (++ready; ready < racers;) std::this_thread::yield();
      const auto why = all.refusal(with, server);
      if (!why) ++won;
      if (why == errc::invite_used) ++told;
    });
  }
  for (auto& one : threads) one.join();
  CHECK(won == 1);
  CHECK(told == racers - 1);
  CHECK(all.list.size() == 1);
}

}  // namespace server_invites_test

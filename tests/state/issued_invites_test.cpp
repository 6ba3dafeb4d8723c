// SPDX-License-Identifier: BSL-1.0
#include <ajar/state/issued_invites.hpp>

#include <doctest/doctest.h>

#include "../temporary_folder.hpp"

#include <atomic>
#include <set>
#include <thread>
#include <vector>

namespace issued_invites_test {

using namespace ajar;
using namespace ajar::trust;
using namespace ajar::state;
using namespace std::chrono_literals;

namespace {

const identity::url central{net::endpoint("central.example", 8443), identity::peer_id()};

// A server's state folder: each call of stores() is another process.
struct kept_invites {
  struct stores {
    issued_grants grants;
    issued_invites invites;
  };
  stores open() const { return {{state, self.id()}, {state, self}}; }

  invite give(const std::string& name, std::chrono::seconds expires = 1h, bool confirm = false) const {
    issued_invite what;
    what.petname = name;
    what.server_name = "home";
    what.terms.methods = trust::method::outbound | trust::method::window;
    what.terms.sessions = 4;
    what.terms.services = {{"docs", true, false}};
    what.life = 24h;
    what.confirm = confirm;
    what.not_after = wall_now() + expires;
    const auto all = open();
    auto made = all.invites.add(std::move(what), central, all.grants);
    REQUIRE_MESSAGE(made, made.error().message());
    return std::move(*made);
  }
  // What the server says, as the client understands it.
  result<redeemed> redeem(const invite& with, const identity::key& client) const {
    auto all = open();
    const redeemer asking(with, client);
    const auto answered = all.invites.redeem(asking.id(), asking.octets(), all.grants);
    if (!answered) return fail(answered.error());
    return asking.open(*answered);
  }
  std::error_code refusal(const invite& with, const identity::key& client) const {
    const auto got = redeem(with, client);
    return got ? got->refused : got.error();
  }
  static std::string file_of(const invite_id& id) { return to_hex(id) + ".invite"; }
  static std::string file_of(const invite& with) { return file_of(invite_keys::of(with.token, with.server).id); }
  // Others like this one, but for their end, until there are as many as may be. (give() looks at all that are there.)
  void fill_up(const invite& like, wall_time until) const {
    auto one = issued_invite::parse(as_text(*state.read(file_of(like)).value())).value();
    one.not_after = until;
    for (auto i = state.list(".invite").value().size(); i < issued_invites::most; ++i) {
      one.petname = "client" + std::to_string(i);
      one.keys.id = crypto::random_octets<16>();
      REQUIRE(state.write(file_of(one.keys.id), as_bytes(one.to_text())));
    }
  }
  // The invite ends, as if time had gone by.
  void end(const invite& with, std::chrono::seconds ago) const {
    const auto name = file_of(with);
    auto text = std::string(as_text(*state.read(name).value()));
    const auto until = text.find("until ") + 6;
    text.replace(until, text.find('\n', until) - until, std::to_string((wall_now() - ago).time_since_epoch().count()));
    text.resize(text.rfind("sum "));
    text += trust::detail::sum_line(text);
    REQUIRE(state.write(name, as_bytes(text)));
  }

  temporary_folder at;
  state::folder state = [this] {
    ::chmod(at.path.c_str(), 0700);
    return state::folder::open(at.path).value();
  }();
  identity::key self = identity::key::generate();
};

}  // namespace

TEST_CASE("an invite becomes a grant on its terms, for the key that redeems it, under the name that was chosen") {
  const kept_invites home;
  const auto with = home.give("laptop");
  CHECK(with.server == home.self.id());
  CHECK(with.central == central);
  const auto client = identity::key::generate();
  const auto got = home.redeem(with, client);
  REQUIRE(got);
  REQUIRE(got->given);
  const auto& body = got->given->grant.body();
  CHECK(body.client == client.id());
  CHECK(body.methods == (trust::method::outbound | trust::method::window));
  CHECK(body.sessions == 4);
  CHECK(body.services == std::vector<service_right>{{"docs", true, false}});
  CHECK(body.not_after > wall_now() + 23h);
  CHECK(body.not_after <= wall_now() + 24h);
  CHECK(body.not_before <= wall_now());
  auto all = home.open();
  CHECK(all.grants.find(body.id)->octets() == got->given->grant.octets());
  CHECK(all.grants.named("laptop").value()[0].grant.body().client == client.id());
}

TEST_CASE("the same key gets the same grant again, another is told who was first") {
  const kept_invites home;
  const auto with = home.give("laptop");
  const auto first = identity::key::generate();
  const auto second = identity::key::generate();
  const auto got = home.redeem(with, first);
  REQUIRE(got);
  const auto again = home.redeem(with, first);
  REQUIRE(again);
  CHECK(again->given->grant.octets() == got->given->grant.octets());
  const auto late = home.redeem(with, second);
  REQUIRE(late);
  CHECK(late->refused == errc::invite_used);
  CHECK(late->claimant == first.id());
  CHECK(home.open().grants.list().value().size() == 1);
}

TEST_CASE("the use is on disk before anything is answered; what was cut short is finished by the next attempt") {
  const kept_invites home;
  const auto with = home.give("laptop");
  const auto first = identity::key::generate();
  REQUIRE(home.redeem(with, first));
  const auto all = home.open().grants.list().value();
  std::filesystem::remove(home.at.path + "/" + to_hex(all[0].grant.body().id) + ".issued");  // the grant was not kept
  CHECK(home.refusal(with, identity::key::generate()) == errc::invite_used);
  const auto again = home.redeem(with, first);
  REQUIRE(again);
  CHECK(again->given->grant.body().id == all[0].grant.body().id);
}

TEST_CASE("where the use cannot be written nobody gets a grant") {
  if (::geteuid() == 0) return;  // root writes anywhere
  const kept_invites home;
  const auto with = home.give("laptop");
  ::chmod(home.at.path.c_str(), 0500);
  CHECK(home.refusal(with, identity::key::generate()));
  ::chmod(home.at.path.c_str(), 0700);
  CHECK(home.open().grants.list().value().empty());
}

TEST_CASE("an invite ends for who comes first after that, not for who had it before") {
  const kept_invites home;
  const auto unused = home.give("laptop");
  home.end(unused, 1s);
  CHECK(home.refusal(unused, identity::key::generate()) == errc::invite_expired);
  const auto used = home.give("desktop");
  const auto client = identity::key::generate();
  REQUIRE(home.redeem(used, client)->given);
  home.end(used, 1s);
  CHECK(!home.refusal(used, client));
  CHECK(home.refusal(used, identity::key::generate()) == errc::invite_used);
}

TEST_CASE("invites are listed by name, whatever their files are called") {
  const kept_invites home;
  std::vector<std::string> names;
  for (const char* one : {"mill", "attic", "shed", "cellar", "tower", "barn", "loft", "garden"}) {
    names.emplace_back(one);
    (void)home.give(one);
  }
  std::ranges::sort(names);
  std::vector<std::string> listed;
  const auto all = home.open().invites.list().value();
  for (const auto& one : all) listed.push_back(one.petname);
  CHECK(listed == names);
}

TEST_CASE("invites that have long ended are forgotten, but not one that waits to be approved") {
  const kept_invites home;
  const auto old = home.give("laptop");
  const auto waiting = home.give("desktop", 1h, true);
  const auto client = identity::key::generate();
  CHECK(home.refusal(waiting, client) == errc::invite_pending);
  home.end(old, issued_invites::remembered + 1s);
  home.end(waiting, issued_invites::remembered + 1s);
  auto all = home.open();
  REQUIRE(all.invites.list().value().size() == 1);
  CHECK(all.invites.ids().value() == std::vector<invite_id>{invite_keys::of(waiting.token, waiting.server).id});
  CHECK(home.refusal(old, client) == errc::invite_expired);
  REQUIRE(all.invites.approve("desktop", all.grants));
  CHECK(all.invites.list().value().size() == 1);  // its client has still to come
  CHECK(!home.refusal(waiting, client));
}

TEST_CASE("an invite that a wrong clock calls long ended is good again by the right one") {
  const kept_invites home;
  const auto with = home.give("laptop");
  home.end(with, issued_invites::remembered + 1h);
  CHECK(home.open().invites.list().value().empty());
  home.give("desktop");
  home.end(with, -1h);
  CHECK(home.open().invites.list().value().size() == 2);
  CHECK(!home.refusal(with, identity::key::generate()));
}

TEST_CASE("by a clock that was set back nobody has an invite, and by the right one it is as good as before") {
  const kept_invites home;
  const auto with = home.give("laptop");
  const auto client = identity::key::generate();
  const auto name = to_hex(invite_keys::of(with.token, with.server).id) + ".invite";
  REQUIRE(home.state.set_time(name, wall_now() + 6min));
  CHECK(home.refusal(with, client) == errc::clock_set_back);
  REQUIRE(home.state.set_time(name, wall_now() + 4min));  // clocks differ by so much
  CHECK(!home.refusal(with, client));
  REQUIRE(home.state.set_time(name, wall_now() + 6min));
  CHECK(!home.refusal(with, client));  // it has been used, and its key is told the same
}

TEST_CASE("with --confirm the owner decides about the key that came first") {
  const kept_invites home;
  const auto with = home.give("laptop", 1h, true);
  const auto first = identity::key::generate();
  auto all = home.open();
  CHECK(all.invites.approve("laptop", all.grants).error() == errc::no_such_client);  // nobody came yet
  CHECK(home.refusal(with, first) == errc::invite_pending);
  CHECK(home.refusal(with, first) == errc::invite_pending);
  CHECK(home.refusal(with, identity::key::generate()) == errc::invite_used);
  CHECK(all.grants.list().value().empty());
  CHECK(all.invites.list().value()[0].pending());
  const auto approved = all.invites.approve(to_string(first.id()), all.grants);
  REQUIRE(approved);
  CHECK((*approved)[0].petname == "laptop");
  CHECK(all.invites.approve("laptop", all.grants).error() == errc::no_such_client);
  const auto got = home.redeem(with, first);
  REQUIRE(got);
  CHECK(got->given->grant.octets() == all.grants.list().value()[0].grant.octets());
  CHECK(home.refusal(with, identity::key::generate()) == errc::invite_used);
}

TEST_CASE("an invite is taken back as long as nobody has a grant by it") {
  const kept_invites home;
  const auto open = home.give("laptop");
  const auto waiting = home.give("desktop", 1h, true);
  const auto used = home.give("phone");
  const auto client = identity::key::generate();
  CHECK(home.refusal(waiting, client) == errc::invite_pending);
  REQUIRE(home.redeem(used, client)->given);
  auto all = home.open();
  CHECK(all.invites.withdraw("laptop").value().size() == 1);
  CHECK(all.invites.withdraw("desktop").value().size() == 1);
  CHECK(all.invites.withdraw("phone").error() == errc::no_such_client);
  CHECK(home.refusal(open, client) == errc::invite_unknown);
  CHECK(home.refusal(waiting, client) == errc::invite_unknown);
  CHECK(!home.refusal(used, client));
}

TEST_CASE("a grant that was taken back does not come back by its invite") {
  const kept_invites home;
  const auto with = home.give("laptop");
  const auto client = identity::key::generate();
  const auto id = home.redeem(with, client)->given->grant.body().id;
  REQUIRE(home.open().grants.revoke({id}, home.self));
  CHECK(home.refusal(with, client) == errc::grant_revoked);
  CHECK(home.open().grants.list().value().empty());
}

TEST_CASE("a name is one client's, or one open invite's") {
  const kept_invites home;
  const auto add = [&home](const std::string& name) {
    issued_invite what;
    what.petname = name;
    what.server_name = "home";
    what.terms.methods = trust::method::outbound | trust::method::window;
    what.not_after = wall_now() + 1h;
    const auto all = home.open();
    const auto made = all.invites.add(std::move(what), central, all.grants);
    return made ? std::error_code() : made.error();
  };
  const auto with = home.give("laptop");
  CHECK(add("laptop") == errc::petname_taken);
  REQUIRE(home.redeem(with, identity::key::generate()));
  CHECK(add("laptop") == errc::petname_taken);
  CHECK(add("../laptop") == errc::grant_malformed);
  CHECK(!add("desktop"));
}

TEST_CASE("where the name was given away meanwhile, the client gets its short id") {
  const kept_invites home;
  const auto with = home.give("laptop");
  const auto other = home.give("other");
  const auto owner = identity::key::generate();
  auto taken = home.redeem(other, owner)->given->grant;
  REQUIRE(home.open().grants.keep({"laptop", true, taken}));
  const auto client = identity::key::generate();
  REQUIRE(home.redeem(with, client)->given);
  CHECK(home.open().grants.named(short_name(client.id())).value().size() == 1);
}

TEST_CASE("there are at most 256 invites at a time") {
  const kept_invites home;
  home.fill_up(home.give("laptop"), wall_now() + 1h);
  issued_invite what;
  what.petname = "late";
  what.server_name = "home";
  what.terms.methods = trust::method::outbound | trust::method::window;
  const auto all = home.open();
  CHECK(all.invites.add(std::move(what), central, all.grants).error() == errc::limit_reached);
  CHECK(all.invites.ids().value().size() == issued_invites::most);
}

TEST_CASE("the name of an invite that has long ended is free, and of one that has just ended is not") {
  const kept_invites home;
  const auto old = home.give("laptop");
  const auto again = [&home] {
    issued_invite what;
    what.petname = "laptop";
    what.server_name = "home";
    const auto all = home.open();
    const auto made = all.invites.add(std::move(what), central, all.grants);
    return made ? std::error_code() : made.error();
  };
  home.end(old, 1s);
  CHECK(again() == errc::petname_taken);
  home.end(old, issued_invites::remembered + 1s);
  CHECK(!again());
}

TEST_CASE("invites that have long ended make room for others") {
  const kept_invites home;
  const auto old = home.give("old");
  home.end(old, issued_invites::remembered + 1s);
  home.fill_up(home.give("laptop"), wall_now() - issued_invites::remembered - 1s);
  CHECK(home.state.list(".invite").value().size() == issued_invites::most);
  home.give("late");
  CHECK(home.state.list(".invite").value().size() == 2);
  CHECK(home.open().invites.list().value().size() == 2);
  CHECK(home.refusal(old, identity::key::generate()) == errc::invite_unknown);
}

TEST_CASE("who does not know the secret, or sends anything else, changes nothing") {
  const kept_invites home;
  const auto with = home.give("laptop");
  const auto keys = invite_keys::of(with.token, with.server);
  const auto client = identity::key::generate();
  auto all = home.open();
  const auto why = [&](const invite_id& which, const bytes& octets) {
    return all.invites.redeem(which, octets, all.grants).error();
  };
  const auto sealed = [&](const redemption& what) {
    return seal(signed_redemption::sign(what, client).octets(), keys.to_server);
  };
  const redeemer asking(with, client);
  CHECK(why(crypto::random_octets<16>(), asking.octets()) == errc::invite_unknown);
  for (std::size_t bit = 0; bit < asking.octets().size() * 8; bit += 7) {
    auto changed = asking.octets();
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1U << (bit % 8)));
    CHECK(why(keys.id, changed) == errc::signature_invalid);
  }
  for (std::size_t count = 0; count < asking.octets().size(); ++count) {
    CHECK(why(keys.id, bytes(asking.octets().begin(), asking.octets().begin() + static_cast<std::ptrdiff_t>(count))) ==
          errc::signature_invalid);
  }
  CHECK(why(keys.id, bytes(longest_redemption + 1)) == errc::message_malformed);
  CHECK(why(keys.id, sealed({crypto::random_octets<16>(), home.self.id(), {}})) == errc::message_malformed);
  CHECK(why(keys.id, sealed({keys.id, client.id(), {}})) == errc::message_malformed);
  CHECK(why(keys.id, seal(as_bytes("hello"), keys.to_server)) == errc::message_malformed);
  auto forged = signed_redemption::sign({keys.id, home.self.id(), {}}, client).octets();
  forged[5] ^= 1;  // another's key
  CHECK(why(keys.id, seal(forged, keys.to_server)) == errc::signature_invalid);
  CHECK(!all.invites.list().value()[0].claimant);
  CHECK(all.grants.list().value().empty());
}

TEST_CASE("a damaged file is told, wherever it is damaged, and nobody gets in by it") {
  const kept_invites home;
  const auto with = home.give("laptop");
  const auto name = to_hex(invite_keys::of(with.token, with.server).id) + ".invite";
  const auto good = *home.state.read(name).value();
  const auto client = identity::key::generate();
  const auto told = [](const std::error_code& why) {
    return why == errc::state_damaged || why == errc::unknown_version;
  };
  for (std::size_t at = 0; at < good.size(); at += 3) {
    auto changed = good;
    changed[at] = static_cast<std::uint8_t>(changed[at] ^ 1);
    REQUIRE(home.state.write(name, changed));
    CHECK_MESSAGE(told(home.refusal(with, client)), at);
    REQUIRE(home.state.write(name, bytes_view(good).first(at)));
    CHECK_MESSAGE(told(home.refusal(with, client)), at);
  }
  // whole, and another invite's
  REQUIRE(home.state.write(to_hex(crypto::random_octets<16>()) + ".invite", good));
  REQUIRE(home.state.write(name, good));
  CHECK(home.open().invites.list().error() == errc::state_damaged);
  CHECK(!home.refusal(with, client));
}

TEST_CASE("of several invites that give one name at the same moment one is given out") {
  const kept_invites at;
  std::atomic<int> ready = 0;
  std::atomic<int> given = 0;
  std::vector<std::thread> all;
  for (int i = 0; i < 4; ++i) {
    all.emplace_back([&] {
      const auto state = folder::open(at.at.path).value();
      const issued_grants grants(state, at.self.id());
      const issued_invites invites(state, at.self);
      issued_invite what;
      what.petname = "laptop";
      what.server_name = "home";
      what.life = 24h;
      what.not_after = wall_now() + 1h;
      for (++ready; ready < 4;) std::this_thread::yield();
      if (invites.add(std::move(what), central, grants)) ++given;
    });
  }
  for (auto& each : all) each.join();
  CHECK(given == 1);
}

}  // namespace issued_invites_test

// SPDX-License-Identifier: BSL-1.0
#include <ajar/signalling/roster.hpp>

#include <doctest/doctest.h>

namespace roster_test {

using namespace ajar;
using namespace ajar::signalling;

namespace {

struct client {
  identity::key key = identity::key::generate();

  const identity::peer_id& id() const { return key.id(); }
  roster_entry at(const char* address, std::uint8_t grant = 1) const {
    trust::address_record where;
    where.at = {asio::ip::make_address(address), 4433};
    where.not_after = wall_time(std::chrono::seconds(2'000'000'000));
    trust::grant_id by{};
    by.fill(grant);
    return {id(), true, by, trust::signed_address::sign(where, key).octets()};
  }
  roster_entry gone() const { return {id(), false, {}, {}}; }
};

roster_update snapshot(std::uint64_t number, std::vector<roster_entry> entries, bool more = false) {
  roster_update made;
  made.snapshot = true;
  made.more = more;
  made.version = {7, number};
  made.entries = std::move(entries);
  return made;
}

roster_update difference(std::uint64_t number, std::vector<roster_entry> entries, bool more = false) {
  auto made = snapshot(number, std::move(entries), more);
  made.snapshot = false;
  return made;
}

std::string address_of(const roster& of, const client& whom) {
  const auto* found = of.find(whom.id());
  return found ? found->record.body().at.address().to_string() : "none";
}

roster::changes apply(roster& to, const roster_update& update) { return to.apply(update); }

}  // namespace

TEST_CASE("a roster begins empty, of no version") {
  const roster empty;
  CHECK(empty.size() == 0);
  CHECK(empty.version() == roster_version{});
  CHECK(empty.find(client().id()) == nullptr);
}

TEST_CASE("a snapshot replaces everything") {
  const client a, b, c;
  roster one;
  CHECK((apply(one, snapshot(3, {a.at("192.0.2.1"), b.at("192.0.2.2", 9)})) == roster::changes{a.id(), b.id()}));
  CHECK(one.version() == roster_version{7, 3});
  CHECK(address_of(one, a) == "192.0.2.1");
  CHECK(one.find(b.id())->grant[0] == 9);
  CHECK((apply(one, snapshot(8, {c.at("192.0.2.3")})) == roster::changes{a.id(), b.id(), c.id()}));
  CHECK(one.size() == 1);
  CHECK(address_of(one, a) == "none");
  CHECK(one.version() == roster_version{7, 8});
  CHECK((apply(one, snapshot(9, {})) == roster::changes{c.id()}));
  CHECK(one.size() == 0);
}

TEST_CASE("a difference changes whom it names, and nobody else") {
  const client a, b, c;
  roster one;
  apply(one, snapshot(1, {a.at("192.0.2.1"), b.at("192.0.2.2")}));
  CHECK((apply(one, difference(4, {a.gone(), c.at("2001:db8::3")})) == roster::changes{a.id(), c.id()}));
  CHECK(one.version() == roster_version{7, 4});
  CHECK(address_of(one, a) == "none");
  CHECK(address_of(one, b) == "192.0.2.2");
  CHECK(address_of(one, c) == "2001:db8::3");
  CHECK((apply(one, difference(5, {b.at("192.0.2.9")})) == roster::changes{b.id()}));
  CHECK(address_of(one, b) == "192.0.2.9");
  CHECK(apply(one, difference(6, {})).empty());
  CHECK(one.version() == roster_version{7, 6});
  CHECK(one.size() == 2);
}

TEST_CASE("parts make one whole, whose version counts at its end") {
  const client a, b, c, old;
  roster one;
  apply(one, snapshot(1, {old.at("192.0.2.8")}));
  apply(one, snapshot(5, {a.at("192.0.2.1")}, true));
  apply(one, snapshot(5, {b.at("192.0.2.2")}, true));
  apply(one, snapshot(5, {c.at("192.0.2.3")}));
  CHECK(one.size() == 3);
  CHECK(one.version() == roster_version{7, 5});
  apply(one, difference(7, {a.gone()}, true));
  CHECK(one.version() == roster_version{7, 5});
  apply(one, difference(7, {b.gone()}));
  CHECK(one.version() == roster_version{7, 7});
  CHECK(one.size() == 1);
  apply(one, snapshot(8, {a.at("192.0.2.1")}));
  CHECK(one.size() == 1);
}

TEST_CASE("a snapshot that broke off is asked for again, and leaves nothing behind") {
  const client a, b, c, old;
  roster one;
  apply(one, snapshot(1, {old.at("192.0.2.8")}));
  apply(one, snapshot(5, {a.at("192.0.2.1"), b.at("192.0.2.2")}, true));
  CHECK(one.version() == roster_version{});  // what it had is gone, what it has is not all
  apply(one, snapshot(6, {c.at("192.0.2.3")}, true));
  apply(one, snapshot(6, {a.at("192.0.2.7")}));
  CHECK(one.size() == 2);
  CHECK(address_of(one, a) == "192.0.2.7");
  CHECK(address_of(one, b) == "none");
  CHECK(one.version() == roster_version{7, 6});
}

TEST_CASE("a record that its client has not signed is left out, and the one before it too") {
  const client a, b;
  roster one;
  apply(one, snapshot(1, {a.at("192.0.2.1")}));
  auto of_another = b.at("203.0.113.1");
  of_another.client = a.id();
  CHECK((apply(one, difference(2, {of_another, b.at("192.0.2.2")})) == roster::changes{a.id(), b.id()}));
  CHECK(address_of(one, a) == "none");
  CHECK(address_of(one, b) == "192.0.2.2");
  auto changed = b.at("192.0.2.3");
  changed.record[40] ^= 1;
  apply(one, difference(3, {changed}));
  CHECK(address_of(one, b) == "none");
  auto empty = a.at("192.0.2.1");
  empty.record.clear();
  apply(one, difference(4, {empty}));
  CHECK(one.size() == 0);
  CHECK(one.version() == roster_version{7, 4});
}

TEST_CASE("a roster that is full leaves out who comes, and keeps the others") {
  const client a, b, c;
  roster one(2);
  apply(one, snapshot(1, {a.at("192.0.2.1"), b.at("192.0.2.2")}));
  apply(one, difference(2, {a.at("192.0.2.4")}));  // known already: no more than before
  CHECK(one.left_out() == 0);
  apply(one, difference(3, {c.at("192.0.2.3")}));
  CHECK(one.left_out() == 1);
  CHECK(one.size() == 2);
  CHECK(address_of(one, c) == "none");
  CHECK(one.version() == roster_version{7, 3});
  apply(one, difference(4, {a.gone()}));
  apply(one, difference(5, {c.at("192.0.2.3")}));
  CHECK(address_of(one, c) == "192.0.2.3");
  apply(one, snapshot(6, {a.at("192.0.2.1"), b.at("192.0.2.2")}, true));
  CHECK(one.left_out() == 0);
  apply(one, snapshot(6, {c.at("192.0.2.3")}));
  CHECK(one.left_out() == 1);
  CHECK(one.size() == 2);
  CHECK(one.version() == roster_version{7, 6});
}

}  // namespace roster_test

// SPDX-License-Identifier: BSL-1.0
#include <server/offers.hpp>

#include <doctest/doctest.h>

#include "../temporary_folder.hpp"

namespace offers_test {

using namespace std::chrono_literals;
using ajar::errc;

namespace {

const ajar::identity::url central{ajar::net::endpoint("central.example", 8443), ajar::identity::peer_id()};

// A server's state folder, and something to offer.
struct house {
  tools::named_path shared(const std::string& name) const {
    auto opened = ajar::files::shared_folder::open(at.folder(name));
    REQUIRE(opened);
    return {name, std::make_shared<const ajar::files::shared_folder>(std::move(*opened))};
  }
  ajar::result<tools::offers::made> offer(const std::vector<tools::named_path>& what, std::uint64_t words = 1,
                                          ajar::time_point now = {}) {
    tools::offer_terms terms;
    terms.life = 1h;
    terms.words = words;
    return all.add(invites, grants, central, what, terms, now);
  }
  // Somebody uses a word. @return the grant
  ajar::trust::grant redeem(const ajar::trust::invite& word) {
    const ajar::trust::redeemer asking(word, ajar::identity::key::generate());
    const auto answered = invites.redeem(asking.id(), asking.octets(), grants);
    REQUIRE(answered);
    const auto got = asking.open(*answered);
    REQUIRE(got);
    REQUIRE(got->given);
    return got->given->grant.body();
  }

  temporary_folder at;
  ajar::state::folder state = [this] {
    auto opened = ajar::state::folder::open(at.path + "/state");
    REQUIRE(opened);
    return std::move(*opened);
  }();
  ajar::identity::key self = ajar::identity::key::generate();
  ajar::state::issued_grants grants{state, self.id()};
  ajar::state::issued_invites invites{state, self};
  tools::offers all;
};

}  // namespace

TEST_CASE("an offer's grant is for what was offered, under names that nobody else was granted") {
  house one;
  const auto first = one.offer({one.shared("photos"), one.shared("notes")});
  const auto second = one.offer({one.shared("photos")});
  REQUIRE(first);
  REQUIRE(second);
  const auto grant = one.redeem(first->words.at(0));
  const auto* named = one.all.of(grant.id);
  REQUIRE(named);
  REQUIRE(named->size() == 2);
  CHECK((*named)[0].name == "photos");
  CHECK((*named)[1].name == "notes");
  for (const auto& each : *named) {
    CHECK(one.all.shares().contains(each.service));
    const auto* right = grant.find(each.service);
    REQUIRE(right);
    CHECK(right->read);
    CHECK_FALSE(right->write);
  }
  CHECK(grant.services.size() == 2);
  CHECK(one.all.shares().size() == 3);
  CHECK(one.all.of(ajar::trust::grant_id{}) == nullptr);
}

TEST_CASE("an offer with several words is fetched when each of their clients has all of it") {
  house one;
  const auto made = one.offer({one.shared("photos")}, 2);
  REQUIRE(made);
  REQUIRE(made->words.size() == 2);
  const auto grant = one.redeem(made->words[0]);
  const auto other = one.redeem(made->words[1]);
  one.all.came(grant.id, "anna by window");
  CHECK(one.all.state(made->id, {}, {}) == tools::offer_state{2, 0, 0, 0, "anna by window"});
  CHECK(one.all.fetched(grant.id));
  CHECK(one.all.fetched(grant.id));  // twice is once
  CHECK(one.all.state(made->id, {}, {})->fetched == 1);
  CHECK(one.all.fetched(other.id));
  CHECK(one.all.state(made->id, {}, {})->fetched == 2);
  CHECK_FALSE(one.all.fetched(ajar::trust::grant_id{}));
}

TEST_CASE("what is over is neither served nor known") {
  house one;
  const auto made = one.offer({one.shared("photos")}, 3);
  REQUIRE(made);
  const auto grant = one.redeem(made->words[0]);
  CHECK(one.all.end(made->id).size() == 3);
  CHECK(one.all.empty());
  CHECK(one.all.shares().empty());
  CHECK(one.all.of(grant.id) == nullptr);
  CHECK_FALSE(one.all.state(made->id, {}, {}));
  CHECK(one.all.end(made->id).empty());
}

TEST_CASE("an offer is forgotten where nobody asks how it goes any more") {
  house one;
  const ajar::time_point begun{};
  const auto made = one.offer({one.shared("photos")}, 1, begun);
  REQUIRE(made);
  CHECK(one.all.forgotten(begun + tools::offers::patience).empty());
  REQUIRE(one.all.state(made->id, {}, begun + 30s));
  CHECK(one.all.forgotten(begun + 30s + tools::offers::patience).empty());
  CHECK(one.all.forgotten(begun + 31s + tools::offers::patience) == std::vector{made->id});
}

TEST_CASE("there are so many offers at a time, and one that cannot be made leaves nothing") {
  house one;
  for (std::size_t i = 0; i < tools::offers::most; ++i) REQUIRE(one.offer({one.shared("photos")}));
  CHECK(one.offer({one.shared("photos")}).error() == errc::limit_reached);
  house full;
  CHECK(full.offer({}).error() == errc::limit_reached);
  CHECK(full.offer({full.shared("photos")}, ajar::state::issued_invites::most + 1).error() == errc::limit_reached);
  CHECK(full.all.empty());
  CHECK(full.invites.list()->empty());
}

}  // namespace offers_test

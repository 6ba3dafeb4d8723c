// SPDX-License-Identifier: BSL-1.0
#include <ajar/server/correspondence.hpp>

#include <doctest/doctest.h>
#include <ajar/testing/manual_clock.hpp>

namespace correspondence_test {

using namespace ajar;
using namespace std::chrono_literals;

namespace {

trust::grant_id grant_of(std::uint8_t number) {
  trust::grant_id made{};
  made[0] = number;
  return made;
}

// A server. By its first list it has revoked the first grant, unless the test says otherwise.
struct scene {
  explicit scene(bool has_revoked = true) {
    how.on_step([this](const telling::step& one) { told.emplace_back(one.what); });
    if (has_revoked) how.revocations(first);
  }

  trust::signed_revocations list(std::uint64_t serial, std::initializer_list<std::uint8_t> grants) const {
    trust::revocations all;
    all.serial = serial;
    for (const auto one : grants) all.entries.push_back({grant_of(one), wall_now() + 1h});
    return trust::signed_revocations::sign(all, own);
  }
  signalling::revocations_result too_low(const trust::signed_revocations& later) const {
    return {1, static_cast<std::uint16_t>(errc::serial_too_low), later.octets()};
  }

  // The first use makes them, by what the test has said.
  detail::correspondence& letters() {
    if (!made) {
      at = std::make_unique<detail::entrance>(own.id(), how, telling::step_sink());
      made = std::make_unique<detail::correspondence>(own, how, *at);
    }
    return *made;
  }

  testing::manual_clock time;
  identity::key own = identity::key::generate();
  trust::signed_revocations first = list(1, {1});
  server_options how{identity::url{}};
  std::vector<std::string> told;
  std::unique_ptr<detail::entrance> at;
  std::unique_ptr<detail::correspondence> made;
};

}  // namespace

TEST_CASE("a list counts as central's when central has said its serial, over each link anew") {
  scene at;
  CHECK_FALSE(at.letters().is_acknowledged());
  CHECK(at.letters().revocations().list == at.first.octets());
  CHECK(at.letters().heard({2, 0, {}}).has_value());
  CHECK_FALSE(at.letters().is_acknowledged());
  CHECK(at.letters().heard({1, 0, {}}).has_value());
  CHECK(at.letters().is_acknowledged());
  CHECK(at.letters().heard({2, 0, {}}).has_value());
  CHECK(at.letters().is_acknowledged());
  at.letters().revocations();
  CHECK_FALSE(at.letters().is_acknowledged());
}

TEST_CASE("who has revoked nothing says so, and waits for no acknowledgement") {
  scene at(false);
  CHECK(at.letters().is_acknowledged());
  const auto empty = trust::signed_revocations::open(at.letters().revocations().list);
  REQUIRE(empty);
  CHECK(empty->signer() == at.own.id());
  CHECK(empty->body().serial == 0);
  CHECK(empty->body().entries.empty());
  CHECK(at.letters().is_acknowledged());
}

TEST_CASE("a later list of its own is kept and taken over, once") {
  scene at;
  at.how.later_revocations([&](const trust::signed_revocations& later) -> result<trust::signed_revocations> {
    CHECK(later.body().serial == 5);
    return at.list(6, {1, 2});
  });
  const auto both = at.letters().heard(at.too_low(at.list(5, {2})));
  REQUIRE(both);
  REQUIRE(*both);
  CHECK((*both)->body().serial == 6);
  CHECK(at.told == std::vector<std::string>{"grants were revoked that this server did not know of"});

  REQUIRE(at.at->forbid(**both));
  at.how.revocations(**both);
  CHECK(at.letters().revocations().list == (*both)->octets());
  const auto again = at.letters().heard(at.too_low(at.list(5, {2})));  // about the list before
  REQUIRE(again);
  CHECK_FALSE(*again);
  CHECK(at.told.size() == 1);
}

TEST_CASE("what central says of revocations is believed where this server has signed it") {
  scene at;
  at.how.later_revocations([&](const trust::signed_revocations& later) -> result<trust::signed_revocations> {
    FAIL("was taken over");
    return later;
  });
  auto forged = at.list(5, {2}).octets();
  forged.back() ^= 1;
  trust::revocations all;
  all.serial = 5;
  all.entries.push_back({grant_of(2), wall_now() + 1h});
  const auto another = trust::signed_revocations::sign(all, identity::key::generate());
  const auto low = static_cast<std::uint16_t>(errc::serial_too_low);
  for (const auto& octets : {forged, another.octets(), bytes()}) {
    const auto heard = at.letters().heard({1, low, octets});
    REQUIRE_FALSE(heard);
    CHECK(heard.error() == errc::signature_invalid);
  }
  const auto heard = at.letters().heard({1, static_cast<std::uint16_t>(errc::grant_revoked), {}});
  REQUIRE_FALSE(heard);
  CHECK(heard.error() == errc::unexpected_message);
  CHECK(at.told.empty());
}

TEST_CASE("a later list that cannot be kept is trouble, and the one that stands goes on") {
  scene at;
  at.how.later_revocations([&](const trust::signed_revocations&) -> result<trust::signed_revocations> {
    return fail(errc::state_unusable);
  });
  const auto heard = at.letters().heard(at.too_low(at.list(5, {2})));
  REQUIRE(heard);
  CHECK_FALSE(*heard);
  CHECK(at.told.back() == "revocations were not kept");
}

TEST_CASE("central hears of the invites there are, and of none only where it knew of some") {
  scene at;
  CHECK_FALSE(at.letters().invites());  // has none to give
  std::vector<trust::invite_id> open;
  result<> readable;
  at.how.invites(
      [&]() -> result<std::vector<trust::invite_id>> {
        if (!readable) return fail(readable.error());
        return open;
      },
      [](const trust::invite_id&, bytes_view) -> result<bytes> { return bytes{1, 2}; });
  CHECK_FALSE(at.letters().invites());
  open.resize(2);
  auto told = at.letters().invites();
  REQUIRE(told);
  CHECK(told->ids.size() == 2);
  open.clear();
  told = at.letters().invites();
  REQUIRE(told);
  CHECK(told->ids.empty());
  CHECK_FALSE(at.letters().invites());

  open.resize(1);
  REQUIRE(at.letters().invites());
  open.clear();
  at.letters().link_lost();
  CHECK_FALSE(at.letters().invites());

  readable = fail(errc::state_unusable);
  CHECK_FALSE(at.letters().invites());
  CHECK(at.told.back() == "invites cannot be announced");
}

TEST_CASE("who redeems an invite hears causes of ours, and nothing of the disk") {
  scene at;
  signalling::redemption asked{};
  asked.ticket[0] = 7;
  std::error_code why = errc::invite_unknown;
  CHECK(at.letters().answer(asked).code == static_cast<std::uint16_t>(errc::invite_unknown));  // has none at all
  at.how.invites([]() -> result<std::vector<trust::invite_id>> { return {}; },
                 [&](const trust::invite_id&, bytes_view) -> result<bytes> {
                   if (why) return fail(why);
                   return bytes{1, 2};
                 });
  const auto code = [&](std::error_code cause) {
    why = cause;
    const auto said = at.letters().answer(asked);
    CHECK(said.ticket == asked.ticket);
    CHECK(said.sealed.empty());
    return said.code;
  };
  CHECK(code(errc::invite_expired) == static_cast<std::uint16_t>(errc::invite_expired));
  CHECK(code(std::make_error_code(std::errc::permission_denied)) == static_cast<std::uint16_t>(errc::state_unusable));
  CHECK(code(std::make_error_code(std::errc::too_many_files_open)) == static_cast<std::uint16_t>(errc::server_busy));

  why = {};
  const auto said = at.letters().answer(asked);
  CHECK(said.code == 0);
  CHECK(said.ticket == asked.ticket);
  CHECK(said.sealed == bytes{1, 2});
}

}  // namespace correspondence_test

// SPDX-License-Identifier: BSL-1.0
#include <ajar/state/issued_grants.hpp>

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <ajar/testing/manual_clock.hpp>

#include "../temporary_folder.hpp"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

namespace issued_grants_test {

using namespace ajar;
using namespace ajar::trust;
using namespace ajar::state;

namespace {

// A server's state folder, as one process after the other has it.
struct kept_grants {
  issued_grants store() const { return {*state, self.id()}; }
  signed_grant sign(const identity::peer_id& client, std::chrono::seconds life = std::chrono::hours(1)) const {
    grant body;
    body.id = crypto::random_octets<16>();
    body.client = client;
    body.not_before = wall_now() - std::chrono::minutes(5);
    body.not_after = wall_now() + life;
    body.methods = trust::method::outbound | trust::method::window;
    body.services = {{"docs", true, false}};
    return signed_grant::sign(body, self);
  }
  signed_grant issue(const std::string& name, std::chrono::seconds life = std::chrono::hours(1)) const {
    const auto made = sign(identity::key::generate().id(), life);
    REQUIRE(store().keep({name, true, made}));
    return made;
  }
  void write(const std::string& name, std::string_view content) const {
    std::ofstream(path + "/" + name, std::ios::binary | std::ios::trunc) << content;
  }
  std::string file_of(const signed_grant& one, const char* ending) const {
    return path + "/" + to_hex(one.body().id) + ending;
  }

  temporary_folder on;
  const std::string& path = on.path;
  std::optional<state::folder> state = state::folder::open(on.path).value();
  identity::key self = identity::key::generate();
};

bool contains(const signed_revocations& list, const signed_grant& one) { return list.body().contains(one.body().id); }

}  // namespace

TEST_CASE("a grant is kept with its client's name, and found by another process") {
  kept_grants at;
  const auto laptop = at.issue("laptop");
  auto store = at.store();
  CHECK(store.find(laptop.body().id)->octets() == laptop.octets());
  CHECK(!store.find(crypto::random_octets<16>()));
  const auto all = store.list().value();
  REQUIRE(all.size() == 1);
  CHECK(all[0].petname == "laptop");
  CHECK(all[0].renews);
  CHECK(!all[0].last_seen);
  store.saw(laptop.body().id);
  CHECK(store.list().value()[0].last_seen.value() + std::chrono::seconds(60) > wall_now());
}

TEST_CASE("of several processes that give one name at the same moment one does") {
  kept_grants at;
  std::atomic<int> ready = 0;
  std::atomic<int> given = 0;
  std::atomic<int> taken = 0;
  std::vector<std::thread> all;
  for (int i = 0; i < 4; ++i) {
    all.emplace_back([&, one = at.sign(identity::key::generate().id())] {
      const auto state = state::folder::open(at.path).value();
      issued_grants store(state, at.self.id());
      for (++ready; ready < 4;) std::this_thread::yield();
      const auto done = store.keep({"laptop", true, one});
      if (done) ++given;
      if (!done && done.error() == errc::petname_taken) ++taken;
    });
  }
  for (auto& each : all) each.join();
  CHECK(given == 1);
  CHECK(taken == 3);
}

TEST_CASE("a name belongs to one client, whose grants share it") {
  kept_grants at;
  auto store = at.store();
  const auto client = identity::key::generate().id();
  CHECK(store.keep({"laptop", true, at.sign(client)}));
  CHECK(store.keep({"laptop", false, at.sign(client)}));
  CHECK(store.keep({"laptop", true, at.sign(identity::key::generate().id())}).error() == errc::petname_taken);
  CHECK(store.keep({"../laptop", true, at.sign(client)}).error() == errc::grant_malformed);
  CHECK(store.keep({"", true, at.sign(client)}));
  CHECK(store.list().value().size() == 3);
  CHECK(store.named("laptop").value().size() == 2);
  CHECK(store.named(to_string(client)).value().size() == 3);
  CHECK(store.named(short_name(client)).value().size() == 1);
  const auto one = store.named("laptop").value()[0].grant.body().id;
  CHECK(store.named(to_hex(one)).value().size() == 1);
  CHECK(store.named("desktop").error() == errc::no_such_client);
  CHECK(store.named("").error() == errc::no_such_client);
}

TEST_CASE("other terms take the place of those before, in the same grant") {
  kept_grants at;
  const auto laptop = at.issue("laptop");
  auto store = at.store();
  CHECK(store.find(laptop.body().id));
  auto body = laptop.body();
  body.services.push_back({"music", true, false});
  CHECK(store.keep({"laptop", true, signed_grant::sign(body, at.self)}));
  CHECK(store.find(laptop.body().id)->body().services.size() == 2);
  CHECK(store.list().value().size() == 1);
}

TEST_CASE("a grant is renewed under its id: for as long as before, or as it is said") {
  kept_grants at;
  const auto laptop = at.issue("laptop", std::chrono::hours(10));
  auto store = at.store();
  store.saw(laptop.body().id);
  const auto same = store.renew(store.list().value()[0], at.self).value();
  CHECK(same.body().id == laptop.body().id);
  CHECK(same.body().life() == std::chrono::hours(10));
  CHECK(same.body().services == laptop.body().services);
  new_terms otherwise;
  otherwise.life = std::chrono::hours(1);
  otherwise.services = {{"music", true, true}};
  const auto other = store.renew(store.list().value()[0], at.self, otherwise).value();
  CHECK(other.body().not_after <= wall_now() + std::chrono::hours(1));
  CHECK(other.body().services == std::vector<service_right>{{"music", true, true}});
  CHECK(store.find(laptop.body().id)->octets() == other.octets());
  CHECK(store.list().value()[0].petname == "laptop");
  CHECK(store.list().value()[0].last_seen);  // that is not forgotten
}

TEST_CASE("whoever asks for its grant gets it renewed in its second half, where the owner did not forbid it") {
  kept_grants at;
  auto store = at.store();
  const auto issue = [&](std::chrono::minutes left, bool renews) {
    auto body = at.sign(identity::key::generate().id()).body();
    body.begin(wall_now() - std::chrono::minutes(60) + left, std::chrono::minutes(60));
    const auto made = signed_grant::sign(body, at.self);
    REQUIRE(store.keep({"", renews, made}));
    return made;
  };
  const auto young = issue(std::chrono::minutes(31), true);
  CHECK(store.renewed_in_time(young.body().id, at.self).value().octets() == young.octets());
  const auto final = issue(std::chrono::minutes(29), false);
  CHECK(store.renewed_in_time(final.body().id, at.self).value().octets() == final.octets());
  const auto old = issue(std::chrono::minutes(29), true);
  const auto renewed = store.renewed_in_time(old.body().id, at.self).value();
  CHECK(renewed.body().not_after >= wall_now() + std::chrono::minutes(59));
  CHECK(store.find(old.body().id)->octets() == renewed.octets());
  CHECK(store.revoke({old.body().id}, at.self));
  CHECK(store.renewed_in_time(old.body().id, at.self).error() == errc::grant_unknown);
}

TEST_CASE("what was taken back is found by nobody, and stands in the list") {
  kept_grants at;
  const auto laptop = at.issue("laptop");
  const auto phone = at.issue("phone");
  auto store = at.store();
  CHECK(store.find(laptop.body().id));  // as a running server has it in memory
  CHECK(!store.revocations_in_force(at.self).value());
  const auto list = store.revoke({laptop.body().id}, at.self).value();
  CHECK(list.signer() == at.self.id());
  CHECK(contains(list, laptop));
  CHECK(!contains(list, phone));
  CHECK(!store.find(laptop.body().id));
  CHECK(!at.store().find(laptop.body().id));
  CHECK(at.store().find(phone.body().id));
  CHECK(at.store().named("laptop").error() == errc::no_such_client);
  CHECK(at.store().revocations_in_force(at.self).value()->octets() == list.octets());
  CHECK(store.keep({"laptop", true, at.sign(identity::key::generate().id())}));  // the name is free again
}

TEST_CASE("serials go up, whatever becomes of the list") {
  kept_grants at;
  auto store = at.store();
  std::uint64_t last = 0;
  const auto next = [&] {
    const auto serial = store.revoke({at.issue("a").body().id}, at.self).value().body().serial;
    CHECK(serial > last);
    last = serial;
  };
  next();
  next();
  std::filesystem::remove(at.path + "/revocations");
  next();
  at.write("revocations", "");
  next();
  at.write("revocations", "no list at all");
  next();
  const auto list = store.revoke({}, at.self).value();
  CHECK(list.body().serial > last);
  CHECK(list.body().entries.size() == 5);  // none of them is forgotten
}

TEST_CASE("no damage to the list gives anybody a grant back") {
  kept_grants at;
  const auto laptop = at.issue("laptop");
  const auto list = at.store().revoke({laptop.body().id}, at.self).value();
  const auto& octets = list.octets();
  for (std::size_t n = 0; n < octets.size(); ++n) {
    at.write("revocations", as_text(bytes_view(octets).first(n)));
    const auto again = at.store().revocations_in_force(at.self).value();
    REQUIRE(again);
    CHECK(contains(*again, laptop));
    CHECK(again->body().serial > list.body().serial);
    CHECK(!at.store().find(laptop.body().id));
  }
  SUBCASE("another server's list is none") {
    revocations other;
    other.serial = std::numeric_limits<std::uint64_t>::max();
    at.write("revocations", as_text(signed_revocations::sign(other, identity::key::generate()).octets()));
    CHECK(contains(*at.store().revocations_in_force(at.self).value(), laptop));
  }
  SUBCASE("a list of before is completed") {
    const auto phone = at.issue("phone");
    CHECK(at.store().revoke({phone.body().id}, at.self));
    at.write("revocations", as_text(octets));  // a crash between the grant's file and the list
    const auto again = at.store().revocations_in_force(at.self).value();
    CHECK(contains(*again, laptop));
    CHECK(contains(*again, phone));
  }
}

TEST_CASE("a grant that has ended leaves the list") {
  kept_grants at;
  const auto laptop = at.issue("laptop", std::chrono::seconds(-1));
  const auto list = at.store().revoke({laptop.body().id}, at.self).value();
  CHECK(list.body().entries.empty());
  CHECK(at.store().revocations_in_force(at.self).value()->octets() == list.octets());
}

TEST_CASE("a folder that was restored from a copy learns what was taken back since") {
  kept_grants at;
  const auto laptop = at.issue("laptop");
  const auto phone = at.issue("phone");
  std::filesystem::copy(at.path, at.path + "-copy");
  const auto later = at.store().revoke({laptop.body().id}, at.self).value();
  std::filesystem::remove_all(at.path);
  std::filesystem::rename(at.path + "-copy", at.path);
  std::filesystem::permissions(at.path, std::filesystem::perms::owner_all);
  at.state.emplace(state::folder::open(at.path).value());
  auto store = at.store();
  CHECK(store.find(laptop.body().id));  // as if it never had been
  const auto own = store.revoke({phone.body().id}, at.self).value();
  const auto both = store.learn(later, at.self).value();
  CHECK(contains(both, laptop));
  CHECK(contains(both, phone));
  CHECK(both.body().serial > later.body().serial);
  CHECK(both.body().serial > own.body().serial);
  CHECK(!store.find(laptop.body().id));
  CHECK(store.learn(signed_revocations::sign(revocations(), identity::key::generate()), at.self).error() ==
        errc::signature_invalid);
}

TEST_CASE("where no file can be opened nobody says that a grant is not there") {
  kept_grants at;
  const auto laptop = at.issue("laptop");
  auto store = at.store();
  rlimit before_it{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_it) == 0);
  const rlimit none{0, before_it.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  const auto found = store.find(laptop.body().id);
  const auto other = store.find(crypto::random_octets<16>());
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before_it) == 0);
  CHECK(found.error() == std::errc::too_many_files_open);
  CHECK(other.error() == std::errc::too_many_files_open);
  CHECK(store.find(laptop.body().id));
  CHECK(store.find(crypto::random_octets<16>()).error() == errc::grant_unknown);
}

TEST_CASE("a damaged file of a grant is named as such, and is nobody's grant") {
  kept_grants at;
  const auto laptop = at.issue("laptop");
  std::ifstream file(at.file_of(laptop, ".issued"), std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(file), {}};
  for (std::size_t n = 0; n < whole.size(); n += 7) {
    at.write(to_hex(laptop.body().id) + ".issued", whole.substr(0, n));
    CHECK(at.store().find(laptop.body().id).error() == errc::state_damaged);
    CHECK(at.store().list().error() == errc::state_damaged);
  }
  auto changed = whole;
  changed.replace(changed.find("renews yes"), 10, "renews may");
  at.write(to_hex(laptop.body().id) + ".issued", changed);
  CHECK(at.store().list().error() == errc::state_damaged);
  at.write(to_hex(laptop.body().id) + ".issued", whole);
  CHECK(at.store().list().value().size() == 1);
}

TEST_CASE("a list holds as many as it can, those first that would last longest") {
  revocations full;
  kept_grants at;
  auto store = at.store();
  full.entries.resize(revocations::most_entries, {{}, wall_now() + std::chrono::hours(1)});
  for (auto& one : full.entries) one.grant = crypto::random_octets<16>();
  const auto all = store.learn(signed_revocations::sign(full, at.self), at.self).value();
  CHECK(all.body().entries.size() == revocations::most_entries);
  const auto longest = at.issue("laptop", std::chrono::hours(2));
  const auto list = store.revoke({longest.body().id}, at.self).value();
  CHECK(list.body().entries.size() == revocations::most_entries);
  CHECK(contains(list, longest));
}

TEST_CASE("a list has a higher serial than the one before, also where the clock stands behind it") {
  kept_grants at;
  auto store = at.store();
  const auto one = at.issue("laptop");
  const auto other = at.issue("phone");
  revocations ahead;
  ahead.serial = std::uint64_t{1} << 62;  // in microseconds: by a clock that was far ahead
  const auto learned = store.learn(signed_revocations::sign(ahead, at.self), at.self);
  REQUIRE(learned);
  CHECK(learned->body().serial > ahead.serial);
  const auto first = store.revoke({one.body().id}, at.self);
  REQUIRE(first);
  CHECK(first->body().serial > learned->body().serial);
  const auto second = at.store().revoke({other.body().id}, at.self);
  REQUIRE(second);
  CHECK(second->body().serial > first->body().serial);
}

// ---- files that somebody has removed

namespace {

// As a running server has it, which has a key in its folder.
struct running : kept_grants {
  running() { self = state->load_key().value(); }
};

}  // namespace

TEST_CASE("a grant whose file was removed is taken back, as if its server had done it") {
  running at;
  const auto laptop = at.issue("laptop");
  const auto phone = at.issue("phone");
  auto store = at.store();
  CHECK(!store.take_back_removed(at.self).value());  // to begin with
  CHECK(!store.take_back_removed(at.self).value());
  std::filesystem::remove(at.file_of(laptop, ".issued"));
  const auto list = store.take_back_removed(at.self).value();
  REQUIRE(list);
  CHECK(contains(*list, laptop));
  CHECK(!contains(*list, phone));
  CHECK(store.find(laptop.body().id).error() == errc::grant_unknown);
  CHECK(store.was_taken_back(laptop.body().id));
  CHECK(store.find(phone.body().id));
  CHECK(!store.take_back_removed(at.self).value());  // once
  std::filesystem::remove(at.path + "/revocations");
  CHECK(contains(*at.store().revocations_in_force(at.self).value(), laptop));  // as durably as by revoke()
}

TEST_CASE("a file that was moved away and put back gives nobody his grant back") {
  running at;
  const auto laptop = at.issue("laptop");
  auto store = at.store();
  CHECK(!store.take_back_removed(at.self).value());
  std::filesystem::rename(at.file_of(laptop, ".issued"), at.path + "/elsewhere");
  CHECK(contains(*store.take_back_removed(at.self).value(), laptop));
  std::filesystem::rename(at.path + "/elsewhere", at.file_of(laptop, ".issued"));
  CHECK(!store.take_back_removed(at.self).value());
  CHECK(store.find(laptop.body().id).error() == errc::grant_unknown);
  CHECK(at.store().find(laptop.body().id).error() == errc::grant_unknown);
}

TEST_CASE("what another process issues, renews or takes back is not taken for removed") {
  running at;
  const auto laptop = at.issue("laptop");
  auto store = at.store();
  CHECK(!store.take_back_removed(at.self).value());
  const auto phone = at.issue("phone");
  CHECK(at.store().renew(at.store().named("laptop").value()[0], at.self));
  CHECK(!store.take_back_removed(at.self).value());
  CHECK(at.store().revoke({phone.body().id}, at.self));
  const auto list = store.take_back_removed(at.self).value();  // it says what that process has said
  REQUIRE(list);
  CHECK(contains(*list, phone));
  CHECK(!contains(*list, laptop));
  CHECK(store.revoke({laptop.body().id}, at.self));
  CHECK(!store.take_back_removed(at.self).value());  // by itself
}

TEST_CASE("who tidies up grants that have ended takes nothing back") {
  running at;
  const auto old = at.issue("laptop", std::chrono::seconds(-1));
  auto store = at.store();
  CHECK(!store.take_back_removed(at.self).value());
  std::filesystem::remove(at.file_of(old, ".issued"));
  CHECK(!store.take_back_removed(at.self).value());
  CHECK(store.find(old.body().id).error() == errc::grant_unknown);
  CHECK(!store.was_taken_back(old.body().id));
}

TEST_CASE("a folder that is gone as a whole takes nothing back") {
  running at;
  const auto laptop = at.issue("laptop");
  auto store = at.store();
  CHECK(!store.take_back_removed(at.self).value());
  for (const auto& one : std::filesystem::directory_iterator(at.path)) std::filesystem::remove(one);
  CHECK(store.take_back_removed(at.self).error() == errc::state_unusable);
  CHECK(store.find(laptop.body().id));
}

TEST_CASE("a removed grant is found by nobody, also where that cannot be written down, and is taken back later") {
  running at;
  const auto laptop = at.issue("laptop");
  auto store = at.store();
  CHECK(!store.take_back_removed(at.self).value());
  std::filesystem::remove(at.file_of(laptop, ".issued"));
  std::filesystem::create_directory(at.file_of(laptop, ".revoked"));  // stands in for a full disk
  std::filesystem::create_directory(at.path + "/revocations");
  CHECK(!store.take_back_removed(at.self));
  CHECK(store.find(laptop.body().id).error() == errc::grant_unknown);
  std::filesystem::remove(at.file_of(laptop, ".revoked"));
  std::filesystem::remove(at.path + "/revocations");
  const auto list = store.take_back_removed(at.self).value();
  REQUIRE(list);
  CHECK(contains(*list, laptop));
}

TEST_CASE("who asks for grants that there are not has the disk looked at so often, and others are served") {
  testing::manual_clock time;
  running at;
  const auto laptop = at.issue("laptop");
  auto store = at.store();
  CHECK(!store.take_back_removed(at.self).value());
  asio::io_context context;
  const auto ask = [&](int times) {
    int looked = 0;
    for (int i = 0; i < times; ++i) {
      const auto why = store.find(crypto::random_octets<16>()).error();
      CHECK((why == errc::grant_unknown || why == errc::server_busy));
      looked += why == errc::grant_unknown ? 1 : 0;
    }
    return looked;
  };
  CHECK(ask(1000) == 200);
  CHECK(store.find(laptop.body().id));
  const auto phone = at.issue("phone");
  CHECK(store.find(phone.body().id).error() == errc::server_busy);  // nobody has looked yet, and it may be there
  CHECK(!store.take_back_removed(at.self).value());
  CHECK(store.find(phone.body().id));
  time.advance(context, std::chrono::seconds(1));
  CHECK(ask(1000) == 20);
}

// ---- clients that go over to another key

namespace {

struct moving_client {
  explicit moving_client(const kept_grants& at) : given(at.sign(before.id())) {
    REQUIRE(at.store().keep({"laptop", false, given}));
  }
  trust::grant_id id() const { return given.body().id; }
  signed_succession to(const identity::key& next) const {
    return go_over(before, next, wall_now() + std::chrono::hours(1));
  }

  identity::key before = identity::key::generate();
  identity::key after = identity::key::generate();
  signed_grant given;
};

}  // namespace

TEST_CASE("a client that goes over to another key is granted the same, and the key before goes on until that is used") {
  kept_grants at;
  const moving_client one(at);
  auto store = at.store();
  const auto next = store.succeed(one.id(), one.to(one.after), at.self).value();
  auto expected = one.given.body();
  CHECK(next.body().id != expected.id);
  expected.id = next.body().id;
  expected.client = one.after.id();
  CHECK(next.octets() == signed_grant::sign(expected, at.self).octets());
  CHECK(store.succeed(one.id(), one.to(one.after), at.self)->octets() == next.octets());       // asked again
  CHECK(at.store().succeed(one.id(), one.to(one.after), at.self)->octets() == next.octets());  // after a crash
  CHECK(store.find(one.id()));
  CHECK(store.find(next.body().id));
  CHECK(store.named("laptop").value().size() == 2);
  CHECK_FALSE(store.settle(one.id(), at.self).value());  // the key before has come

  const auto list = store.settle(next.body().id, at.self).value();
  REQUIRE(list);
  CHECK(contains(*list, one.given));
  CHECK_FALSE(contains(*list, next));
  CHECK(store.find(one.id()).error() == errc::grant_unknown);
  CHECK(store.find(next.body().id));
  CHECK_FALSE(store.settle(next.body().id, at.self).value());  // once
  const auto all = at.store().list().value();
  REQUIRE(all.size() == 1);
  CHECK(all[0].petname == "laptop");
  CHECK_FALSE(all[0].renews);
  CHECK_FALSE(all[0].instead_of);
  CHECK(store.succeed(one.id(), one.to(identity::key::generate()), at.self).error() == errc::grant_unknown);
}

TEST_CASE("a client that its server's owner has not named goes by its id, whatever key it has") {
  kept_grants at;
  const auto before = identity::key::generate();
  const auto after = identity::key::generate();
  auto store = at.store();
  const auto given = at.sign(before.id());
  REQUIRE(store.keep({"", true, given}));
  const auto next = store.succeed(given.body().id, go_over(before, after, wall_now() + std::chrono::hours(1)), at.self);
  REQUIRE(store.settle(next.value().body().id, at.self).value());
  CHECK(store.list().value()[0].petname == short_name(after.id()));
}

TEST_CASE("a client that goes over from key to key is one client all the way") {
  kept_grants at;
  const moving_client one(at);
  auto store = at.store();
  auto key = one.after;
  auto given = store.succeed(one.id(), one.to(key), at.self).value();
  for (int i = 0; i < 3; ++i) {
    const auto next = identity::key::generate();
    const auto said = go_over(key, next, wall_now() + std::chrono::hours(1));
    CHECK(store.succeed(given.body().id, said, at.self).error() == errc::server_busy);  // it has not come yet
    REQUIRE(store.settle(given.body().id, at.self).value());
    given = store.succeed(given.body().id, said, at.self).value();
    key = next;
  }
  REQUIRE(store.settle(given.body().id, at.self).value());
  CHECK(store.list().value().size() == 1);
  CHECK(store.named(to_string(key.id())).value().size() == 1);
}

TEST_CASE("of several keys that it went over to the first that comes is the client's") {
  kept_grants at;
  const moving_client one(at);
  auto store = at.store();
  std::vector<signed_grant> all;
  for (int i = 0; i < 4; ++i)
    all.push_back(store.succeed(one.id(), one.to(identity::key::generate()), at.self).value());
  CHECK(store.succeed(one.id(), one.to(identity::key::generate()), at.self).error() == errc::limit_reached);
  const auto list = store.settle(all[2].body().id, at.self).value();
  REQUIRE(list);
  CHECK(contains(*list, one.given));
  for (std::size_t i = 0; i < 4; ++i) CHECK(contains(*list, all[i]) == (i != 2));
  CHECK(store.list().value().size() == 1);
}

TEST_CASE("nobody goes over with another's grant, or with another's word") {
  kept_grants at;
  const moving_client one(at);
  auto store = at.store();
  const auto stranger = identity::key::generate();
  const auto end = wall_now() + std::chrono::hours(1);
  CHECK(store.succeed(one.id(), go_over(stranger, one.after, end), at.self).error() == errc::answer_forged);
  CHECK(store.succeed(one.id(), go_over(one.before, one.after, wall_now()), at.self).error() ==
        errc::succession_expired);
  CHECK(store.succeed(crypto::random_octets<16>(), one.to(one.after), at.self).error() == errc::grant_unknown);
  CHECK(store.list().value().size() == 1);
}

TEST_CASE("who takes a grant back takes it back from all keys of its client, and none comes by asking again") {
  for (const bool by_the_new : {false, true}) {
    CAPTURE(by_the_new);
    kept_grants at;
    const moving_client one(at);
    auto store = at.store();
    const auto next = store.succeed(one.id(), one.to(one.after), at.self).value();
    const auto list = store.revoke({by_the_new ? next.body().id : one.id()}, at.self).value();
    CHECK(contains(list, one.given));
    CHECK(contains(list, next));
    CHECK_FALSE(store.find(one.id()));
    CHECK_FALSE(store.find(next.body().id));
    CHECK_FALSE(store.succeed(one.id(), one.to(one.after), at.self));
    CHECK_FALSE(store.settle(next.body().id, at.self).value());
  }
}

TEST_CASE("a key that was granted something instead, and lost it by another's list, gets it by no asking again") {
  kept_grants at;
  const moving_client one(at);
  auto store = at.store();
  const auto next = store.succeed(one.id(), one.to(one.after), at.self).value();
  revocations later;
  later.serial = 1;
  later.entries = {{next.body().id, next.body().not_after}};
  REQUIRE(store.learn(signed_revocations::sign(later, at.self), at.self));
  CHECK(store.succeed(one.id(), one.to(one.after), at.self).error() == errc::grant_revoked);
  CHECK_FALSE(store.find(next.body().id));
  CHECK(store.find(one.id()));
}

TEST_CASE("a file that was removed takes the grants of all its client's keys along") {
  for (const bool of_the_new : {false, true}) {
    CAPTURE(of_the_new);
    kept_grants at;
    const moving_client one(at);
    auto store = at.store();
    const auto next = store.succeed(one.id(), one.to(one.after), at.self).value();
    REQUIRE(at.state->load_key());
    REQUIRE_FALSE(store.take_back_removed(at.self).value());
    std::filesystem::remove(at.file_of(of_the_new ? next : one.given, ".issued"));
    const auto list = store.take_back_removed(at.self).value();
    REQUIRE(list);
    CHECK(contains(*list, one.given));
    CHECK(contains(*list, next));
  }
}

TEST_CASE("who goes over again and again is told to wait, whatever it costs to look") {
  testing::manual_clock time;
  kept_grants at;
  auto store = at.store();
  std::size_t served = 0;
  for (int i = 0; i < 80; ++i) {
    const auto key = identity::key::generate();
    const auto given = at.sign(key.id());
    REQUIRE(store.keep({"client-" + std::to_string(i), true, given}));
    const auto said = go_over(key, identity::key::generate(), wall_now() + std::chrono::hours(1));
    const auto next = store.succeed(given.body().id, said, at.self);
    if (next) ++served;
    if (!next) CHECK(next.error() == errc::server_busy);
  }
  CHECK(served == 64);
}

// ---- a server that goes over to another key

namespace {

// What it has issued by the key before is there.
struct moving_server {
  moving_server() {
    ::chmod(at.path.c_str(), 0700);
    state.emplace(state::folder::open(at.path).value());
    before.emplace(state->load_key().value());
    grant body;
    body.id = crypto::random_octets<16>();
    body.client = client.id();
    body.not_before = wall_now() - std::chrono::minutes(5);
    body.not_after = wall_now() + std::chrono::hours(1);
    body.methods = trust::method::outbound | trust::method::window;
    body.services = {{"docs", true, false}};
    given.emplace(signed_grant::sign(body, *before));
    REQUIRE(issued_grants(*state, before->id()).keep({"laptop", true, *given}));
    after.emplace(state->load_successor().value());
    REQUIRE(state->go_over());
  }
  issued_grants store() const { return {*state, after->id()}; }
  trust::grant_id id() const { return given->body().id; }

  temporary_folder at;
  std::optional<state::folder> state;
  identity::key client = identity::key::generate();
  std::optional<identity::key> before;
  std::optional<identity::key> after;
  std::optional<signed_grant> given;
};

}  // namespace

TEST_CASE("a server that has gone over knows what its key of before has signed, and signs it by that") {
  moving_server at;
  auto store = at.store();
  CHECK(store.find(at.id())->octets() == at.given->octets());
  const auto longer = store.renew(store.list().value()[0], *at.after, {.life = std::chrono::hours(9)}).value();
  CHECK(longer.signer() == at.before->id());
  CHECK(longer.body().not_after > at.given->body().not_after);
  const auto list = store.revoke({at.id()}, *at.after).value();
  CHECK(list.signer() == at.after->id());
  CHECK(contains(list, *at.given));
  CHECK(store.learn(signed_revocations::sign(list.body(), *at.before), *at.after));
  CHECK(store.learn(signed_revocations::sign(list.body(), at.client), *at.after).error() == errc::signature_invalid);
}

TEST_CASE(
    "a client that comes by the key of before is given the same by the new one, which then is the one that counts") {
  moving_server at;
  auto store = at.store();
  const auto next = store.carry_over(at.id(), *at.after).value();
  CHECK(next.signer() == at.after->id());
  auto expected = at.given->body();
  expected.id = next.body().id;
  CHECK(next.octets() == signed_grant::sign(expected, *at.after).octets());
  CHECK(at.store().carry_over(at.id(), *at.after)->octets() == next.octets());  // after a crash
  CHECK(store.carry_over(next.body().id, *at.after).error() == errc::grant_unknown);
  CHECK(store.find(at.id()));
  CHECK_FALSE(store.settle(at.id(), *at.after).value());
  const auto list = store.settle(next.body().id, *at.after).value();
  REQUIRE(list);
  CHECK(contains(*list, *at.given));
  CHECK_FALSE(store.find(at.id()));
  CHECK(store.find(next.body().id));
}

TEST_CASE("both ends may go over, the one after the other") {
  moving_server at;
  auto store = at.store();
  const auto other = identity::key::generate();
  const auto said = go_over(at.client, other, wall_now() + std::chrono::hours(1));
  const auto moved = store.succeed(at.id(), said, *at.after).value();
  CHECK(moved.signer() == at.before->id());
  REQUIRE(store.settle(moved.body().id, *at.after).value());
  const auto next = store.carry_over(moved.body().id, *at.after).value();
  CHECK(next.signer() == at.after->id());
  CHECK(next.body().client == other.id());
  REQUIRE(store.settle(next.body().id, *at.after).value());
  CHECK(store.list().value().size() == 1);
}

TEST_CASE("what the key of before has signed is gone when that is forgotten, and nothing else is") {
  moving_server at;
  auto store = at.store();
  const auto next = store.carry_over(at.id(), *at.after).value();
  REQUIRE(store.forget_former());
  CHECK_FALSE(store.find(at.id()));
  CHECK(store.find(next.body().id));
  CHECK_FALSE(at.state->former().value());
  CHECK(store.forget_former());
  auto again = at.store();
  CHECK(again.list().value().size() == 1);
  CHECK(again.revocations_in_force(*at.after));  // no file of another's is left
}

}  // namespace issued_grants_test

// SPDX-License-Identifier: BSL-1.0
#include <ajar/trust/new_terms.hpp>

#include <doctest/doctest.h>
#include <ajar/core/deadline.hpp>

namespace new_terms_test {

using namespace ajar;
using namespace ajar::trust;

namespace {

constexpr wall_time now{std::chrono::seconds(1'800'000'000)};

grant before() {
  grant made;
  made.id = {1, 2, 3};
  made.client = identity::peer_id(identity::peer_id::octets_type{4});
  made.begin(now - std::chrono::hours(5), std::chrono::hours(10));
  made.methods = method::outbound;
  made.lan = true;
  made.sessions = 2;
  made.windows_a_minute = 3;
  made.windows_a_day = 4;
  made.windows_at_a_time = 5;
  made.listening = std::chrono::milliseconds(6);
  made.services = {{"photos", true, false}};
  return made;
}

bytes octets_of(const grant& body) {
  bytes octets;
  wire::writer out(octets);
  wire::put(out, body);
  return octets;
}

}  // namespace

TEST_CASE("nothing new: the same grant, for as long, from now on") {
  auto expected = before();
  expected.begin(now, std::chrono::hours(10));
  CHECK(octets_of(new_terms().change(before(), now)) == octets_of(expected));
}

TEST_CASE("each term changes by itself, and no other with it") {
  const auto changed = [](auto set_term, auto set_grant) {
    new_terms terms;
    set_term(terms);
    auto expected = before();
    expected.begin(now, std::chrono::hours(10));
    set_grant(expected);
    return octets_of(terms.change(before(), now)) == octets_of(expected);
  };
  CHECK(changed([](auto& t) { t.life = std::chrono::hours(1); }, [](auto& g) { g.begin(now, std::chrono::hours(1)); }));
  CHECK(changed([](auto& t) { t.methods = method::window; }, [](auto& g) { g.methods = method::window; }));
  CHECK(changed([](auto& t) { t.lan = false; }, [](auto& g) { g.lan = false; }));
  CHECK(changed([](auto& t) { t.roam = true; }, [](auto& g) { g.roam = true; }));
  CHECK(changed([](auto& t) { t.sessions = 0; }, [](auto& g) { g.sessions = 0; }));
  CHECK(changed([](auto& t) { t.windows_a_minute = 9; }, [](auto& g) { g.windows_a_minute = 9; }));
  CHECK(changed([](auto& t) { t.windows_a_day = 9; }, [](auto& g) { g.windows_a_day = 9; }));
  CHECK(changed([](auto& t) { t.windows_at_a_time = 9; }, [](auto& g) { g.windows_at_a_time = 9; }));
  CHECK(changed([](auto& t) { t.listening = std::chrono::milliseconds(9); },
                [](auto& g) { g.listening = std::chrono::milliseconds(9); }));
  CHECK(changed([](auto& t) { t.services = {{"music", true, true}}; },
                [](auto& g) { g.services = {{"music", true, true}}; }));
}

}  // namespace new_terms_test

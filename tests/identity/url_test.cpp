// SPDX-License-Identifier: BSL-1.0
#include <ajar/identity/url.hpp>

#include <doctest/doctest.h>

namespace url_test {

using namespace ajar;
using namespace ajar::identity;

TEST_CASE("a URL is written and read back, and what is none is refused") {
  const url made{net::endpoint("::1", 7000), peer_id::of(crypto::signing_key::generate().public_part())};
  const auto text = to_string(made);
  CHECK(text.starts_with("ajar://[::1]:7000/"));
  CHECK(parse_url(text).value() == made);
  for (const auto& bad : {std::string(), text.substr(1), text.substr(0, text.size() - 1), text + "x",
                          std::string("ajar://host:1"), std::string("ajar://host/") + to_string(made.id),
                          std::string("ajar://host:0/") + to_string(made.id), std::string(10'000, 'a')}) {
    CHECK(parse_url(bad).error() == errc::url_malformed);
  }
}

}  // namespace url_test

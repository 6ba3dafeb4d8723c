// SPDX-License-Identifier: BSL-1.0
#include <tools/offer.hpp>

#include <doctest/doctest.h>

namespace offer_test {

using tools::offered;

TEST_CASE("what is offered is read as it was written, whatever octets a name has") {
  const std::vector<offered> all = {
      {"offer-a-1", "photos of 2004"}, {"offer-a-2", "Gr\xc3\xbc\xc3\x9f\x65\n"}, {"offer-a-3", "\xff"}};
  const auto read = tools::parse_offered(tools::to_text(all));
  REQUIRE(read);
  CHECK(*read == all);
}

TEST_CASE("nothing that a server says of an offer leads out of a folder, or names two things alike") {
  const auto refused = [](const std::vector<offered>& all) { return !tools::parse_offered(tools::to_text(all)); };
  CHECK(refused({}));
  CHECK(refused({{"offer-a-1", ""}}));
  CHECK(refused({{"offer-a-1", "."}}));
  CHECK(refused({{"offer-a-1", ".."}}));
  CHECK(refused({{"offer-a-1", "a/b"}}));
  CHECK(refused({{"offer-a-1", std::string("a\0b", 3)}}));
  CHECK(refused({{"offer-a-1", std::string(256, 'a')}}));
  CHECK(refused({{"offer/../a", "a"}}));
  CHECK(refused({{"offer-a-1", "a"}, {"offer-a-2", "a"}}));
  CHECK(refused({{"offer-a-1", "a"}, {"offer-a-1", "b"}}));
  std::vector<offered> many;
  for (int i = 0; i < 65; ++i) many.push_back({"offer-a-" + std::to_string(i), std::to_string(i)});
  CHECK(refused(many));
  CHECK_FALSE(tools::parse_offered("offer-a-1"));
  CHECK_FALSE(tools::parse_offered("offer-a-1 \n"));
  CHECK_FALSE(tools::parse_offered("offer-a-1 !\n"));
}

TEST_CASE("how an offer goes is read as it was written") {
  const tools::offer_state state{3, 1, 2, 123'456, "mzqxk2h5w7jfa by window"};
  CHECK(tools::parse_offer_state(tools::to_text(state)) == state);
  CHECK(tools::parse_offer_state(tools::to_text(tools::offer_state{})) == tools::offer_state{});
  for (const auto* text : {"", "1", "1 2 3", "1 2 3 4", "a 2 3 4 x", "1 2 3 99999999999999999999 x", "-1 2 3 4 x"}) {
    CAPTURE(text);
    CHECK_FALSE(tools::parse_offer_state(text));
  }
}

}  // namespace offer_test

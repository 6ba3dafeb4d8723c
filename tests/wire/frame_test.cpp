// SPDX-License-Identifier: BSL-1.0
#include <ajar/wire/frame.hpp>

#include <doctest/doctest.h>

namespace frame_test {

using namespace ajar;
using namespace ajar::wire;

TEST_CASE("frames come out whole wherever the stream is cut") {
  bytes stream;
  append_frame(stream, 1, as_bytes("first"));
  append_frame(stream, 2, {});
  append_frame(stream, 3, bytes(300, 9));
  for (std::size_t step = 1; step <= stream.size(); ++step) {
    frame_decoder decoder;
    std::vector<frame> got;
    for (std::size_t at = 0; at < stream.size(); at += step) {
      decoder.feed(bytes_view(stream).subspan(at, std::min(step, stream.size() - at)));
      for (auto next = decoder.next(); next && *next; next = decoder.next()) got.push_back(**next);
    }
    REQUIRE(got.size() == 3);
    CHECK(as_text(got[0].payload) == "first");
    CHECK(got[1].payload.empty());
    CHECK(got[2].payload == bytes(300, 9));
    CHECK(got[2].kind == 3);
    CHECK(decoder.at_boundary());
  }
}

TEST_CASE("an oversized frame is refused by its header") {
  frame_decoder decoder;
  decoder.feed(bytes{0xff, 0xff, 0xff, 1});
  CHECK(decoder.next().error() == errc::message_too_long);
  CHECK(decoder.next().error() == errc::message_too_long);
}

TEST_CASE("a stream that ends inside a frame is not at a boundary") {
  frame_decoder decoder;
  decoder.feed(bytes{0, 0, 5, 1, 'a'});
  CHECK(!decoder.next().value().has_value());
  CHECK(!decoder.at_boundary());
}

}  // namespace frame_test

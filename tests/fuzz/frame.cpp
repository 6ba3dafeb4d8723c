// SPDX-License-Identifier: BSL-1.0
// Frames from any octets, cut anywhere: no crash, no frame over the limit, and what comes out is what went in.
#include <ajar/wire/frame.hpp>

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t step = data[0] % 17 + 1;
  const ajar::bytes_view stream(data + 1, size - 1);
  ajar::wire::frame_decoder decoder;
  ajar::bytes again;
  for (std::size_t at = 0; at < stream.size(); at += step) {
    decoder.feed(stream.subspan(at, std::min(step, stream.size() - at)));
    for (;;) {
      const auto next = decoder.next();
      if (!next) return 0;
      if (!*next) break;
      if ((*next)->payload.size() > ajar::wire::max_payload) std::abort();
      ajar::wire::append_frame(again, (*next)->kind, (*next)->payload);
    }
  }
  if (again.size() > stream.size() || !std::equal(again.begin(), again.end(), stream.begin())) std::abort();
  return 0;
}

// SPDX-License-Identifier: BSL-1.0
// Messages of a link and of a proof from any octets: no crash, one encoding, and a roster that takes what parses.
#include <ajar/sessions/proof.hpp>
#include <ajar/signalling/roster.hpp>

#include <cstdlib>

namespace {

// Of another version's hello the version alone is kept, and of an unknown cause that it was none.
bool keeps_all(const ajar::signalling::message& what, ajar::bytes_view payload) {
  using namespace ajar::signalling;
  const auto known = [payload](ajar::errc why) {
    ajar::wire::reader in(payload.last(2));
    return in.number<std::uint16_t>() == static_cast<std::uint16_t>(why);
  };
  if (const auto* greeting = std::get_if<hello>(&what)) return greeting->version == ajar::signalling::protocol_version;
  if (const auto* last = std::get_if<goodbye>(&what)) return known(last->why);
  if (const auto* failed = std::get_if<failure>(&what)) return known(failed->why);
  return true;
}

void one_encoding(const ajar::wire::frame& from) {
  const auto parsed = ajar::signalling::parse(from);
  if (!parsed) return;
  ajar::bytes octets;
  ajar::wire::append_frame(octets, from.kind, from.payload);
  const auto again = ajar::signalling::to_frame(*parsed);
  if (keeps_all(*parsed, from.payload) && again != octets) std::abort();
  const auto* update = std::get_if<ajar::signalling::roster_update>(&*parsed);
  if (!update) return;
  constexpr std::size_t most = 3;
  ajar::signalling::roster taken(most);
  for (int times = 0; times < 2; ++times) {
    const auto changed = taken.apply(*update);
    if (taken.size() > most) std::abort();
    if (changed.size() > update->entries.size() + most) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ajar::bytes_view payload(data + 1, size - 1);
  if (payload.size() <= ajar::wire::max_payload) {
    one_encoding({data[0], ajar::bytes(payload.begin(), payload.end())});
  }
  const auto claimed = ajar::sessions::claim::decode(payload);
  if (!claimed) return 0;
  const auto again = claimed->encode();
  if (!std::equal(again.begin(), again.end(), payload.begin(), payload.end())) std::abort();
  return 0;
}

// SPDX-License-Identifier: BSL-1.0
// Invites from any text, and from any octets whose sum fits: no crash, and what is read is written the same. What
// central could answer to a redemption: nothing is believed.
#include <ajar/trust/redemption.hpp>

#include <cstdlib>
#include <string>

namespace {

void read(const std::string& text) {
  const auto made = ajar::trust::parse_invite(text);
  if (!made) return;
  const auto again = ajar::trust::parse_invite(to_text(*made));
  if (!again || to_text(*again) != to_text(*made)) std::abort();
}

const ajar::trust::redeemer& asking() {
  static const ajar::identity::key client = ajar::identity::key::generate();
  static const ajar::trust::invite with{};
  static const ajar::trust::redeemer made(with, client);
  return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ajar::bytes_view octets(data, size);
  read(std::string(ajar::as_text(octets)));
  ajar::bytes summed(octets.begin(), octets.end());
  const auto digest = ajar::crypto::hash(octets);
  summed.insert(summed.end(), digest.begin(), digest.begin() + ajar::trust::detail::invite_sum);
  read("ajar1" + ajar::to_base32(summed));
  if (asking().open(octets)) std::abort();
  return 0;
}

// SPDX-License-Identifier: BSL-1.0
// Statements and grant files from any octets: no crash, and what is read again is written the same (one encoding).
#include <ajar/trust/central_notice.hpp>
#include <ajar/trust/redemption.hpp>
#include <ajar/trust/revocations.hpp>
#include <ajar/trust/succession.hpp>
#include <ajar/trust/window_trace.hpp>

#include <cstdlib>

namespace {

template <class Body>
void one_encoding(ajar::bytes_view octets) {
  ajar::wire::reader in(octets);
  const auto body = ajar::wire::take<Body>(in);
  if (!in.finish()) return;
  ajar::bytes again;
  ajar::wire::writer out(again);
  ajar::wire::put(out, body);
  if (!std::equal(again.begin(), again.end(), octets.begin(), octets.end())) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ajar::bytes_view octets(data, size);
  one_encoding<ajar::trust::grant>(octets);
  one_encoding<ajar::trust::window_request>(octets);
  one_encoding<ajar::trust::window_answer>(octets);
  one_encoding<ajar::trust::window_trace>(octets);
  one_encoding<ajar::trust::revocations>(octets);
  one_encoding<ajar::trust::redemption>(octets);
  one_encoding<ajar::trust::redemption_answer>(octets);
  one_encoding<ajar::trust::central_notice>(octets);
  one_encoding<ajar::trust::succession>(octets);
  (void)ajar::trust::signed_grant::open(octets);
  (void)ajar::trust::parse_grant_file(ajar::as_text(octets));
  return 0;
}

// SPDX-License-Identifier: BSL-1.0
// ajar/testing/impl/pipe.ipp - what ajar/testing/pipe.hpp declares.
#pragma once

#include <ajar/testing/pipe.hpp>

namespace ajar::testing {

namespace detail {

AJAR_DECL void pipe::send(kind what, bytes some) {
  ++sent;
  if (lost && *lost) return;
  held += some.size();
  if (delay == clock::duration::zero()) return arrive(what, some);
  flying.push_back({clock::now() + delay, what, std::move(some)});
  if (flying.size() == 1) wait_for_first();
}

AJAR_DECL void pipe::arrive(kind what, const bytes& some) {
  const auto reader = to.lock();
  ++arrived;
  if (what == kind::answer) return;
  if (what == kind::question) {
    if (reader) reader->out->send(reader->open ? kind::answer : kind::reset);
    return;
  }
  if (what == kind::octets && !ended) octets.insert(octets.end(), some.begin(), some.end());
  if (what == kind::reset) {
    reset = true;
    octets.clear();
  }
  ended = ended || what != kind::octets;
  if (!reader) return;
  if (what == kind::closed || what == kind::reset) reader->out->refused = true;
  reader->wake.cancel();
}

AJAR_DECL void pipe::wait_for_first() {
  arrival.expires_at(flying.front().due);
  arrival.async_wait([self = shared_from_this()](std::error_code) {
    while (!self->flying.empty() && self->flying.front().due <= clock::now()) {
      const auto first = std::move(self->flying.front());
      self->flying.pop_front();
      self->arrive(first.what, first.octets);
    }
    if (!self->flying.empty()) self->wait_for_first();
  });
}

}  // namespace detail

}  // namespace ajar::testing

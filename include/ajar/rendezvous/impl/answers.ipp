// SPDX-License-Identifier: BSL-1.0
// ajar/rendezvous/impl/answers.ipp - what ajar/rendezvous/answers.hpp declares.
#pragma once

#include <ajar/rendezvous/answers.hpp>

#include <ajar/core/deadline.hpp>

#include <utility>

namespace ajar::rendezvous {

AJAR_DECL awaitable<answers::one> answers::inbox::next(time_point until) const {
  while (got_->came.empty()) {
    auto change = of_->changed_.wait();
    auto changed = co_await before(until, errc::exchange_timeout, std::move(change));
    if (!changed) co_return one{fail(changed.error()), clock::now()};
  }
  auto came = std::move(got_->came.front());
  got_->came.pop_front();
  co_return came;
}

AJAR_DECL awaitable<std::optional<signalling::trace>> answers::inbox::trace(time_point until) const {
  const auto closings = of_->closings_;
  while (!got_->told && of_->closings_ == closings) {
    auto change = of_->changed_.wait();
    auto changed = co_await before(until, errc::exchange_timeout, std::move(change));
    if (!changed) break;
  }
  co_return got_->told;
}

}  // namespace ajar::rendezvous

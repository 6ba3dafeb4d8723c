// SPDX-License-Identifier: BSL-1.0
// ajar/files/impl/file_service.ipp - what ajar/files/file_service.hpp declares.
#pragma once

#include <ajar/files/file_service.hpp>

#include <ajar/core/deadline.hpp>

#include <utility>

namespace ajar::files {

AJAR_DECL awaitable<result<crypto::digest>> file_digests::of(std::shared_ptr<const shared_file> file, std::string key) {
  while (running_ >= most_running) {
    auto waited = co_await turn_.wait();
    if (!waited) co_return fail(waited.error());
  }
  if (const auto* known = find(key)) co_return *known;
  const running one(*this);
  crypto::sha256 sum;
  bytes piece(slice);
  std::uint64_t place = 0;
  for (;;) {
    const auto count = file->read_at(place, piece);
    if (!count) co_return fail(count.error());
    if (*count == 0) break;
    sum.add(bytes_view(piece).first(*count));
    place += *count;
    auto others = co_await yield(ajar::patience::keeps_core);
    if (!others) co_return fail(others.error());
  }
  const auto same = file->unchanged();
  if (!same) co_return fail(same.error());
  const auto value = sum.finish();
  kept_.emplace_back(std::move(key), value);
  if (kept_.size() > most_kept) kept_.pop_front();
  co_return value;
}

}  // namespace ajar::files

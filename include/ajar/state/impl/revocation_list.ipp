// SPDX-License-Identifier: BSL-1.0
// ajar/state/impl/revocation_list.ipp - what ajar/state/revocation_list.hpp declares.
#pragma once

#include <ajar/state/revocation_list.hpp>

#include <algorithm>
#include <chrono>
#include <tuple>

namespace ajar::state {

AJAR_DECL result<std::optional<trust::signed_revocations>> revocation_list::kept() const {
  auto file = in_.read(name);
  if (!file) return fail(file.error());
  if (!*file) return std::optional<trust::signed_revocations>();
  auto list = trust::signed_revocations::open(**file);
  if (!list || list->signer() != server_) return std::optional<trust::signed_revocations>();
  return std::optional(std::move(*list));
}

AJAR_DECL result<trust::signed_revocations> revocation_list::sign(std::map<trust::grant_id, wall_time> all,
                                                                  const trust::revocations& other,
                                                                  const identity::key& self) const {
  const auto before = kept();
  if (!before) return fail(before.error());
  trust::revocations made;
  made.serial = std::max(other.serial, by_the_clock());
  for (const auto& one : other.entries) all.emplace(one.grant, one.not_after);
  if (*before) {
    made.serial = std::max(made.serial, (*before)->body().serial);
    for (const auto& one : (*before)->body().entries) all.emplace(one.grant, one.not_after);
  }
  ++made.serial;
  for (const auto& [id, end] : all) {
    if (end > wall_now()) made.entries.push_back({id, end});  // in seconds: year 9999 has too many nanoseconds
  }
  std::ranges::sort(made.entries, [](const auto& a, const auto& b) {
    return std::tie(b.not_after, a.grant) < std::tie(a.not_after, b.grant);
  });
  if (made.entries.size() > trust::revocations::most_entries) made.entries.resize(trust::revocations::most_entries);
  auto signed_one = trust::signed_revocations::sign(std::move(made), self);
  auto written = in_.write(name, signed_one.octets());
  if (!written) return fail(written.error());
  return signed_one;
}

AJAR_DECL std::uint64_t revocation_list::by_the_clock() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto passed = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  return static_cast<std::uint64_t>(std::max<std::int64_t>(passed, 0));
}

}  // namespace ajar::state

// SPDX-License-Identifier: BSL-1.0
// ajar/switchboard/rendezvous_account.hpp - how many requests central carried, and what became of them.
#pragma once

#include <ajar/telling/cause_counts.hpp>

#include <cstdint>

namespace ajar::switchboard {

/// Of one shard, or of all.
struct rendezvous_account {
  std::uint64_t begun = 0;        ///< commanded to a server
  std::uint64_t answered = 0;     ///< by a server: with a port, or with a refusal that central does not read
  std::uint64_t ended = 0;        ///< answered or not, nothing can come of them any more
  telling::cause_counts refused;  ///< by central: not commanded, or not answered in time; and grants that it refused

  std::uint64_t in_flight() const noexcept { return begun - ended; }
  void add(const rendezvous_account& other) {
    begun += other.begun;
    answered += other.answered;
    ended += other.ended;
    refused.add(other.refused);
  }
};

}  // namespace ajar::switchboard

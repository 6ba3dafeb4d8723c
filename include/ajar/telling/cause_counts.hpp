// SPDX-License-Identifier: BSL-1.0
// ajar/telling/cause_counts.hpp - how often something failed, by cause.
#pragma once

#include <ajar/telling/cause_name.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace ajar::telling {

/// Counts by cause. There are only so many causes, so it is bounded; a cause that came before costs no allocation.
class cause_counts {
 public:
  void add(const std::error_code& why, std::uint64_t times = 1) {
    counts_[{&why.category(), why.value()}] += times;
    total_ += times;
  }
  /// What another one counted, such as that of another thread.
  void add(const cause_counts& other) {
    for (const auto& [cause, times] : other.counts_) counts_[cause] += times;
    total_ += other.total_;
  }

  std::uint64_t total() const noexcept { return total_; }
  std::uint64_t of(const std::error_code& why) const {
    const auto found = counts_.find({&why.category(), why.value()});
    return found == counts_.end() ? 0 : found->second;
  }
  /// By name, in the order of names.
  std::map<std::string, std::uint64_t> by_name() const {
    std::map<std::string, std::uint64_t> named;
    for (const auto& [cause, times] : counts_) named[cause_name(std::error_code(cause.second, *cause.first))] += times;
    return named;
  }

 private:
  std::map<std::pair<const std::error_category*, int>, std::uint64_t> counts_;
  std::uint64_t total_ = 0;
};

}  // namespace ajar::telling

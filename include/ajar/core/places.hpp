// SPDX-License-Identifier: BSL-1.0
// ajar/core/places.hpp - how many of a kind are there, counted from the decision to the end.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <utility>

namespace ajar {

/// A place that something takes; it is given back with the last copy. Empty: it counts nowhere.
using place = std::shared_ptr<const void>;

/// Counts, for each key, what is there or on its way in. Whoever decides takes the place in the same step, so that what
/// is decided meanwhile counts it; however the thing ends, its place is given back.
///
/// Threads: one executor. Places may outlive this.
template <class Key>
class places {
 public:
  /// One more of `whose`.
  [[nodiscard]] place take(const Key& whose) { return std::make_shared<taken_place>(all_, whose); }

  std::size_t taken(const Key& whose) const {
    const auto at = all_->of.find(whose);
    return at == all_->of.end() ? 0 : at->second;
  }
  std::size_t taken() const noexcept { return all_->sum; }

 private:
  struct counts {
    std::map<Key, std::size_t> of;
    std::size_t sum = 0;
  };
  class taken_place {
   public:
    taken_place(std::shared_ptr<counts> in, const Key& whose)
        : in_(std::move(in)), at_(in_->of.try_emplace(whose).first) {
      ++at_->second;
      ++in_->sum;
    }
    taken_place(const taken_place&) = delete;
    taken_place& operator=(const taken_place&) = delete;
    ~taken_place() {
      --in_->sum;
      if (--at_->second == 0) in_->of.erase(at_);
    }

   private:
    std::shared_ptr<counts> in_;
    typename std::map<Key, std::size_t>::iterator at_;
  };

  std::shared_ptr<counts> all_ = std::make_shared<counts>();
};

}  // namespace ajar

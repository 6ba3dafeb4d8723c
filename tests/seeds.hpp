// SPDX-License-Identifier: BSL-1.0
// Where the chances of a test begin: AJAR_SEED=NUMBER repeats a run, AJAR_LONG draws a new one each time. Whoever uses
// one prints it where he fails (CAPTURE, at the test case: a coroutine may not hold it while it waits).
#pragma once

#include <cstdlib>
#include <initializer_list>
#include <random>
#include <string>
#include <vector>

/// These, and at length (./dev test --long) a new one too; the one that was asked for, alone.
inline std::vector<unsigned> seeds(std::initializer_list<unsigned> fixed) {
  if (const char* const asked = std::getenv("AJAR_SEED")) return {static_cast<unsigned>(std::stoul(asked))};
  std::vector<unsigned> all(fixed);
  if (std::getenv("AJAR_LONG")) all.push_back(std::random_device()());
  return all;
}

/// One of them: at length the new one.
inline unsigned seed_or(unsigned fixed) { return seeds({fixed}).back(); }

// SPDX-License-Identifier: BSL-1.0
// A status answer for a person.
#pragma once

#include "status_json.hpp"

#include <cstdint>
#include <string>

namespace tools {

// "3.2 us", "17 ms", "2 h 5 min"
std::string spoken_time(std::uint64_t ns);

// "17 B", "3.2 MB": powers of ten
std::string spoken_size(std::uint64_t octets);

// One process, without a line's end at its end. What came from elsewhere is escaped.
class status_table {
 public:
  using json = nlohmann::ordered_json;

  static std::string text(const json& one);
};

}  // namespace tools

// SPDX-License-Identifier: BSL-1.0
// Status answers as Prometheus metrics.
#pragma once

#include "status_json.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace tools {

// The metrics of all processes of one kind; of clients there may be several, told apart by their pid.
class status_metrics {
 public:
  using json = nlohmann::ordered_json;

  // `tool` is ajar-server, ajar-client or ajar-central.
  static std::string text(std::string_view tool, const std::vector<json>& all);
};

}  // namespace tools

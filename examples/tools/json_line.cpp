// SPDX-License-Identifier: BSL-1.0
#include "json_line.hpp"

#include <ajar/core/bytes.hpp>

#include <nlohmann/json.hpp>
#include <vector>

namespace tools {

json_line& json_line::put(std::string_view name, std::string_view written) {
  members_.append(members_.empty() ? "\"" : ",\"").append(name).append("\":").append(written);
  return *this;
}

json_line& json_line::with(std::string_view name, std::string_view value) {
  return put(name, nlohmann::ordered_json(value).dump(-1, ' ', how_ == texts::ascii,
                                                      nlohmann::ordered_json::error_handler_t::replace));
}

json_line& json_line::with_octets(const std::string& name, std::string_view value) {
  return ajar::is_utf8(value) ? with(name, value) : with(name + "_base64", ajar::to_base64(ajar::as_bytes(value)));
}

json_line& json_line::with(std::string_view name, double value) {
  return put(name, nlohmann::ordered_json(value).dump());
}

json_line& json_line::with(std::string_view name, const std::vector<json_line>& value) {
  std::string all;
  for (const auto& one : value) all.append(all.empty() ? "" : ",").append(one.text());
  return put(name, "[" + all + "]");
}

json_line& json_line::with_all(const json_line& other) {
  members_.append(members_.empty() || other.members_.empty() ? "" : ",").append(other.members_);
  return *this;
}

}  // namespace tools

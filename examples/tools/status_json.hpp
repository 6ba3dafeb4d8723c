// SPDX-License-Identifier: BSL-1.0
// What a running tool answers to "status": JSON, from which the asking tool makes a table or metrics.
// For status*.cpp and tests alone: nlohmann/json takes long to compile.
#pragma once

#include <ajar/central/status.hpp>
#include <ajar/client/status.hpp>
#include <ajar/net/reflection.hpp>
#include <ajar/server/status.hpp>

#include <nlohmann/json.hpp>
#include <string>

namespace tools {

using json = nlohmann::ordered_json;

inline constexpr int status_version = 1;

// Without exceptions for what is no UTF-8.
inline std::string dumped(const json& what) { return what.dump(-1, ' ', false, json::error_handler_t::replace); }

json json_of(const ajar::net::reflection& from);
json json_of(const ajar::server_status& from);
json json_of(const ajar::client_status& from);
json json_of(const ajar::central_status& from);

}  // namespace tools

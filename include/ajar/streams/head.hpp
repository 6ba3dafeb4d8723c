// SPDX-License-Identifier: BSL-1.0
// ajar/streams/head.hpp - what a request and an answer say before their bodies.
#pragma once

#include <ajar/core/result.hpp>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ajar::streams {

/// Which side of HTTP/2 one is. It follows from who is client and who is server, never from who dialled.
enum class http_role { client, server };

/// A head with all its names and values, 32 octets added for each (RFC 9113 section 6.5.2): more is refused.
inline constexpr std::size_t longest_head = 16 * 1024;

/// The fields of a head, in order; names in lower case.
class field_list {
 public:
  field_list() = default;

  field_list& add(std::string name, std::string value) {
    fields_.emplace_back(std::move(name), std::move(value));
    return *this;
  }
  /// The first value of that name.
  std::optional<std::string_view> find(std::string_view name) const {
    const auto at = std::find_if(fields_.begin(), fields_.end(), [&](const auto& one) { return one.first == name; });
    if (at == fields_.end()) return std::nullopt;
    return std::string_view(at->second);
  }
  auto begin() const noexcept { return fields_.begin(); }
  auto end() const noexcept { return fields_.end(); }
  std::size_t size() const noexcept { return fields_.size(); }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

/// What a client asks. CONNECT has an authority and no path (RFC 9113 section 8.5); the rest has a path.
class request {
 public:
  request() = default;
  request(std::string method, std::string path) : method_(std::move(method)), path_(std::move(path)) {}

  /// A two-way stream to a named service.
  static request connect(std::string authority) {
    request made("CONNECT", "");
    made.authority_ = std::move(authority);
    return made;
  }

  request& with(std::string name, std::string value) {
    fields_.add(std::move(name), std::move(value));
    return *this;
  }
  request& authority(std::string text) {
    authority_ = std::move(text);
    return *this;
  }
  /// One of HTTP/2's pseudo fields, as it came (RFC 9113 section 8.3.1); others mean nothing here.
  void pseudo(std::string_view name, std::string value) {
    if (name == ":method") {
      method_ = std::move(value);
    } else if (name == ":path") {
      path_ = std::move(value);
    } else if (name == ":authority") {
      authority_ = std::move(value);
    }
  }

  const std::string& method() const noexcept { return method_; }
  const std::string& path() const noexcept { return path_; }
  const std::string& authority() const noexcept { return authority_; }
  const field_list& fields() const noexcept { return fields_; }

 private:
  std::string method_ = "GET";
  std::string path_ = "/";
  std::string authority_;
  field_list fields_;
};

/// What a server answers.
class response {
 public:
  response() = default;
  explicit response(unsigned status) : status_(status) {}

  response& with(std::string name, std::string value) {
    fields_.add(std::move(name), std::move(value));
    return *this;
  }

  unsigned status() const noexcept { return status_; }
  bool ok() const noexcept { return status_ >= 200 && status_ < 300; }
  const field_list& fields() const noexcept { return fields_; }

 private:
  unsigned status_ = 200;
  field_list fields_;
};

}  // namespace ajar::streams

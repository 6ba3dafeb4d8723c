// SPDX-License-Identifier: BSL-1.0
// One JSON object on a line, for programs.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace tools {

// Member by member, in this order. Names are the program's own: they need no escapes.
class json_line {
 public:
  // Of either kind, what is no UTF-8 becomes U+FFFD.
  enum class texts {
    as_they_are,
    ascii  // all else is escaped
  };

  explicit json_line(texts how = texts::as_they_are) : how_(how) {}

  json_line& with(std::string_view name, std::string_view value);
  json_line& with(std::string_view name, const char* value) { return with(name, std::string_view(value)); }
  json_line& with(std::string_view name, double value);
  json_line& with(std::string_view name, const json_line& value) { return put(name, value.text()); }
  json_line& with(std::string_view name, const std::vector<json_line>& value);
  template <std::integral Value>
  json_line& with(std::string_view name, Value value) {
    if constexpr (std::is_same_v<Value, bool>) {
      return put(name, value ? "true" : "false");
    } else {
      return put(name, std::to_string(value));
    }
  }
  // null where there is none.
  template <class Value>
  json_line& with(std::string_view name, const std::optional<Value>& value) {
    return value ? with(name, *value) : put(name, "null");
  }
  // What may be any octets, such as a path: as NAME_base64 where it is no UTF-8.
  json_line& with_octets(const std::string& name, std::string_view value);
  // The members of another as well.
  json_line& with_all(const json_line& other);

  // Without the line's end.
  std::string text() const { return "{" + members_ + "}"; }

 private:
  json_line& put(std::string_view name, std::string_view written);

  texts how_;
  std::string members_;
};

}  // namespace tools

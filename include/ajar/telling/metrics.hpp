// SPDX-License-Identifier: BSL-1.0
// ajar/telling/metrics.hpp - figures as Prometheus reads them.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ajar::telling {

/// Writes the text exposition format 0.0.4: HELP and TYPE of each metric once, then its samples.
///
/// Source: https://prometheus.io/docs/instrumenting/exposition_formats/
class metrics {
 public:
  using labels = std::vector<std::pair<std::string_view, std::string>>;

  /// A value that only grows while the process runs; its name ends with _total.
  metrics& counter(std::string_view name, std::string_view help) { return begin(name, "counter", help); }
  /// A value of now.
  metrics& gauge(std::string_view name, std::string_view help) { return begin(name, "gauge", help); }

  /// A sample of the metric that was begun last. Not negative.
  metrics& sample(std::uint64_t value, const labels& with = {}) { return sample_text(std::to_string(value), with); }

  /// Of a metric whose name has _seconds: to the nanosecond.
  metrics& sample(std::chrono::nanoseconds time, const labels& with = {}) {
    constexpr std::int64_t second = 1'000'000'000;
    auto fraction = std::to_string(second + time.count() % second).substr(1);
    fraction.erase(fraction.find_last_not_of('0') + 1);
    return sample_text(std::to_string(time.count() / second) + (fraction.empty() ? "" : "." + fraction), with);
  }

  const std::string& text() const noexcept { return text_; }

 private:
  metrics& begin(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    text_.append("# HELP ").append(name).append(" ");
    append_escaped(help, false);
    text_.append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
    return *this;
  }

  metrics& sample_text(std::string_view value, const labels& with) {
    text_ += name_;
    char before = '{';
    for (const auto& [label, content] : with) {
      text_ += before;
      text_.append(label).append("=\"");
      append_escaped(content, true);
      text_ += '"';
      before = ',';
    }
    if (!with.empty()) text_ += '}';
    text_.append(" ").append(value).append("\n");
    return *this;
  }

  // Backslash, line feed and, in a label, the quote are the format's; other octets that are no printable ASCII could
  // only hurt whoever reads the file.
  void append_escaped(std::string_view from, bool label) {
    constexpr std::string_view digits = "0123456789abcdef";
    for (const char c : from) {
      const auto octet = static_cast<unsigned char>(c);
      if (c == '\\') {
        text_ += "\\\\";
      } else if (c == '\n') {
        text_ += "\\n";
      } else if (c == '"' && label) {
        text_ += "\\\"";
      } else if (octet >= 0x20 && octet < 0x7f) {
        text_ += c;
      } else {
        text_.append("\\\\x").append(1, digits[octet >> 4]).append(1, digits[octet & 15]);
      }
    }
  }

  std::string text_;
  std::string name_;
};

}  // namespace ajar::telling

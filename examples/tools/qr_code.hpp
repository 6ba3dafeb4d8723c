// SPDX-License-Identifier: BSL-1.0
// A text as a QR code (ISO/IEC 18004) of block characters, for a terminal and a telephone's camera.
#pragma once

#include <string>
#include <string_view>

#ifdef AJAR_QR_CODES
#include <qrencode.h>
#include <algorithm>
#include <memory>
#endif

namespace tools {

#ifdef AJAR_QR_CODES

inline constexpr bool has_qr_codes = true;

// Light where the code is light, so that it is read from a dark terminal; case is given up, which makes the code
// smaller. Empty where the text is too long.
inline std::string qr_code(std::string_view text) {
  constexpr int quiet = 4;  // the zone around it
  std::string upper(text);
  std::ranges::transform(upper, upper.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  const std::unique_ptr<QRcode, decltype(&QRcode_free)> made(
      QRcode_encodeString(upper.c_str(), 0, QR_ECLEVEL_L, QR_MODE_8, 1), &QRcode_free);
  if (!made) return {};
  const auto dark = [&](int x, int y) {
    const bool inside = x >= 0 && y >= 0 && x < made->width && y < made->width;
    return inside && (made->data[y * made->width + x] & 1) != 0;
  };
  std::string lines;
  for (int y = -quiet; y < made->width + quiet; y += 2) {
    for (int x = -quiet; x < made->width + quiet; ++x) {
      const bool above = dark(x, y);
      const bool below = dark(x, y + 1);
      lines += above ? (below ? " " : "▄") : (below ? "▀" : "█");
    }
    lines += '\n';
  }
  return lines;
}

#else

inline constexpr bool has_qr_codes = false;
inline std::string qr_code(std::string_view) { return {}; }

#endif

}  // namespace tools

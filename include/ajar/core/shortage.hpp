// SPDX-License-Identifier: BSL-1.0
// ajar/core/shortage.hpp - what this process or machine is short of, and what that says of nothing else.
#pragma once

#include <string_view>
#include <system_error>

namespace ajar {

/// True where the system had no descriptor or no memory left. By value: Asio's category does not know that its codes
/// are std::errc's.
inline bool is_shortage(const std::error_code& why) noexcept {
  const auto& from = why.category();
  if (from != std::generic_category() && from != std::system_category() &&
      from.name() != std::string_view("asio.system"))
    return false;
  const std::error_code plain(why.value(), std::generic_category());
  for (const auto shortage : {std::errc::too_many_files_open, std::errc::too_many_files_open_in_system,
                              std::errc::no_buffer_space, std::errc::not_enough_memory}) {
    if (plain == shortage) return true;
  }
  return false;
}

/// A shortage as the plain code of the system; for all else that fails the cause that it stands for here.
inline std::error_code shortage_or(const std::error_code& why, const std::error_code& otherwise) noexcept {
  return is_shortage(why) ? std::error_code(why.value(), std::generic_category()) : otherwise;
}

namespace detail {

// What to do about a shortage.
inline std::string_view shortage_advice(const std::error_code& why) noexcept {
  const std::error_code plain(why.value(), std::generic_category());
  if (plain == std::errc::too_many_files_open)
    return "this process may have too few descriptors: raise ulimit -n, or LimitNOFILE= of its unit";
  if (plain == std::errc::too_many_files_open_in_system)
    return "this machine has no descriptor left: end something else, or raise fs.file-max";
  return "this machine has no memory left for that: end something else";
}

}  // namespace detail

}  // namespace ajar

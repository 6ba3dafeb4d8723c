// SPDX-License-Identifier: BSL-1.0
#include "console.hpp"

#include "complaint.hpp"
#include "private_memory.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <utility>

namespace tools {

std::string text_option(const settings& given, const char* name) { return given.as<std::string>(name); }

std::vector<std::string> list_option(const settings& given, const char* name) {
  return given.as<std::vector<std::string>>(name);
}

bool clock_is_set(std::string_view tool) {
  const auto now = ajar::wall_now();
  if (is_possible(now)) return true;
  complain_in_words(
      tool, local_trouble,
      "this machine's clock says " + date_of(now) + ", and what is signed begins and ends by it: set it first");
  return false;
}

std::optional<node> open_node(std::string_view tool, std::string_view kind, const std::string& option) {
  keep_memory_private();
  auto place = ajar::state::folder::place(option, kind);
  auto state = place ? ajar::state::folder::open(*place) : ajar::result<ajar::state::folder>(ajar::fail(place.error()));
  if (!state) {
    complain(tool, place ? *place : std::string("state folder"), state.error());
    return std::nullopt;
  }
  auto key = state->load_key();
  if (!key) {
    complain(tool, state->path() + "/key", key.error());
    return std::nullopt;
  }
  auto successor = state->successor();
  if (!successor) {
    complain(tool, state->path() + "/key.successor", successor.error());
    return std::nullopt;
  }
  auto former = state->former();
  if (!former) {
    complain(tool, state->path() + "/key.former", former.error());
    return std::nullopt;
  }
  return node{std::move(*state), std::move(*key), std::move(*successor), std::move(*former)};
}

std::optional<ajar::state::folder::hold> hold_state(std::string_view tool, const ajar::state::folder& state) {
  auto held = state.try_lock();
  if (held) return std::move(*held);
  const bool runs = held.error() == ajar::errc::would_block;
  complain(tool, state.path(), runs ? make_error_code(ajar::errc::already_running) : held.error());
  return std::nullopt;
}

std::optional<std::chrono::seconds> parse_duration(std::string_view text) {
  if (text.size() < 2) return std::nullopt;
  std::int64_t unit = 0;
  switch (text.back()) {
    case 's':
      unit = 1;
      break;
    case 'm':
      unit = 60;
      break;
    case 'h':
      unit = 3600;
      break;
    case 'd':
      unit = 86400;
      break;
    default:
      return std::nullopt;
  }
  text.remove_suffix(1);
  std::int64_t count = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), count);
  constexpr std::int64_t hundred_years = 100LL * 366 * 86400;
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size() || count <= 0 ||
      count > hundred_years / unit) {
    return std::nullopt;
  }
  return std::chrono::seconds(count * unit);
}

std::optional<std::chrono::seconds> parse_patience(std::string_view text) {
  return text == "0s" ? std::chrono::seconds(0) : parse_duration(text);
}

void keep_standard_numbers() {
  for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(number, F_GETFD) < 0 && errno == EBADF) {
      const int other = ::open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY);  // to use it stays an error
      if (other >= 0 && other != number) ::close(other);
    }
  }
}

}  // namespace tools

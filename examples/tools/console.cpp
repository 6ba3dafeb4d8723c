// SPDX-License-Identifier: BSL-1.0
// examples/tools/console.cpp - how a tool begins, and what it says: line_writer.hpp, console.hpp, step_log.hpp,
// begin.hpp, reload.hpp.
#include "console.hpp"

#include "begin.hpp"
#include "completion.hpp"
#include "doctor.hpp"
#include "help.hpp"
#include "json_line.hpp"
#include "manual.hpp"
#include "private_memory.hpp"
#include "reload.hpp"
#include "settings_report.hpp"
#include "step_log.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <utility>

namespace tools {

// ---- line_writer.hpp

namespace {

std::uint64_t lines_in(std::string_view text) { return static_cast<std::uint64_t>(std::ranges::count(text, '\n')); }

}  // namespace

line_writer::line_writer(int to, loss_line loss) : to_(to), loss_(std::move(loss)) {
  struct stat status{};
  if (::fstat(to, &status) != 0) return;
  socket_ = S_ISSOCK(status.st_mode);
  if (!S_ISFIFO(status.st_mode) && !::isatty(to)) return;  // what takes all at once
  may_stall_ = true;
  // not O_NONBLOCK on theirs: others share it. An open of the same pipe or terminal has flags of its own.
  const auto same = fmt::format("/proc/self/fd/{}", to);
  own_ = ajar::descriptor(::open(same.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}

void line_writer::put(std::string_view lines) {
  const std::lock_guard guard(mutex_);
  drain();
  // once something was lost, nothing more is taken until the rest has left: the line that tells of it stands there
  if (!waiting_.empty() && (untold_ > 0 || waiting_.size() + lines.size() > largest_queue)) return lose(lines);
  if (untold_ > 0 && loss_) waiting_ = loss_(untold_);
  untold_ = 0;
  waiting_ += lines;
  drain();
}

void line_writer::finish(std::chrono::milliseconds longest) {
  const std::lock_guard guard(mutex_);
  const auto until = std::chrono::steady_clock::now() + longest;
  for (drain(); !waiting_.empty(); drain()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
    pollfd ready{own_ ? own_.get() : to_, POLLOUT, 0};
    if (left <= 0 || ::poll(&ready, 1, static_cast<int>(left)) == 0) return;
  }
}

void line_writer::lose(std::string_view lines) {
  all_lost_ += lines_in(lines);
  untold_ += lines_in(lines);
}

void line_writer::drain() {
  while (!waiting_.empty()) {
    const auto count = write_some();
    if (count >= 0) {
      waiting_.erase(0, static_cast<std::size_t>(count));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return;
    const auto gone = std::exchange(waiting_, {});  // closed, or a full disk: the next line will see
    lose(gone);
  }
}

ssize_t line_writer::write_some() {
  if (socket_) return ::send(to_, waiting_.data(), waiting_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (own_) return ::write(own_.get(), waiting_.data(), waiting_.size());
  if (!may_stall_) return ::write(to_, waiting_.data(), waiting_.size());
  // another user's pipe: what is ready takes this much (pipe(7))
  constexpr std::size_t taken_at_once = 512;
  pollfd ready{to_, POLLOUT, 0};
  if (::poll(&ready, 1, 0) > 0) return ::write(to_, waiting_.data(), std::min(waiting_.size(), taken_at_once));
  errno = EAGAIN;
  return -1;
}

line_writer& standard_error() {
  static line_writer one(STDERR_FILENO, [](std::uint64_t lines) {
    return fmt::format("{} lines were lost here: whoever reads them was too slow, or could not keep them\n", lines);
  });
  return one;
}

// ---- console.hpp

std::string text_option(const settings& given, const char* name) { return given.as<std::string>(name); }

std::vector<std::string> list_option(const settings& given, const char* name) {
  return given.as<std::vector<std::string>>(name);
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
  return node{std::move(*state), std::move(*key)};
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

// ---- step_log.hpp

step_format step_format_of(std::string_view name) {
  return name == "json" ? step_format::json : name == "text" ? step_format::text : step_format::logfmt;
}

std::string on_one_line(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string safe;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet >= 0x20 && octet < 0x7f) {
      safe += c;
    } else {
      safe.append("\\x").append(1, digits[octet >> 4]).append(1, digits[octet & 15]);
    }
  }
  return safe;
}

std::string step_line(std::string_view who, step_format format, const ajar::telling::step& one,
                      ajar::telling::log_line::instant now) {
  if (format == step_format::trace) {
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(one.at.time_since_epoch()).count();
    json_line line(json_line::texts::ascii);
    line.with("us", us).with("who", who).with("letter", one.letter).with("what", one.what).with("detail", one.detail);
    return line.text();
  }
  if (format == step_format::text) {
    return fmt::format("{}: {:1} {}{}{}", who, one.letter, one.what, one.detail.empty() ? "" : ": ",
                       on_one_line(one.detail));
  }
  ajar::telling::log_line line(now, one.level, one.what);
  line.with("who", who);
  if (!one.letter.empty()) line.with("step", one.letter);
  if (!one.detail.empty()) line.with("detail", one.detail);
  return format == step_format::json ? line.json() : line.logfmt();
}

std::string step_line_now(std::string_view who, step_format format, const ajar::telling::step& one) {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  return step_line(who, format, one, now) + "\n";
}

ajar::telling::step_sink step_log(const std::string& who, step_format format, line_writer& to) {
  return [who, format, &to](const ajar::telling::step& one) { to.put(step_line_now(who, format, one)); };
}

line_writer& log_of_steps(const std::string& who, step_format format, int descriptor) {
  static line_writer one(descriptor, [who, format](std::uint64_t lines) {
    return step_line_now(who, format,
                         {ajar::clock::now(), "", "lines of this log were lost",
                          std::to_string(lines) + ": its reader was too slow, or could not keep them",
                          ajar::telling::log_level::warning});
  });
  return one;
}

ajar::telling::step_sink steps_as_told(const std::string& who, const settings& given) {
  const bool traced = given.count("json") != 0;
  if (given.count("quiet") && !traced) return {};
  const auto format = traced ? step_format::trace : step_format_of(given.as<std::string>("log"));
  return step_log(who, format, log_of_steps(who, format, traced ? STDOUT_FILENO : STDERR_FILENO));
}

// ---- begin.hpp

namespace {

void complain_of(const option_table& table, const mistakes& all) {
  for (const auto& one : all) complain_in_words(table.tool(), usage, one);
}

// config, and config --check FILE.
int tell_settings(const option_table& table, const settings& given) {
  if (given.count("check")) {
    const auto path = given.as<std::string>("check");
    const auto file = read_settings_file(table, path);
    if (!file) {
      complain_of(table, file.error());
      return usage;
    }
    fmt::print("{}: good\n", path);
    return success;
  }
  fmt::print("{}", given.count("json") ? settings_as_json(table, given) : settings_as_toml(table, given));
  return success;
}

int no_command(const option_table& table, const std::string& said) {
  const auto* meant = table.nearest_command(said);
  const auto hint = meant ? "did you mean " + meant->name + "?" : "'" + table.tool() + " help' lists them";
  return complain_in_words(table.tool(), usage,
                           fmt::format("there is no command '{}': {}", ajar::escaped(said, 64), hint));
}

// help, help COMMAND, and COMMAND --help.
int help(const option_table& table, std::string_view examples, const std::string& about) {
  if (about.empty()) {
    fmt::print("{}", help_of(table, examples));
    return success;
  }
  const auto* one = table.find_command(about);
  if (!one) return no_command(table, about);
  fmt::print("{}", help_of(table, examples, *one));
  return success;
}

}  // namespace

std::variant<settings, int> begin(const option_table& table, const char* examples, int count,
                                  const char* const* words) {
  complain_as_json(
      std::any_of(words, words + count, [](const char* one) { return one == std::string_view("--json"); }));
  auto given = read_settings(table, count, words);
  if (!given) {
    complain_of(table, given.error());
    return usage;
  }
  complain_as_json(given->count("json") != 0);
  const auto command = given->as<std::string>("command");
  if (given->count("version")) {
    fmt::print("{}", versions_of(table.tool()));
    return success;
  }
  if (given->count("help")) return help(table, examples, command);
  if (given->count("man")) {
    fmt::print("{}", manual_of(table, examples));
    return success;
  }
  if (command == "help") return help(table, examples, given->as<std::string>("words"));
  if (!command.empty() && !table.find_command(command)) return no_command(table, command);
  if (command == "config") return tell_settings(table, *given);
  if (command != "completion") return std::move(*given);
  const auto script = completion(table, given->as<std::string>("words"));
  if (script.empty()) {
    return complain_in_words(
        table.tool(), usage,
        fmt::format("completion is for {}: {} completion bash", listed(completion_shells()), table.tool()));
  }
  fmt::print("{}", script);
  return success;
}

// ---- reload.hpp

std::optional<settings> reload::read() const {
  auto now = read_settings(table_, count_, words_);
  if (now) return std::move(*now);
  for (const auto& one : now.error()) keep(one);
  return std::nullopt;
}

void reload::taken(const settings& now) const {
  for (const auto& name : wanting_restart(table_, "run", before_, now)) {
    const auto* entry = now.find(name);
    const bool in_file = entry && entry->from == settings::source::file;
    say("a changed setting needs a restart", in_file ? now.where(name) : name);
  }
  ajar::telling::report_step(said_, "", "read the settings again",
                             now.file().empty() ? "there is no file" : now.file());
}

void reload::say(std::string_view what, const std::string& detail) const {
  if (!said_) tell("{}: {}: {}\n", table_.tool(), what, detail);
  ajar::telling::report_step(said_, "", what, detail);
}

ajar::awaitable<void> reload_at_hangup(asio::signal_set& hangups, std::function<void()> again) {
  for (;;) {
    auto [error, number] = co_await hangups.async_wait(ajar::use_values);
    (void)number;
    if (error) co_return;
    again();
  }
}

}  // namespace tools

// SPDX-License-Identifier: BSL-1.0
// ping, cat and ls: what only looks.
#pragma once

#include "../tools/output.hpp"
#include "visit.hpp"

#include <ajar/files/fetch_plan.hpp>
#include <ajar/files/session_page.hpp>
#include <ajar/files/walk.hpp>

#include <algorithm>

namespace tools {

// ---- ping

inline ajar::awaitable<ajar::result<exit_code>> ping(visit_ptr at, unsigned count, bool json) {
  std::optional<std::chrono::nanoseconds> best;
  for (unsigned i = 0; i < count; ++i) {
    auto took = co_await at->over.ping(ajar::clock::now() + ajar::files::patience);
    if (!took) co_return ajar::fail(took.error());
    best = best ? std::min<std::chrono::nanoseconds>(*best, *took) : std::chrono::nanoseconds(*took);
  }
  auto cost = co_await ajar::files::ask_cost(at->over);
  if (!cost) co_return ajar::fail(cost.error());
  if (json) {
    auto line = path_report(*at, *cost);
    line.with("round_trip_us", best->count() / 1000);
    fmt::print("{}\n", line.text());
    co_return success;
  }
  const auto path = at->over.info().path;
  fmt::print("{}: by {} in {:.1f} ms, round trip {:.3f} ms{}\n", at->server, to_string(path),
             static_cast<double>(at->connected_in.count()) / 1e6, static_cast<double>(best->count()) / 1e6,
             path == ajar::sessions::path::outbound
                 ? std::string(", no port opened for it")
                 : fmt::format(", a port was open for {} us", cost->exposure_ns / 1000));
  co_return success;
}

// ---- cat

// @param to  a descriptor that outlives it
inline ajar::awaitable<ajar::result<exit_code>> cat(visit_ptr at, ajar::files::share_path place, bool json,
                                                    int to = STDOUT_FILENO) {
  output out(at->over.get_executor(), to);
  if (json) {
    auto cost = co_await ajar::files::ask_cost(at->over);
    if (!cost) co_return ajar::fail(cost.error());
    tell("{}\n", path_report(*at, *cost).text());
  }
  ajar::files::file_request asked(std::move(place));
  auto file = co_await ajar::files::open_file(at->over, std::move(asked));
  if (!file) co_return ajar::fail(file.error());
  ajar::bytes piece(64 * 1024);
  for (;;) {
    auto count = co_await file->read_some(piece);
    if (!count) co_return ajar::fail(count.error());
    if (*count == 0) co_return success;
    auto written = co_await out.write(ajar::bytes_view(piece).first(*count));
    if (!written) co_return ajar::fail(written.error());
  }
}

// ---- ls

struct ls_format {
  bool long_lines = false;
  bool human = false;  // their sizes
  bool deep = false;
  bool json = false;
};

inline std::string ls_line(const ajar::files::walked& one, const ls_format& how) {
  using ajar::files::entry_kind;
  const auto& entry = one.entry;
  const auto& facts = entry.facts;
  const bool file = facts && facts->kind == entry_kind::file;
  if (how.json) {
    auto named = entry;
    named.name = one.path;
    return to_line(named, "path");
  }
  auto name = shown(one.path) + (entry.kind == entry_kind::folder ? "/" : "");
  if (!how.long_lines) return name + "\n";
  if (entry.kind == entry_kind::link) name += fmt::format(" -> {}", facts ? to_string(facts->kind) : "nothing here");
  auto size = std::string(to_string(entry.kind));
  if (file) size = how.human ? shown_size(static_cast<double>(facts->size)) : std::to_string(facts->size);
  return fmt::format("{:>14}  {:>16}  {}\n", size, file ? shown_time(facts->modified) : "", name);
}

// Sorted where that takes no more than this many entries; else as the server has them.
inline constexpr std::size_t most_sorted = 20'000;

inline ajar::awaitable<ajar::result<exit_code>> ls(visit_ptr at, ajar::files::share_path place, ls_format how) {
  output out(at->over.get_executor());
  if (!place.folder) {  // it may be a file
    ajar::files::file_request asked(place);
    auto found = co_await ajar::files::look_at(at->over, std::move(asked));
    if (!found) co_return ajar::fail(found.error());
    if (found->facts.kind == ajar::files::entry_kind::file) {
      ajar::files::walked alone;
      alone.path = name_of({at->server, place});
      alone.entry = {alone.path, found->facts.kind, found->facts};
      const auto line = ls_line(alone, how);
      auto written = co_await out.write(ajar::as_bytes(line));
      if (!written) co_return ajar::fail(written.error());
      co_return success;
    }
  }
  ajar::files::walk all({at, &at->over}, place, how.deep);
  std::vector<ajar::files::walked> held;
  std::string text;
  bool sorted = true;
  auto code = success;
  for (bool more = true; more;) {
    auto next = co_await all.next();
    if (!next) {
      const bool deeper = how.deep && !all.here().empty();
      if (!deeper || !ajar::files::concerns_one_place(next.error())) co_return ajar::fail(next.error());
      code = complain(client_tool, at->server + ":" + all.here(), next.error());
      continue;
    }
    more = next->has_value();
    if (more && sorted) held.push_back(std::move(**next));
    if (more && !sorted) text = ls_line(**next, how);
    if (sorted && (!more || held.size() > most_sorted)) {
      if (!more) std::ranges::sort(held, {}, &ajar::files::walked::path);
      sorted = false;
      text.clear();
      for (const auto& one : held) text += ls_line(one, how);
      held = std::vector<ajar::files::walked>();
    }
    if (sorted || text.empty()) continue;
    auto written = co_await out.write(ajar::as_bytes(text));
    if (!written) co_return ajar::fail(written.error());
    text.clear();
  }
  co_return code;
}

}  // namespace tools

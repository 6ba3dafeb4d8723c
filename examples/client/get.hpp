// SPDX-License-Identifier: BSL-1.0
// get: files and folders of a share, several at a time, taken up again where they were left.
#pragma once

#include <ajar/core/deadline.hpp>
#include <ajar/core/task_group.hpp>
#include "../tools/offer.hpp"
#include "fetch_file.hpp"
#include "look.hpp"
#include "there.hpp"

namespace tools {

namespace detail {

// Hands files to those who fetch, no faster than they fetch.
inline ajar::awaitable<bool> hand_out(fetching_ptr on, fetch_job job) {
  constexpr std::size_t most_waiting = 64;
  while (on->queue.size() >= most_waiting && !on->stopped) {
    auto changed = co_await on->changed.wait();
    if (!changed) co_return false;
  }
  ++on->numbers.known;
  if (job.facts) on->numbers.total += job.facts->size;
  on->queue.push_back(std::move(job));
  on->changed.notify();
  co_return !on->stopped;
}

inline ajar::awaitable<void> fetch_in_turn(fetching_ptr on) {
  for (;;) {
    while (on->queue.empty() && !on->all_known && !on->stopped) {
      auto changed = co_await on->changed.wait();
      if (!changed) co_return;
    }
    if (on->queue.empty() || on->stopped) co_return;
    auto job = std::move(on->queue.front());
    on->queue.pop_front();
    on->changed.notify();
    co_await fetch_file(on, std::move(job));
  }
}

inline ajar::awaitable<void> show_progress(fetching_ptr on) {
  while (!on->over) {
    auto slept = co_await ajar::sleep_until(ajar::clock::now() + on->pause());
    if (!slept || on->over) co_return;
    on->show_bar();
  }
}

// What to do with an entry of a folder. Nothing: it is no file to fetch.
inline const char* reason_to_leave_out(const ajar::files::folder_entry& entry) {
  using ajar::files::entry_kind;
  const bool file = entry.facts && entry.facts->kind == entry_kind::file;
  if (file || entry.kind == entry_kind::folder) return nullptr;
  if (entry.kind == entry_kind::other) return "neither a file nor a folder";
  return entry.facts ? "a link to a folder: get that folder itself" : "a link that leads nowhere in the share";
}

// A folder and all in it.
inline ajar::awaitable<void> hand_out_folder(fetching_ptr on, ajar::files::share_path from, std::string into) {
  walk all(on->at, std::move(from), true);
  local_folder_ptr parent;
  std::string parent_path;
  auto made = on->tree.folder(into);
  if (!made) {
    on->note_failure(shown(into), {made.error(), true});
    co_return;
  }
  const auto inside = [&](const std::string& path) {
    return into.empty() ? path : path.empty() ? into : into + "/" + path;
  };
  while (!on->stopped) {
    auto next = co_await all.next();
    if (!next) {
      auto restoring = restore(on, all.over(), next.error());
      const bool restored = co_await std::move(restoring);
      if (restored) {
        all.go_on(on->at);
        continue;
      }
      const auto place = all.below(all.place());
      on->note_failure(shown(on->at->server + ":" + place.share + "/" + place.inside), {next.error(), false});
      continue;  // stopped, unless it concerns that folder only
    }
    if (!*next) co_return;
    auto& one = **next;
    if (const auto* why = reason_to_leave_out(one.entry)) {
      on->note_left_out(shown(inside(one.path)), why);
      continue;
    }
    const bool folder = one.entry.kind == ajar::files::entry_kind::folder;
    const auto& path = folder ? one.path : all.place();
    if (!parent || parent_path != path || folder) {
      auto opened = on->tree.folder(inside(path));
      if (!opened) {
        on->note_failure(shown(inside(one.path)), {opened.error(), opened.error().category() != ajar::category()});
        continue;
      }
      parent = std::move(*opened);
      parent_path = path;
    }
    if (folder) continue;
    fetch_job job{parent, one.entry.name, all.below(one.path), one.entry.facts};
    auto more = co_await hand_out(on, std::move(job));
    if (!more) co_return;
  }
}

// What a source is, over as many sessions as it takes.
inline ajar::awaitable<ajar::result<ajar::files::file_head>> look_over(fetching_ptr on, ajar::files::share_path where) {
  for (;;) {
    const auto over = on->at;
    ajar::files::file_request asked(where);
    auto found = co_await ajar::files::look_at(over->over, std::move(asked));
    if (found) co_return found;
    auto restoring = restore(on, over, found.error());
    const bool restored = co_await std::move(restoring);
    if (!restored) co_return found;
  }
}

inline ajar::awaitable<void> hand_out_all(fetching_ptr on, std::vector<remote_place> sources, destination where) {
  for (auto& source : sources) {
    if (on->stopped) break;
    bool folder = source.at.folder;
    std::optional<ajar::files::file_facts> facts;
    if (!folder) {
      auto looking = look_over(on, source.at);
      auto found = co_await std::move(looking);
      if (!found) {
        on->note_failure(shown(on->at->server + ":" + source.at.share + "/" + source.at.inside),
                         {found.error(), false});
        continue;
      }
      folder = found->facts.kind == ajar::files::entry_kind::folder;
      facts = found->facts;
    }
    if (folder) {
      // "home:photos" goes to DEST/photos, what is in "home:photos/" to DEST
      auto into = source.at.folder ? std::string() : name_of(source);
      co_await hand_out_folder(on, source.at, std::move(into));
      continue;
    }
    auto in = on->tree.folder("");
    if (!in) {
      on->note_failure(shown(where.folder), {in.error(), true});
      continue;
    }
    fetch_job job{*in, where.alone.value_or(name_of(source)), source.at, facts};
    auto more = co_await hand_out(on, std::move(job));
    if (!more) break;
  }
  on->all_known = true;
  on->changed.notify();
}

// Whatever ends the errand ends those who work for it.
struct stop_at_exit {
  explicit stop_at_exit(fetching_ptr what) : on(std::move(what)) {}
  stop_at_exit(const stop_at_exit&) = delete;
  stop_at_exit& operator=(const stop_at_exit&) = delete;
  ~stop_at_exit() {
    on->over = true;
    on->stopped = true;
    on->work.cancel();
  }
  fetching_ptr on;
};

}  // namespace detail

inline ajar::awaitable<ajar::result<exit_code>> get(visit_ptr at, std::vector<remote_place> sources, std::string to,
                                                    get_options how) {
  bool folder = sources.front().at.folder;
  if (sources.size() == 1 && !folder) {
    ajar::files::file_request asked(sources.front().at);
    auto found = co_await ajar::files::look_at(at->over, std::move(asked));
    if (!found) co_return ajar::fail(found.error());
    folder = found->facts.kind == ajar::files::entry_kind::folder;
  }
  const auto where = decide_destination(to, what_is_at(to), sources.size(), folder);
  if (!where) {
    tell("{}: {}: {}\n", client_tool, shown(to), where.error());
    co_return cut_short;
  }
  auto tree = local_tree::open(where->folder, where->make);
  if (!tree) {
    tell("{}: {}: {}: {}\n", client_tool, shown(where->folder), tree.error().message(),
         ajar::explain(ajar::errc::destination_unusable));
    co_return cut_short;
  }
  json_line path;
  if (how.json) {
    auto cost = co_await ask_cost(at);
    if (!cost) co_return ajar::fail(cost.error());
    path = path_report(*at, *cost);
  }
  auto on = std::make_shared<fetching>(at, std::move(*tree), how);
  const detail::stop_at_exit guard(on);
  ajar::task_group bar(at->over.get_executor());
  bar.spawn(detail::show_progress(on));
  on->work.spawn(detail::hand_out_all(on, std::move(sources), *where));
  for (unsigned i = 0; i < how.parallel; ++i) on->work.spawn(detail::fetch_in_turn(on));
  co_await on->work.join();
  on->over = true;
  bar.cancel();
  co_await bar.join();
  if (how.offered && on->code == success) {
    auto telling = ask_text(on->at, fetched_path, "POST");
    auto told = co_await std::move(telling);
    (void)told;  // whoever waits sees us go
  }
  on->summary(path);
  co_return on->code;
}

}  // namespace tools

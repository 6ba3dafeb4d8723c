// SPDX-License-Identifier: BSL-1.0
// share: files and folders for whoever has a word, until they were fetched.
#pragma once

#include "../tools/json_line.hpp"
#include "../tools/qr_code.hpp"
#include "../tools/shown.hpp"
#include "running.hpp"

#include <sys/ioctl.h>
#include <unistd.h>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <set>

namespace tools {

// What was said to share.
struct share_wish {
  std::vector<std::string> paths;  // absolute, without links
  std::vector<named_path> what;    // the same, opened
  offer_terms terms;
  bool keep = false;  // also when all was fetched
  bool json = false;
  bool qr = false;
};

// The last name of an absolute path, as a client may call it; other than those before it.
inline std::string name_of_path(const std::string& path, const std::set<std::string>& taken) {
  const auto name = path == "/" ? std::string("root") : path.substr(path.rfind('/') + 1);
  auto made = name;
  for (int i = 2; taken.contains(made); ++i) made = fmt::format("{} ({})", name, i);
  return made;
}

// Opens them. What is wrong, else.
inline tl::expected<std::vector<named_path>, std::string> open_paths(const std::vector<std::string>& paths) {
  std::vector<named_path> made;
  std::set<std::string> names;
  for (const auto& path : paths) {
    auto opened = open_share(path);
    if (!opened) return tl::unexpected(shown(path) + ": " + opened.error());
    auto name = name_of_path(path, names);
    names.insert(name);
    made.push_back({std::move(name), std::make_shared<const ajar::files::shared_folder>(std::move(*opened))});
  }
  return made;
}

// Complains by itself.
inline std::optional<share_wish> share_said(const settings& given) {
  share_wish made;
  for (const auto& word : list_option(given, "words")) {
    const std::unique_ptr<char, decltype(&std::free)> whole(::realpath(word.c_str(), nullptr), &std::free);
    if (!whole) return wrong(shown(word) + ": " + std::strerror(errno) + ": name a file or a folder"), std::nullopt;
    if (std::ranges::find(made.paths, whole.get()) == made.paths.end()) made.paths.emplace_back(whole.get());
  }
  if (made.paths.empty()) return wrong("share what? name files and folders"), std::nullopt;
  if (made.paths.size() > ajar::trust::grant::most_services) {
    return wrong("one word is for 64 files and folders at most: share the folder that they are in"), std::nullopt;
  }
  auto opened = open_paths(made.paths);
  if (!opened) return wrong(opened.error()), std::nullopt;
  made.what = std::move(*opened);
  made.terms.life = duration_said(given, "expires");
  made.terms.words = given["times"].as<std::uint64_t>();
  made.terms.lan = given.count("lan") != 0;
  made.terms.server_name = given["name"].as<std::string>();
  made.keep = given.count("keep") != 0;
  made.json = given.count("json") != 0;
  made.qr = given.count("qr") != 0;
  if (made.qr && !has_qr_codes)
    return wrong("--qr: built without libqrencode: show the word another way"), std::nullopt;
  return made;
}

// ---- what whoever waits sees

inline std::string get_line(const std::string& word) { return "ajar-client get " + word; }

inline void print_words(const share_wish& wish, const std::vector<std::string>& words) {
  const auto until = date_of(ajar::wall_now() + wish.terms.life);
  for (const auto& word : words) {
    if (wish.json) {
      json_line line;
      line.with("invite", word).with("command", get_line(word)).with("until", until);
      fmt::print("{}\n", line.text());
      continue;
    }
    if (wish.qr) fmt::print("{}", qr_code(word));
    fmt::print("{}\n", get_line(word));
  }
  std::fflush(stdout);
  if (wish.json) return;
  std::string what;
  for (const auto& one : wish.what) what += (what.empty() ? "" : ", ") + shown(one.name);
  tell("{}: {} for {}, until {}; Ctrl-C ends it\n", what,
       words.size() == 1 ? "that line is" : fmt::format("each of these {} lines is", words.size()), "one machine",
       until);
}

// Says what has changed.
class offer_watch {
 public:
  explicit offer_watch(const share_wish& wish)
      : keep_(wish.keep), json_(wish.json), terminal_(!wish.json && ::isatty(STDERR_FILENO) != 0) {}

  void told(const offer_state& now) {
    if (now.last != before_.last) say("came", now.last, now.last + " came");
    if (now.fetched != before_.fetched) {
      say("fetched", now.fetched,
          now.words == 1 ? std::string("all of it was fetched")
                         : fmt::format("fetched: {} of {}", now.fetched, now.words));
    }
    if (terminal_ && now.here > 0 && now.octets != before_.octets) {
      tell("\r\x1b[K{} sent", shown_size(static_cast<double>(now.octets)));
      bar_ = true;
    }
    before_ = now;
  }
  // All have it, and have gone. Whoever has it and stays is not waited for without end.
  bool done() {
    if (keep_ || before_.words == 0 || before_.fetched < before_.words) return false;
    if (!all_at_) all_at_ = ajar::clock::now();
    constexpr std::chrono::seconds longest{5};
    return before_.here == 0 || ajar::clock::now() - *all_at_ > longest;
  }
  // What the exit says: a word that nobody used has done nothing.
  int code() const { return keep_ || (before_.words > 0 && before_.fetched == before_.words) ? success : cut_short; }

  void end() {
    wipe_bar();
    if (code() != success && !json_) tell("{}: ended: not all was fetched\n", server_tool);
  }

 private:
  template <class Value>
  void say(const char* key, const Value& value, const std::string& line) {
    if (json_) {
      json_line made;
      made.with(key, value);
      fmt::print("{}\n", made.text());
      std::fflush(stdout);
      return;
    }
    wipe_bar();
    tell("{}\n", line);
  }
  void wipe_bar() {
    if (std::exchange(bar_, false)) tell("\r\x1b[K");
  }

  bool keep_;
  bool json_;
  bool terminal_;
  bool bar_ = false;
  offer_state before_;
  std::optional<ajar::time_point> all_at_;
};

// ---- by a server that runs already

// "life", "words", "lan", "name", and the paths
inline ajar::control::request to_request(const share_wish& wish) {
  ajar::control::request made{"share",
                              {std::to_string(wish.terms.life.count()), std::to_string(wish.terms.words),
                               wish.terms.lan ? "lan" : "-", wish.terms.server_name}};
  made.arguments.insert(made.arguments.end(), wish.paths.begin(), wish.paths.end());
  return made;
}

// A line with the offer's id, and one for each word.
inline ajar::result<std::string> offer_now(running& all, const ajar::control::request& what) {
  constexpr std::size_t fixed = 4;
  const auto& said = what.arguments;
  if (said.size() <= fixed) return ajar::fail(ajar::errc::message_malformed);
  const auto life = parse_duration(said[0] + "s");
  const auto words = parse_duration(said[1] + "s");  // a number, too
  if (!life || !words || words->count() > 100) return ajar::fail(ajar::errc::message_malformed);
  offer_terms terms{*life, static_cast<std::uint64_t>(words->count()), said[2] == "lan", said[3]};
  const auto opened = open_paths({said.begin() + fixed, said.end()});
  if (!opened) return ajar::fail(ajar::errc::share_unreadable);
  auto made =
      all.house.offered.add(all.house.invites, all.house.issued, all.central, *opened, terms, ajar::clock::now());
  if (!made) return ajar::fail(made.error());
  all.share_all();
  all.server.announce_invites();
  std::string text = made->id + "\n";
  for (const auto& one : made->words) text += to_text(one) + "\n";
  return text;
}

inline std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> all;
  while (!text.empty()) {
    const auto end = text.find('\n');
    all.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return all;
}

// Waits as whoever asks, until all was fetched, or a signal. Nothing: no server runs.
inline std::optional<int> share_by_running(const settings& given, const share_wish& wish) {
  auto self = open_node(server_tool, "server", text_option(given, "state"));
  if (!self) return local_trouble;
  const auto& folder = self->state.path();
  sigset_t ends;
  ::sigemptyset(&ends);
  ::sigaddset(&ends, SIGINT);
  ::sigaddset(&ends, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &ends, nullptr);  // looked at between two questions
  const auto made = ask_running(folder, "control", to_request(wish));
  if (!made && made.error() == ajar::errc::not_running) {
    ::sigprocmask(SIG_UNBLOCK, &ends, nullptr);
    return std::nullopt;
  }
  if (!made && made.error() == ajar::errc::share_unreadable) {
    tell(
        "{}: the server that runs cannot read it, as it may not leave the shares that it began with: "
        "share from a state folder of its own, by --state, or start it with --sandbox off\n",
        server_tool);
    return local_trouble;
  }
  if (!made) return complain(server_tool, folder, made.error());
  auto words = lines_of(*made);
  if (words.size() < 2) return complain(server_tool, folder, ajar::errc::message_malformed);
  const auto id = words.front();
  words.erase(words.begin());
  print_words(wish, words);
  offer_watch watch(wish);
  constexpr timespec pause{0, 300'000'000};
  bool there = true;
  while (there && !watch.done() && ::sigtimedwait(&ends, nullptr, &pause) < 0) {
    const auto told = ask_running(folder, "control", {"offer", {id}});
    const auto state = told ? parse_offer_state(*told) : std::nullopt;
    there = told || told.error() == ajar::errc::control_timeout;
    if (state) watch.told(*state);
  }
  if (there) (void)ask_running(folder, "control", {"unshare", {id}});
  if (!there) tell("{}: the server has ended\n", server_tool);
  watch.end();
  return watch.code();
}

// ---- by this process

// It is linked, and knows how it looks from outside, unless that takes long.
inline ajar::awaitable<void> until_ready(running& all) {
  constexpr std::chrono::milliseconds pause{50};
  constexpr std::chrono::seconds soon{5};
  const auto begun = ajar::clock::now();
  std::optional<ajar::time_point> linked;
  bool told = false;
  while (!all.over) {
    if (all.server.linked()) {
      const auto status = all.server.status();
      if (!linked) linked = ajar::clock::now();
      if (status.network.v4 || status.network.v6 || ajar::clock::now() - *linked > soon) co_return;
    } else if (!told && ajar::clock::now() - begun > soon) {
      told = true;
      tell("{}: central is not reached yet; goes on trying\n", server_tool);
    }
    auto slept = co_await ajar::sleep_until(ajar::clock::now() + pause);
    if (!slept) co_return;
  }
}

// From when central is reached on, until all was fetched, or a signal.
inline ajar::awaitable<void> offer_until_fetched(running& all, const share_wish& wish) {
  constexpr std::chrono::milliseconds pause{100};
  auto getting_ready = until_ready(all);
  co_await std::move(getting_ready);
  if (all.over) co_return;
  auto made = all.house.offered.add(all.house.invites, all.house.issued, all.central, wish.what, wish.terms,
                                    ajar::clock::now());
  if (made) {
    all.share_all();
    all.server.announce_invites();
    std::vector<std::string> words;
    for (const auto& one : made->words) words.push_back(to_text(one));
    print_words(wish, words);
    offer_watch watch(wish);
    while (!all.over && !watch.done()) {
      const auto status = all.server.status();
      const auto state = all.house.offered.state(made->id, status.sessions, ajar::clock::now());
      if (state) watch.told(*state);
      auto slept = co_await ajar::sleep_until(ajar::clock::now() + pause);
      if (!slept) co_return;
    }
    watch.end();
    if (all.exit == success) all.exit = watch.code();
    auto ending = end_offer(all, made->id);
    co_await std::move(ending);
  } else {
    all.exit = complain(server_tool, all.state, made.error());
  }
  if (!all.over && !all.house.offered.empty())
    tell("{}: others share by this process: it ends after them\n", server_tool);
  while (!all.over && !all.house.offered.empty()) {
    auto slept = co_await ajar::sleep_until(ajar::clock::now() + pause);
    if (!slept) co_return;
  }
  if (all.over) co_return;
  all.over = true;
  co_await all.server.stop();
}

}  // namespace tools

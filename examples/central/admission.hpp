// SPDX-License-Identifier: BSL-1.0
// Which servers central serves, as its operator says it.
#pragma once

#include "../tools/advice.hpp"
#include "../tools/ask.hpp"
#include "../tools/console.hpp"
#include "../tools/json_line.hpp"
#include "../tools/trusted_file.hpp"

#include <ajar/switchboard/admission.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace tools {

inline constexpr const char* central_tool = "ajar-central";
inline constexpr const char* own_list = "servers.txt";  // in the state folder

// What is wrong with it: "FILE:LINE: what".
using served = tl::expected<ajar::switchboard::admission, std::string>;

// The list that was named, or the one in the state folder.
inline std::string list_path(const settings& given, const std::string& folder) {
  return given.count("admit") ? text_option(given, "admit") : folder + "/" + own_list;
}

// The list's text. What is wrong with the file, else; an own list that is not there yet is empty.
inline tl::expected<std::string, std::string> read_list(const settings& given, const std::string& folder) {
  const auto path = list_path(given, folder);
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0 && errno == ENOENT && !given.count("admit")) return std::string();
  std::ifstream file(path);
  std::ostringstream content;
  content << file.rdbuf();
  if (!file || ::stat(path.c_str(), &status) != 0) {
    return tl::unexpected(path + ": cannot be read: name a file with a peer id a line");
  }
  if (auto why = open_to_others(path, status); !why.empty()) return tl::unexpected(std::move(why));
  return content.str();
}

inline served parse_list(const std::string& text, const std::string& path) {
  auto list = ajar::switchboard::admission::parse(text);
  if (list) return std::move(*list);
  return tl::unexpected(fmt::format("{}:{}: {}", path, list.error().line, explain(list.error().why)));
}

// @param folder  the state folder
inline served read_admission(const settings& given, const std::string& folder) {
  const bool quick = given.count("quick") != 0 && given.count("admit") == 0;
  if (given.count("open") != 0 && given.count("admit") != 0) {
    return tl::unexpected<std::string>("--admit FILE and --open: say one of them");
  }
  if (quick || given.count("open")) {
    tell("{}: {} serves every server that comes: for trials only\n", central_tool, quick ? "--quick" : "--open");
    return ajar::switchboard::admission::open();
  }
  const auto text = read_list(given, folder);
  if (!text) return tl::unexpected(text.error());
  auto list = parse_list(*text, list_path(given, folder));
  if (list && list->size() == 0) {
    tell("{}: no server is admitted yet: 'ajar-central invite NAME' prints a line that one joins by\n", central_tool);
  }
  return list;
}

// ---- admit, dismiss, admitted

// A list with an id more, or without one. Comments, and lines of others, stay.
// @param name  what is said of it; may be empty
inline std::string list_with(std::string text, const ajar::identity::peer_id& id, const std::string& name = {}) {
  if (!text.empty() && text.back() != '\n') text += '\n';
  return text + to_string(id) + (name.empty() ? "" : "  # " + name) + "\n";
}
inline std::string list_without(std::string_view text, const ajar::identity::peer_id& id) {
  std::string made;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end == std::string_view::npos ? text.size() : end + 1);
    text.remove_prefix(line.size());
    const auto alone = ajar::switchboard::admission::parse(line);
    if (!alone || alone->size() == 0 || !alone->admits(id)) made += line;
  }
  return made;
}

namespace detail {

// A list that is there, as text and as what it says. Nothing: it has complained.
struct read_text {
  std::string text;
  ajar::switchboard::admission list;
};
inline std::optional<read_text> list_to_change(const settings& given, const std::string& folder) {
  auto text = read_list(given, folder);
  auto list = text ? parse_list(*text, list_path(given, folder)) : served(tl::unexpected(text.error()));
  if (list) return read_text{std::move(*text), std::move(*list)};
  complain_in_words(central_tool, local_trouble, list.error());
  return std::nullopt;
}

// The absolute path of a file, or of the one where a link leads. What is not there yet is named in its folder.
inline std::string real_path(const std::string& path) {
  const auto followed = [](const std::string& from) {
    const std::unique_ptr<char, decltype(&std::free)> there(::realpath(from.c_str(), nullptr), &std::free);
    return there ? std::string(there.get()) : std::string();
  };
  if (auto there = followed(path); !there.empty()) return there;
  const auto slash = path.rfind('/');
  const auto folder = followed(slash == std::string::npos ? "." : path.substr(0, slash + 1));
  return folder.empty() ? path : folder + "/" + (slash == std::string::npos ? path : path.substr(slash + 1));
}

// Whole or not at all, with the owner and the permissions that it has; where a link leads there, the link stays.
inline ajar::result<> replace_list(std::string path, const std::string& text) {
  path = real_path(path);
  struct stat status{};
  const bool before = ::stat(path.c_str(), &status) == 0;
  const auto mode = before ? status.st_mode & 0777U : 0600U;
  const auto fresh = path + ".new";
  ajar::descriptor file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return ajar::fail(ajar::last_error());
  auto written = ajar::write_all(file.get(), ajar::as_bytes(text));
  if (written && before && ::fchown(file.get(), status.st_uid, status.st_gid) != 0) {
    written = ajar::fail(ajar::last_error());
  }
  if (written &&
      (::fchmod(file.get(), mode) != 0 || ::fsync(file.get()) != 0 || ::rename(fresh.c_str(), path.c_str()) != 0)) {
    written = ajar::fail(ajar::last_error());
  }
  if (!written) ::unlink(fresh.c_str());
  if (!written) return written;
  const ajar::descriptor folder(
      ::open((path.substr(0, path.rfind('/')) + "/").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder && ::fsync(folder.get()) != 0) return ajar::fail(ajar::last_error());
  return {};
}

// A central that runs takes the list over now.
inline int take_over_now(const ajar::state::folder& state) {
  const auto told = ask_running(state.path(), "control", {"reload", {}});
  if (!told && told.error() == ajar::errc::not_running) return success;
  if (!told) return complain(central_tool, state.path(), told.error());
  if (*told == "taken") return success;
  return complain_in_words(central_tool, local_trouble, "the central that runs has kept its list: its log says why");
}

// With others that change it kept off; they are not, where the running central is asked.
inline int change_list(const settings& given, const ajar::state::folder& state,
                       const std::vector<ajar::identity::peer_id>& ids, bool admits) {
  const auto alone = state.alone();
  if (!alone) return complain(central_tool, state.path(), alone.error());
  const auto before = list_to_change(given, state.path());
  if (!before) return local_trouble;
  auto now = before->text;
  for (const auto& id : ids) {
    if (before->list.admits(id) == admits) {
      tell("{}: {} {}\n", central_tool, to_string(id), admits ? "is admitted already" : "is not on the list");
    } else {
      now = admits ? list_with(std::move(now), id) : list_without(now, id);
    }
  }
  if (now == before->text) return success;
  const auto path = list_path(given, state.path());
  const auto written = replace_list(path, now);
  return written ? success : complain(central_tool, path, written.error());
}

}  // namespace detail

// admit ID..., dismiss ID...
inline int change_admission(const settings& given, bool admits) {
  const auto words = list_option(given, "words");
  if (words.empty()) {
    return complain_in_words(
        central_tool, usage,
        fmt::format("{} whom? name servers as 'ajar-server id' prints them", admits ? "admit" : "dismiss"));
  }
  std::vector<ajar::identity::peer_id> ids;
  for (const auto& word : words) {
    const auto id = ajar::identity::parse_peer_id(word);
    if (!id) return complain(central_tool, ajar::escaped(word), id.error()), usage;
    if (std::ranges::find(ids, *id) == ids.end()) ids.push_back(*id);
  }
  const auto self = open_node(central_tool, "central", text_option(given, "state"));
  if (!self) return local_trouble;
  const auto changed = detail::change_list(given, self->state, ids, admits);
  return changed == success ? detail::take_over_now(self->state) : changed;
}

inline int print_admitted(const settings& given) {
  const auto self = open_node(central_tool, "central", text_option(given, "state"));
  if (!self) return local_trouble;
  const auto now = detail::list_to_change(given, self->state.path());
  if (!now) return local_trouble;
  for (const auto& id : now->list.servers()) {
    if (given.count("json")) {
      json_line line;
      line.with("id", to_string(id));
      fmt::print("{}\n", line.text());
    } else {
      fmt::print("{}\n", to_string(id));
    }
  }
  return success;
}

}  // namespace tools

// SPDX-License-Identifier: BSL-1.0
// What a person names: SERVER:NAME/PATH, and where it goes. Pure.
#pragma once

#include <ajar/files/url_path.hpp>
#include <ajar/trust/grant.hpp>

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tools {

// A place at a server. No share: the list of all shares.
struct remote_place {
  std::string server;
  ajar::files::share_path at;
  std::string called{};  // what it is to be called here; by default its own name

  bool operator==(const remote_place&) const = default;
};

// What was wrong with the words, for a person.
using place_result = tl::expected<remote_place, std::string>;

// SERVER, SERVER:, SERVER:NAME, SERVER:NAME/PATH; a '/' at the end says that a folder is meant. Names are taken as
// they are: nothing is unescaped.
inline place_result parse_place(std::string_view text) {
  const auto colon = text.find(':');
  remote_place made;
  made.server = text.substr(0, colon);
  made.at.folder = true;
  if (made.server.empty()) return tl::unexpected<std::string>("name a server: SERVER:NAME/PATH");
  if (colon == std::string_view::npos || colon + 1 == text.size()) return made;
  auto rest = text.substr(colon + 1);
  made.at.share = rest.substr(0, rest.find('/'));
  if (!ajar::trust::is_name(made.at.share)) {
    return tl::unexpected<std::string>("a share's name is 1 to 64 letters, digits, . - _");
  }
  rest.remove_prefix(made.at.share.size());
  made.at.folder = rest.ends_with('/');
  if (made.at.folder) rest.remove_suffix(1);
  if (rest.empty()) return made;
  made.at.inside = rest.substr(1);
  if (made.at.inside.empty()) return tl::unexpected<std::string>("a path has no empty part, no '.' and no '..'");
  // the same rules as at the server, and told before anybody is dialled
  if (!ajar::files::parse_url_path(ajar::files::to_url_path(made.at))) {
    return tl::unexpected<std::string>("a path has no empty part, no '.' and no '..'");
  }
  return made;
}

// As it is typed.
inline std::string whole_name_of(const remote_place& place) {
  return place.server + ":" + place.at.share + (place.at.inside.empty() ? "" : "/") + place.at.inside;
}

// The last name of a place: what it is called where it goes.
inline std::string name_of(const remote_place& place) {
  if (!place.called.empty()) return place.called;
  const auto slash = place.at.inside.rfind('/');
  if (place.at.inside.empty()) return place.at.share;
  return slash == std::string::npos ? place.at.inside : place.at.inside.substr(slash + 1);
}

// What is where a person wants it.
enum class there {
  nothing,
  folder,
  file,
  stream,  // a terminal, /dev/null, a FIFO, /dev/stdout: what is written to as it is, never replaced
  other    // a socket, a disk, a link that leads nowhere: what no file goes to
};

// Where sources go: into a folder (made where it is not there), or to one file.
struct chosen_destination {
  std::string folder;                // that is opened; its parent has to be there
  bool make = false;                 // the folder may have to be made
  std::optional<std::string> alone;  // the name of a single file in it; none: each source has its own name

  bool operator==(const chosen_destination&) const = default;
};

// DEST is a folder where it is one, where it ends in '/', and where a folder or several sources go there; else it is
// the file's own name. It does not depend on what an earlier, interrupted run has left.
inline tl::expected<chosen_destination, std::string> decide_destination(std::string path, there what,
                                                                        std::size_t sources, bool first_is_folder) {
  const bool slash = path.ends_with('/');
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  if (path.empty()) return tl::unexpected<std::string>("name a destination");
  const bool folder = slash || what == there::folder || sources != 1 || first_is_folder;
  if (folder && what == there::file) return tl::unexpected<std::string>("is a file, and a folder is needed");
  if (folder && what == there::stream) return tl::unexpected<std::string>("takes one file, and a folder is needed");
  if (what == there::other || what == there::stream) {
    return tl::unexpected<std::string>("is a socket, a disk, or a link that leads nowhere: name a file or a folder");
  }
  if (folder) return chosen_destination{path, what == there::nothing, std::nullopt};
  const auto at = path.rfind('/');
  chosen_destination made;
  made.folder = at == std::string::npos ? "." : at == 0 ? "/" : path.substr(0, at);
  made.alone = at == std::string::npos ? path : path.substr(at + 1);
  if (!ajar::files::is_entry_name(*made.alone)) return tl::unexpected<std::string>("is no name of a file");
  return made;
}

// The first name that two sources would have in one folder; a folder with '/' at its end has none of its own.
inline std::optional<std::string> name_twice(const std::vector<remote_place>& sources) {
  std::set<std::string> names;
  for (const auto& one : sources) {
    if (one.at.folder) continue;
    if (!names.insert(name_of(one)).second) return name_of(one);
  }
  return std::nullopt;
}

}  // namespace tools

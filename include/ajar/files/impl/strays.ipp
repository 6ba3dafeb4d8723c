// SPDX-License-Identifier: BSL-1.0
// ajar/files/impl/strays.ipp - what ajar/files/strays.hpp declares.
#pragma once

#include <ajar/files/strays.hpp>

#include <ajar/files/private_folder.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <optional>
#include <utility>

namespace ajar::files {

namespace detail {

// By what it is. Nothing: there is none.
inline std::optional<std::pair<dev_t, ino_t>> what_is(const destination_folder& in, const std::string& name) {
  struct stat status{};
  if (::fstatat(in.native(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
  return std::pair(status.st_dev, status.st_ino);
}

class stray_removal {
 public:
  explicit stray_removal(const stray_rules& how) : how_(how) {}

  // @return whether nothing of it is left, or would be
  bool remove(const destination_folder& in, const std::string& name, int depth = 0) {
    const auto path = in.inside().empty() ? name : in.inside() + "/" + name;
    struct stat status{};
    if (::fstatat(in.native(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return errno == ENOENT;
    const bool folder = S_ISDIR(status.st_mode);
    if (how_.keeps && how_.keeps(path, folder)) return false;
    if (folder) return remove_folder(in, name, path, depth);
    if (S_ISLNK(status.st_mode) && how_.which != replaces::any) return keep();
    return in.admits(name, how_.which) ? unlink(in, name, {path, false, how_.dry}) : keep();
  }

  strays_outcome take() { return std::move(done_); }

 private:
  static constexpr int deepest = 100;  // each has a descriptor open

  bool keep() {
    ++done_.kept;
    return false;
  }

  bool unlink(const destination_folder& in, const std::string& name, removed_stray one) {
    const bool gone = how_.dry || ::unlinkat(in.native(), name.c_str(), one.folder ? AT_REMOVEDIR : 0) == 0;
    const auto why = gone ? std::error_code() : last_error();
    if (one.folder && why == std::errc::directory_not_empty) return keep();  // somebody has put something there
    if (why && why != std::errc::no_such_file_or_directory) {
      done_.failed.push_back({std::move(one.path), one.folder, why});
      return false;
    }
    done_.removed.push_back(std::move(one));
    return true;
  }

  bool remove_folder(const destination_folder& in, const std::string& name, const std::string& path, int depth) {
    descriptor opened(::openat(in.native(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!opened) {
      done_.failed.push_back({path, true, last_error()});
      return false;
    }
    const auto outer = file_identity::of(in.native());
    const auto own = file_identity::of(opened.get());
    const bool mounted = !outer || !own || outer->device != own->device;
    if (depth >= deepest || mounted || state::folder::is_one(opened.get())) return keep();
    const destination_folder inner(std::move(opened), path);
    const auto before = done_.removed.size();
    bool all = true;
    for (const auto& one : inner.names()) all = remove(inner, one, depth + 1) && all;
    if (!all) return false;
    const bool emptied = done_.removed.size() > before;
    if (!emptied && !inner.was_fetched() && how_.which != replaces::any) return keep();
    if (!how_.dry) inner.drop_vanished({});
    return unlink(in, name, {path, true, how_.dry});
  }

  const stray_rules& how_;
  strays_outcome done_;
};

}  // namespace detail

AJAR_DECL std::vector<std::string> strays_in(const destination_folder& in, const std::set<std::string>& there) {
  auto all = in.names();
  std::erase_if(all, [&](const std::string& name) { return there.contains(name); });
  if (all.empty()) return all;
  std::set<std::pair<dev_t, ino_t>> known;
  for (const auto& name : there) {
    if (const auto one = detail::what_is(in, name)) known.insert(*one);
  }
  std::erase_if(all, [&](const std::string& name) {
    const auto one = detail::what_is(in, name);
    return one && known.contains(*one);
  });
  return all;
}

AJAR_DECL strays_outcome remove_strays(const destination_folder& in, const std::vector<std::string>& names,
                                       const stray_rules& how) {
  detail::stray_removal removal(how);
  for (const auto& name : names) removal.remove(in, name);
  return removal.take();
}

}  // namespace ajar::files

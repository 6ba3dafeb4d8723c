// SPDX-License-Identifier: BSL-1.0
// A file that tells a tool what to do is its user's or root's, and nobody else may write it.
#pragma once

#include <sys/stat.h>
#include <unistd.h>
#include <string>

namespace tools {

// What is wrong with that, and what to do; empty: nothing.
inline std::string open_to_others(const std::string& path, const struct stat& file) {
  if (file.st_uid != 0 && file.st_uid != ::geteuid()) {
    return path + ": belongs to another user, who may write it: name a copy of your own";
  }
  if ((file.st_mode & S_IWOTH) != 0) return path + ": everybody may write it: chmod o-w " + path;
  if ((file.st_mode & S_IWGRP) != 0) return path + ": its group may write it: chmod g-w " + path;
  return {};
}

}  // namespace tools

// SPDX-License-Identifier: BSL-1.0
// A folder that is gone with its test.
#pragma once

#include <sys/stat.h>
#include <unistd.h>
#include <filesystem>
#include <fstream>
#include <string>

struct temporary_folder {
  temporary_folder() {
    char name[] = "/tmp/ajar-test-XXXXXX";
    path = ::mkdtemp(name);
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder() { std::filesystem::remove_all(path); }

  std::string file(const std::string& name, const std::string& content) const {
    std::ofstream(path + "/" + name, std::ios::binary | std::ios::trunc) << content;
    return path + "/" + name;
  }
  std::string folder(const std::string& name) const {
    std::filesystem::create_directories(path + "/" + name);
    return path + "/" + name;
  }
  void link(const std::string& name, const std::string& to) const {
    std::filesystem::create_symlink(to, path + "/" + name);
  }

  std::string path;
};

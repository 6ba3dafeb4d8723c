// SPDX-License-Identifier: BSL-1.0
#include "completion.hpp"

#include "completion/scripts.hpp"

namespace tools {

const std::vector<std::string>& completion_shells() {
  static const std::vector<std::string> all{"bash", "zsh", "fish"};
  return all;
}

std::string completion(const option_table& table, std::string_view shell) {
  if (shell == "bash") return bash_completion(table);
  if (shell == "zsh") return zsh_completion(table);
  return shell == "fish" ? fish_completion(table) : std::string();
}

}  // namespace tools

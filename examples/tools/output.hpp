// SPDX-License-Identifier: BSL-1.0
// Standard output, or another, that may be a pipe nobody reads for a while: the session goes on meanwhile.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/bytes.hpp>
#include <ajar/core/result.hpp>

#include <unistd.h>
#include <asio/any_io_executor.hpp>
#include <memory>

namespace tools {

// Whoever read has gone: this ends as a filter does, at once and without a word.
[[noreturn]] void end_as_a_filter();

class output {
 public:
  explicit output(const asio::any_io_executor& executor, int to = STDOUT_FILENO);
  output(const output&) = delete;
  output& operator=(const output&) = delete;
  ~output();

  // Write all. Errors: the system's, canceled.
  [[nodiscard]] ajar::awaitable<ajar::result<>> write(ajar::bytes_view octets);

 private:
  struct readiness;
  int to_;
  std::unique_ptr<readiness> waiting_;  // of what may have to be waited for
};

}  // namespace tools

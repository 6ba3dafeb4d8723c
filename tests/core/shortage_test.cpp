// SPDX-License-Identifier: BSL-1.0
#include <ajar/core/shortage.hpp>

#include <doctest/doctest.h>
#include <ajar/core/error.hpp>

#include <asio/error.hpp>
#include <cerrno>

namespace shortage_test {

using namespace ajar;

TEST_CASE("a shortage is known in whichever category it comes, and nothing else is taken for one") {
  const std::error_category* const of_system[] = {&std::generic_category(), &std::system_category(),
                                                  &asio::error::get_system_category()};
  for (const auto* from : of_system) {
    for (const int value : {EMFILE, ENFILE, ENOBUFS, ENOMEM}) {
      const std::error_code why(value, *from);
      CHECK(is_shortage(why));
      CHECK(shortage_or(why, errc::bind_failed) == std::error_code(value, std::generic_category()));
      CHECK(!advice(why).empty());
    }
    for (const int value : {0, EADDRINUSE, EACCES, ECONNREFUSED, ETIMEDOUT}) {
      const std::error_code why(value, *from);
      CHECK(!is_shortage(why));
      CHECK(shortage_or(why, errc::bind_failed) == errc::bind_failed);
      CHECK(advice(why).empty());
    }
  }
  for (const auto value : {EMFILE, ENOMEM}) {
    CHECK(!is_shortage({value, category()}));
    CHECK(!is_shortage({value, asio::error::get_netdb_category()}));
    CHECK(!is_shortage({value, asio::error::get_misc_category()}));
  }
}

TEST_CASE("who is out of descriptors is told what to raise") {
  CHECK(explain({EMFILE, std::system_category()}).find("ulimit -n") != std::string::npos);
  CHECK(explain({ENFILE, std::generic_category()}).find("fs.file-max") != std::string::npos);
}

}  // namespace shortage_test

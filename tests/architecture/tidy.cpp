// SPDX-License-Identifier: BSL-1.0
// What ./dev lint gives to clang-tidy: all headers, with their bodies.
#include <ajar.hpp>
#include <ajar/services/fetch.hpp>
#include <ajar/services/file_service.hpp>

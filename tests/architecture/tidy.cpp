// SPDX-License-Identifier: BSL-1.0
// What ./dev lint gives to clang-tidy: all headers, with their bodies.
#include <ajar.hpp>
#include <ajar/files/fetch_folder.hpp>
#include <ajar/files/host.hpp>

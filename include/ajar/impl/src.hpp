// SPDX-License-Identifier: BSL-1.0
// ajar/impl/src.hpp - all of ajar that is compiled once: in one file of a program, or in a library.
#pragma once

#ifndef AJAR_COMPILED_LIB
#error "define AJAR_COMPILED_LIB in all files of the program"
#endif

#include <ajar/impl/base_src.hpp>
#include <ajar/impl/links_src.hpp>
#include <ajar/impl/roles_src.hpp>
#include <ajar/impl/windows_src.hpp>

// SPDX-License-Identifier: BSL-1.0
// ajar/core/config.hpp - header-only, or compiled once.
#pragma once

/// By default every header brings its bodies along. Where AJAR_COMPILED_LIB is defined, in all files of a program, the
/// bodies that take long to compile are declared only: one file has to include <ajar/impl/src.hpp>, or the program
/// links the library that is made of it (pkg-config: ajar-compiled).
#if defined(AJAR_COMPILED_LIB)
#define AJAR_DECL
#else
#define AJAR_HEADER_ONLY 1
#define AJAR_DECL inline
#endif

// One program, one mode: the two do not link together ("multiple definition of ..."). In each mode all files bring the
// same section, of which the linker keeps one; of the two modes' it keeps both, and they have one name.
#if defined(__ELF__) && (defined(__GNUC__) || defined(__clang__))
#if defined(AJAR_COMPILED_LIB)
#define AJAR_MODE_SECTION "ajar_compiled"
#else
#define AJAR_MODE_SECTION "ajar_header_only"
#endif
__asm__(".pushsection .rodata.ajar_mode,\"aG\",%progbits," AJAR_MODE_SECTION
        ",comdat\n"
        ".globl ajar_is_either_header_only_or_compiled\n"
        "ajar_is_either_header_only_or_compiled:\n"
        ".byte 0\n"
        ".popsection\n");
#undef AJAR_MODE_SECTION
#endif

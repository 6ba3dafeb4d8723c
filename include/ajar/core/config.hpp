// SPDX-License-Identifier: BSL-1.0
// ajar/core/config.hpp - Asio as ajar takes it; header-only, or compiled once.
#pragma once

#if !defined(__cpp_impl_coroutine)
#error "ajar needs coroutines: compile with -std=c++20"
#endif

// What Asio is told is decided here, by the compiler that compiles this, and not by the one that has installed it: Asio
// 1.22 does not see that clang has coroutines. All headers of ajar include this one before any of Asio's
// (tests/architecture/asio_settings.py).
#if !defined(ASIO_DETAIL_CONFIG_HPP)  // the guard of the header in which Asio decides
#if !defined(ASIO_STANDALONE)
#define ASIO_STANDALONE 1
#endif
#if !defined(ASIO_NO_DEPRECATED)
#define ASIO_NO_DEPRECATED 1
#endif
#if !defined(ASIO_HAS_CO_AWAIT)
#define ASIO_HAS_CO_AWAIT 1
#endif
#if !defined(ASIO_HAS_STD_COROUTINE)
#define ASIO_HAS_STD_COROUTINE 1
#endif
#elif !defined(ASIO_STANDALONE) || !defined(ASIO_NO_DEPRECATED) || !defined(ASIO_HAS_CO_AWAIT) || \
    !defined(ASIO_HAS_STD_COROUTINE)
#error "Asio was included before ajar, and with other settings: include <ajar/core/config.hpp> before it"
#endif

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

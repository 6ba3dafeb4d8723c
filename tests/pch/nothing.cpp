// SPDX-License-Identifier: BSL-1.0
// Meson precompiles a header for the files of a library: this is the one that needs it first.

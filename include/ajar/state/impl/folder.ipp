// SPDX-License-Identifier: BSL-1.0
// ajar/state/impl/folder.ipp - what ajar/state/folder.hpp declares.
#pragma once

#include <ajar/state/folder.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>

namespace ajar::state {

AJAR_DECL result<folder> folder::open(const std::string& path) {
  auto opened = durable_files::open(path);
  if (!opened) return fail(opened.error());
  return folder(std::move(*opened));
}

AJAR_DECL result<std::string> folder::place(std::string_view option, std::string_view node) {
  const auto variable = [](const char* name) { return std::string_view(std::getenv(name) ? std::getenv(name) : ""); };
  if (!option.empty()) return std::string(option);
  if (const auto own = variable("AJAR_STATE"); !own.empty()) return std::string(own);
  if (const auto base = variable("XDG_STATE_HOME"); base.starts_with('/')) {
    return std::string(base) + "/ajar/" + std::string(node);
  }
  if (const auto home = variable("HOME"); home.starts_with('/')) {
    return std::string(home) + "/.local/state/ajar/" + std::string(node);
  }
  return fail(errc::state_unusable);
}

AJAR_DECL bool folder::is_key(int file) {
  std::array<char, key_begin.size()> begin{};
  const auto count = ::pread(file, begin.data(), begin.size(), 0);
  return count == static_cast<ssize_t>(begin.size()) && std::string_view(begin.data(), begin.size()) == key_begin;
}

AJAR_DECL bool folder::is_one(int folder) {
  const descriptor file(::openat(folder, key_file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat status{};
  return file && ::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode) && is_key(file.get());
}

AJAR_DECL result<> folder::go_over() const {
  auto before = read(key_file);
  const auto next = read(successor_file);
  if (!before) return fail(before.error());
  if (!next) return fail(next.error());
  if (!*before || !*next) return fail(errc::state_damaged);
  auto kept = write(former_file, **before);
  wipe(**before);
  return kept ? use_successor() : kept;
}

AJAR_DECL result<std::optional<identity::key>> folder::former() const {
  auto kept = load(former_file);
  if (!kept || !*kept) return kept;
  const auto now = load(key_file);
  if (now && *now && (*now)->id() == (*kept)->id()) return std::optional<identity::key>();  // it had only begun
  return kept;
}

AJAR_DECL result<std::uint64_t> folder::next_login() const {
  auto file = read(login_file);
  if (!file) return fail(file.error());
  auto count = *file ? parse_login(as_text(**file)) : result<std::uint64_t>(0);
  if (!count) return count;
  ++*count;
  auto written = write(login_file, as_bytes(std::to_string(*count) + "\n"));
  if (!written) return fail(written.error());
  return count;
}

AJAR_DECL result<std::uint64_t> folder::parse_login(std::string_view text) {
  std::uint64_t count = 0;
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, count);
  if (parsed.ec != std::errc{} || parsed.ptr + 1 != end || *parsed.ptr != '\n') return fail(errc::state_damaged);
  return count;
}

AJAR_DECL result<folder::hold> folder::try_lock() const {
  descriptor file(::openat(handle(), lock_file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return fail(last_error());
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    return fail(errno == EWOULDBLOCK ? make_error_code(errc::would_block) : last_error());
  }
  return hold(std::move(file));
}

AJAR_DECL result<std::optional<identity::key>> folder::load(const char* name) const {
  auto file = read(name);
  if (!file) return fail(file.error());
  if (!*file) return std::optional<identity::key>();
  auto& content = **file;
  const auto text = as_text(content);
  const bool whole = text.starts_with(key_begin) && text.ends_with('\n');
  auto seed = whole ? from_base32(text.substr(key_begin.size(), text.size() - key_begin.size() - 1)) : std::nullopt;
  wipe(content);
  if (!seed || seed->size() != 32) return fail(errc::key_malformed);
  crypto::signing_key pair{secret<32>(std::span<const std::uint8_t, 32>(*seed))};
  wipe(*seed);
  return std::optional(identity::key(std::move(pair)));
}

AJAR_DECL result<identity::key> folder::load_or_make(const char* name) const {
  auto known = load(name);
  if (known && !*known) known = make_key(name);
  if (known && !*known) known = load(name);  // another process was first
  if (!known) return fail(known.error());
  if (!*known) return fail(errc::state_damaged);
  return std::move(**known);
}

AJAR_DECL result<std::optional<identity::key>> folder::make_key(const char* name) const {
  identity::key made = identity::key::generate();
  auto text = std::string(key_begin) + to_base32(made.pair().seed().reveal()) + "\n";
  const auto written = create(name, as_bytes(text));
  ::explicit_bzero(text.data(), text.size());
  if (!written) return fail(written.error());
  if (!*written) return std::optional<identity::key>();
  return std::optional(std::move(made));
}

AJAR_DECL result<locked_folder> locked_folder::open(const std::string& path) {
  auto opened = folder::open(path);
  if (!opened) return fail(opened.error());
  auto held = opened->try_lock();
  if (!held) return fail(held.error() == errc::would_block ? make_error_code(errc::already_running) : held.error());
  auto own = opened->load_key();
  if (!own) return fail(own.error());
  return locked_folder{std::move(*opened), std::move(*held), std::move(*own)};
}

}  // namespace ajar::state

// SPDX-License-Identifier: BSL-1.0
// ajar/state/impl/held_grants.ipp - what ajar/state/held_grants.hpp declares.
#pragma once

#include <ajar/state/held_grants.hpp>

namespace ajar::state {

AJAR_DECL result<std::string> held_grants::add(const trust::grant_file& file, std::string petname) const {
  if (file.grant.body().client != client_) return fail(errc::grant_of_another);
  if (wall_now() >= file.grant.body().not_after) return fail(errc::grant_expired);
  if (petname.empty()) petname = file.server_name;
  if (!trust::is_name(petname)) return fail(errc::grant_malformed);
  const auto name = petname + std::string(ending);
  const auto text = trust::to_text(file);
  const auto made = in_.create(name, as_bytes(text));
  if (!made) return fail(made.error());
  if (*made) return petname;
  const auto before = load(name);  // whose it is stays so: nobody gives a name to another server
  if (!before) return fail(before.error());
  if (before->grant.signer() != file.grant.signer()) return fail(errc::petname_taken);
  auto written = in_.write(name, as_bytes(text));
  if (!written) return fail(written.error());
  return petname;
}

AJAR_DECL result<> held_grants::update(const trust::grant_file& file, const std::string& petname) const {
  return replace(file, petname, file.grant);
}

AJAR_DECL result<> held_grants::succeed(const trust::signed_grant& before, const trust::grant_file& file,
                                        const std::string& petname) const {
  return replace(file, petname, before);
}

AJAR_DECL result<held_grants::listing> held_grants::list() const {
  auto names = in_.list(ending);
  if (!names) return fail(names.error());
  listing all;
  for (const auto& name : *names) {
    auto petname = name.substr(0, name.size() - ending.size());
    auto one = load(name);
    if (one) {
      all.good.push_back({std::move(petname), std::move(*one)});
    } else if (one.error() != errc::no_grant) {  // removed meanwhile
      all.bad.push_back({std::move(petname), one.error()});
    }
  }
  return all;
}

AJAR_DECL result<trust::grant_file> held_grants::load(const std::string& name) const {
  auto content = in_.read(name);
  if (!content) return fail(content.error());
  if (!*content) return fail(errc::no_grant);
  auto file = trust::parse_grant_file(as_text(**content));
  if (!file) return fail(errc::state_damaged);
  return file;
}

AJAR_DECL result<> held_grants::replace(const trust::grant_file& file, const std::string& petname,
                                        const trust::signed_grant& kept) const {
  const auto alone = in_.alone();  // from the look at it to the write
  if (!alone) return fail(alone.error());
  const auto name = petname + std::string(ending);
  const auto before = load(name);
  if (!before) return fail(before.error());
  const auto& there = before->grant;
  if (there.body().id != kept.body().id || there.signer() != kept.signer()) return fail(errc::grant_unknown);
  return in_.write(name, as_bytes(trust::to_text(file)));
}

}  // namespace ajar::state

// SPDX-License-Identifier: BSL-1.0
// ajar/trust/issued_grants.hpp - what a server keeps of the grants that it signed.
#pragma once

#include <ajar/identity/state_directory.hpp>
#include <ajar/trust/grant.hpp>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ajar::trust {

/// A file for each grant, in the server's state directory. A grant that is not there was never issued, whoever signed.
///
/// A running server finds what another process has issued meanwhile. Outlived by its directory. Threads: one.
class issued_grants {
 public:
  issued_grants(const identity::state_directory& in, identity::peer_id server) : in_(in), server_(std::move(server)) {}

  /// Keep a new grant, durably. Errors: the system's.
  result<> keep(const signed_grant& one) {
    auto written = in_.write(name_of(one.body().id), one.octets());
    if (written) known_.insert_or_assign(one.body().id, one);
    return written;
  }

  /// The grant with this id, if this server issued it and its file is whole.
  std::optional<signed_grant> find(const grant_id& id) {
    const auto known = known_.find(id);
    if (known != known_.end()) return known->second;
    auto one = load(name_of(id));
    if (!one || one->body().id != id) return std::nullopt;
    return known_.emplace(id, std::move(*one)).first->second;
  }

  /// All of them. Errors: state_damaged where a file is none of this server's grants, the system's.
  result<std::vector<signed_grant>> list() const {
    auto names = in_.list(ending);
    if (!names) return fail(names.error());
    std::vector<signed_grant> all;
    for (const auto& name : *names) {
      auto one = load(name);
      if (!one) return fail(one.error());
      all.push_back(std::move(*one));
    }
    return all;
  }

 private:
  static constexpr std::string_view ending = ".issued";

  static std::string name_of(const grant_id& id) { return to_hex(id) + std::string(ending); }

  result<signed_grant> load(const std::string& name) const {
    auto file = in_.read(name);
    if (!file) return fail(file.error());
    if (!*file) return fail(errc::grant_unknown);
    auto one = signed_grant::open(**file);
    if (!one || one->signer() != server_) return fail(errc::state_damaged);
    return one;
  }

  const identity::state_directory& in_;
  identity::peer_id server_;
  std::map<grant_id, signed_grant> known_;
};

}  // namespace ajar::trust

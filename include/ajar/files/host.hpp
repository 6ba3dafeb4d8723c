// SPDX-License-Identifier: BSL-1.0
// ajar/files/host.hpp - serves the streams of one session, until its client goes: files, under its grant.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/config.hpp>
#include <ajar/files/file_service.hpp>
#include <ajar/files/session_page.hpp>
#include <ajar/sessions/session.hpp>
#include <ajar/state/issued_grants.hpp>
#include <ajar/streams/head.hpp>
#include <ajar/trust/central_notice.hpp>
#include <ajar/trust/succession.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace ajar::files {

/// A client that asks nothing for so long is parted from.
inline constexpr std::chrono::minutes longest_idle{10};

/// A short text, beside files.
struct page {
  unsigned status = 200;
  std::string text;
};

/// What a host asks its server's owner, about the grant of a session.
class host_policy {
 public:
  virtual ~host_policy() = default;
  /// Whether the client may read a share, existing or not, as things are now. Asked at each request.
  /// Errors: service_not_granted; server_busy where nobody knows.
  virtual result<> may_read(const trust::grant_id& grant, std::string_view share) = 0;
  /// The grant as it is now, for the client, renewed where it is time for that. Errors: any; it gets none then.
  virtual result<trust::signed_grant> current(const trust::grant_id&) { return fail(errc::grant_unknown); }
  /// Where the client finds this server from now on. Errors: any, where it has not moved.
  virtual result<trust::signed_notice> moved(const sessions::session_info&) { return fail(errc::file_not_found); }
  /// The client goes over to another key. @return the grant for that one. Errors: any; nothing has changed then.
  virtual result<trust::signed_grant> succeed(const sessions::session_info&, const trust::signed_succession&) {
    return fail(errc::method_unknown);
  }
  /// The key that this server has gone over to, and the client's grant by that. Errors: any, where it has not.
  virtual result<carried_over> gone_over(const sessions::session_info&) { return fail(errc::file_not_found); }
  /// A session begins; and it ends.
  virtual void came(const sessions::session_info&) {}
  virtual void left(const sessions::session_info&) {}
  /// A page of the owner's own. Nothing: what was asked for is a place in a share.
  virtual std::optional<page> answer(const sessions::session_info&, const streams::request&) { return std::nullopt; }
};

/// By the grants that the server has issued, as they are now: a renewal may have taken a share out of one.
class issued_grant_policy : public host_policy {
 public:
  /// Both outlive it.
  issued_grant_policy(state::issued_grants& issued, const identity::key& own) : issued_(issued), own_(own) {}

  result<> may_read(const trust::grant_id& id, std::string_view share) override {
    const auto grant = issued_.find(id);
    if (!grant && grant.error() != errc::grant_unknown) return fail(errc::server_busy);
    const auto* right = grant ? grant->body().find(share) : nullptr;
    if (!right || !right->read) return fail(errc::service_not_granted);
    return {};
  }
  result<trust::signed_grant> current(const trust::grant_id& id) override { return issued_.renewed_in_time(id, own_); }
  result<trust::signed_grant> succeed(const sessions::session_info& info,
                                      const trust::signed_succession& said) override {
    return issued_.succeed(info.grant, said, own_);
  }
  void came(const sessions::session_info& info) override {
    issued_.saw(info.grant);
    auto list = issued_.settle(info.grant, own_);
    if (list && *list) settled(std::move(**list));  // what fails now is done when the client comes next
  }
  void left(const sessions::session_info& info) override { issued_.saw(info.grant); }

  /// A client has come with its new key, and what the one before was granted is taken back: for server::revoke().
  /// Nobody enters by it any more, whether that is called or not.
  virtual void settled(trust::signed_revocations) {}

 private:
  state::issued_grants& issued_;
  const identity::key& own_;
};

/// Answer the requests of a session side by side, until its client goes, or has asked nothing for longest_idle: files
/// and folders of a service, and the pages of session_page.hpp.
///
/// Spawn it on the server (server::spawn). Service and policy outlive it. Cancellation: terminal. Threads: the
/// session's executor only.
/// Example: examples/fetch_folder.cpp.
[[nodiscard]] awaitable<void> host(sessions::session guest, file_service& files, host_policy& policy);

}  // namespace ajar::files

#ifdef AJAR_HEADER_ONLY
#include <ajar/files/impl/host.ipp>
#endif

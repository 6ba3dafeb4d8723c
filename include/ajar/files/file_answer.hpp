// SPDX-License-Identifier: BSL-1.0
// ajar/files/file_answer.hpp - what a file service answers to one request; no stream is touched.
#pragma once

#include <ajar/core/config.hpp>
#include <ajar/files/file_bodies.hpp>

#include <functional>
#include <map>

namespace ajar::files {

/// Shares by their names.
using share_set = std::map<std::string, std::shared_ptr<const shared_folder>, std::less<>>;

/// Whether the one who asks may read a share, existing or not. Errors: service_not_granted, or what its owner says.
using read_permission = std::function<result<>(std::string_view share)>;

/// The field with the number of an errc, in every answer that is an error.
inline constexpr std::string_view error_field = "ajar-error";
/// The field with the time of a file or folder as nanoseconds since 1970: Last-Modified has whole seconds only.
inline constexpr std::string_view time_field = "ajar-mtime-ns";
/// The field with a tag of a file, by which the file is asked for as it was then, if it has only grown since.
inline constexpr std::string_view snapshot_field = "ajar-snapshot";
/// "1" where its owner may execute it.
inline constexpr std::string_view executable_field = "ajar-executable";

/// A head, and a body of one kind or the other. `digest_of` is the file whose digest was asked for; no more than one
/// descriptor is open for all of it.
struct file_answer {
  streams::response head;
  std::string body;
  std::unique_ptr<streams::body_source> source;
  std::shared_ptr<const shared_file> digest_of;
  std::string digest_key;  ///< the same for the same content
};

/// The status of a cause (RFC 9110 section 15).
inline unsigned status_of(const std::error_code& why) {
  if (why == errc::path_malformed) return 400;
  if (why == errc::share_not_found || why == errc::file_not_found || why == errc::not_a_folder) return 404;
  if (why == errc::method_unknown) return 405;
  if (why == errc::file_changed) return 412;
  if (why == errc::range_beyond_end) return 416;
  if (why == errc::file_not_permitted || why == errc::not_a_file) return 403;
  if (why == errc::server_busy) return 503;
  const bool trust = why.category() == category() && why.value() >= static_cast<int>(errc::no_grant) &&
                     why.value() <= static_cast<int>(errc::petname_taken);
  return trust ? 403 : 500;
}

/// An answer that says why there is none.
file_answer refusal(const streams::request& asked, const std::error_code& why);

/// Answer a GET or HEAD: a file, a folder (its path ends in '/'; without it 308 leads there), or "/", the shares that
/// the one who asks may read.
file_answer answer_files(const streams::request& asked, const share_set& shares, const read_permission& may_read);

}  // namespace ajar::files

#ifdef AJAR_HEADER_ONLY
#include <ajar/files/impl/file_answer.ipp>
#endif

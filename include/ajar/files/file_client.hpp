// SPDX-License-Identifier: BSL-1.0
// ajar/files/file_client.hpp - asks for files and folders, and believes nothing of what is answered.
#pragma once

#include <ajar/core/deadline.hpp>
#include <ajar/crypto/hash.hpp>
#include <ajar/files/file_answer.hpp>

namespace ajar::files {

/// What a client wants of a file.
class file_request {
 public:
  explicit file_request(share_path place) : place_(std::move(place)) {}

  /// Only the octets from here on, which makes sense with the tag of what is already there: the file with another tag
  /// is answered whole.
  file_request& from(std::uint64_t first, std::string etag) {
    first_ = first;
    etag_ = std::move(etag);
    return *this;
  }
  /// Only if the file still has this tag: file_changed otherwise.
  file_request& only(std::string etag) {
    only_ = std::move(etag);
    return *this;
  }
  /// As it was when it had the tag of only(), where it has only grown since. A server of an earlier version answers as
  /// if that were not asked.
  file_request& snapshot(bool on = true) {
    snapshot_ = on;
    return *this;
  }
  /// No octets, the head alone.
  file_request& head() {
    method_ = "HEAD";
    return *this;
  }
  /// The digest of the whole file too. The server reads the file for it, before it answers.
  file_request& digest() {
    digest_ = true;
    return *this;
  }

  std::uint64_t first() const noexcept { return first_; }
  bool is_head() const noexcept { return method_ == "HEAD"; }
  const std::string& etag() const noexcept { return only_.empty() ? etag_ : only_; }

  streams::request made() const {
    streams::request asked(method_, to_url_path(place_));
    if (first_ > 0) {
      asked.with("range", "bytes=" + std::to_string(first_) + "-");
      if (!etag_.empty()) asked.with("if-range", etag_);
    }
    if (!only_.empty()) asked.with("if-match", only_);
    if (snapshot_ && !only_.empty()) asked.with(std::string(snapshot_field), only_);
    if (digest_) asked.with("want-repr-digest", "sha-256=10");
    return asked;
  }

 private:
  share_path place_;
  std::string method_ = "GET";
  std::uint64_t first_ = 0;
  std::string etag_;
  std::string only_;
  bool digest_ = false;
  bool snapshot_ = false;
};

/// What a server says of a file before its octets: the facts, and which octets follow.
struct file_head {
  file_facts facts;
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  std::optional<crypto::digest> digest;
};

namespace detail {

inline std::optional<std::uint64_t> number_in(const streams::response& head, std::string_view name) {
  const auto text = head.fields().find(name);
  return text && text->size() <= 18 ? parse_place(*text) : std::nullopt;
}

// "bytes FIRST-LAST/SIZE"
inline bool parse_content_range(std::string_view text, std::uint64_t& first, std::uint64_t& last, std::uint64_t& size) {
  constexpr std::string_view unit = "bytes ";
  const auto dash = text.find('-');
  const auto slash = text.find('/');
  if (!text.starts_with(unit) || dash == std::string_view::npos || slash == std::string_view::npos || dash > slash) {
    return false;
  }
  const auto a = parse_place(text.substr(unit.size(), dash - unit.size()));
  const auto b = parse_place(text.substr(dash + 1, slash - dash - 1));
  const auto c = parse_place(text.substr(slash + 1));
  if (!a || !b || !c) return false;
  first = *a;
  last = *b;
  size = *c;
  return first <= last && last < size && size <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
}

inline std::optional<crypto::digest> digest_in(const streams::response& head) {
  auto list = head.fields().find("repr-digest");
  constexpr std::string_view name = "sha-256=:";
  if (!list || !list->starts_with(name) || !list->ends_with(':') || list->size() == name.size()) return std::nullopt;
  const auto octets = from_base64(list->substr(name.size(), list->size() - name.size() - 1));
  crypto::digest made{};
  if (!octets || octets->size() != made.size()) return std::nullopt;
  std::copy(octets->begin(), octets->end(), made.begin());
  return made;
}

}  // namespace detail

/// The cause that an answer names, where it is no success.
inline std::error_code cause_of(const streams::response& head) {
  const auto number = detail::number_in(head, error_field);
  if (number && *number > 0 && *number <= 0xffff) {
    const auto known = errc_from_wire(static_cast<std::uint16_t>(*number));
    return known == errc::message_malformed ? errc::answer_unexpected : known;
  }
  return head.status() == 404 ? errc::file_not_found : errc::answer_unexpected;
}

/// The time of a file or folder that an answer tells in nanoseconds. Nothing: it does not. Errors: answer_unexpected.
inline result<std::optional<file_time>> time_in(const streams::response& head) {
  constexpr std::uint64_t last_time = 9'000'000'000'000'000'000;
  const auto text = head.fields().find(time_field);
  if (!text) return std::optional<file_time>();
  const bool early = text->starts_with('-');
  const auto digits = early ? text->substr(1) : *text;
  if (digits.empty() || digits.find_first_not_of("0123456789") != digits.npos) return fail(errc::answer_unexpected);
  const auto value = std::min(detail::parse_place(digits).value_or(last_time), last_time);
  const auto nanoseconds = static_cast<std::int64_t>(value);
  return std::optional(file_time(std::chrono::nanoseconds(early ? -nanoseconds : nanoseconds)));
}

/// Read the head of an answer, against what was asked.
///
/// Errors: the server's; not_a_file where it is a folder (308); file_changed where the tag is not the one asked for by
/// only(); answer_unexpected where a field is missing, cannot be, or contradicts another or the request.
inline result<file_head> parse_file_head(const file_request& asked, const streams::response& head) {
  if (head.status() == 308) return fail(errc::not_a_file);
  if (head.status() != 200 && head.status() != 206) return fail(cause_of(head));
  file_head made;
  const auto etag = head.fields().find("etag");
  const auto length = detail::number_in(head, "content-length");
  if (!etag || !is_etag(*etag) || !length) return fail(errc::answer_unexpected);
  made.facts.kind = entry_kind::file;
  made.facts.etag = *etag;
  made.count = *length;
  made.facts.size = *length;
  if (head.status() == 206) {
    std::uint64_t last = 0;
    const auto range = head.fields().find("content-range");
    if (!range || !detail::parse_content_range(*range, made.first, last, made.facts.size) || made.first == 0 ||
        made.first != asked.first() || last + 1 != made.facts.size || made.count != last - made.first + 1 ||
        made.facts.etag != asked.etag()) {
      return fail(errc::answer_unexpected);
    }
  } else if (!asked.is_head() && asked.first() > 0 && *etag == asked.etag()) {
    return fail(errc::answer_unexpected);  // the same file, and not what was asked of it
  }
  const auto time = time_in(head);
  if (!time) return fail(time.error());
  if (*time) {
    made.facts.modified = **time;
  } else if (const auto date = head.fields().find("last-modified")) {
    const auto at = parse_http_date(*date);
    if (!at) return fail(errc::answer_unexpected);
    made.facts.modified = *at;
  }
  made.facts.executable = head.fields().find(executable_field) == "1";
  made.digest = detail::digest_in(head);
  return made;
}

/// Counts the octets of a body against its head, whoever else does.
class body_length {
 public:
  explicit body_length(std::uint64_t announced) : left_(announced) {}

  std::uint64_t left() const noexcept { return left_; }
  /// Errors: body_length_wrong where there are more than announced.
  result<> took(std::size_t count) {
    if (count > left_) return fail(errc::body_length_wrong);
    left_ -= count;
    return {};
  }
  /// What the end of a body means: that of the session, by whatever cause (the file is what it was); fewer octets than
  /// announced, or an end of the stream before the end was confirmed (the file changed while it was sent).
  result<> ended(const std::error_code& why) const {
    if (is_canceled(why)) return fail(errc::canceled);
    if (why == errc::eof && left_ == 0) return {};
    if (why == errc::stream_reset && left_ == 0) return fail(errc::file_changed);
    if (why == errc::eof) return fail(errc::truncated);
    const bool early = why == errc::stream_reset || why == errc::body_length_wrong;
    return fail(early ? make_error_code(errc::share_cut_short) : why);
  }

 private:
  std::uint64_t left_;
};

}  // namespace ajar::files

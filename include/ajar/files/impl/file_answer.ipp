// SPDX-License-Identifier: BSL-1.0
// ajar/files/impl/file_answer.ipp - what ajar/files/file_answer.hpp declares.
#pragma once

#include <ajar/files/file_answer.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <utility>

namespace ajar::files {

namespace detail {

// RFC 9530 section 4: a dictionary of preferences; 0 says "not this one".
inline bool wants_sha256(const streams::request& asked) {
  auto list = asked.fields().find("want-repr-digest");
  while (list && !list->empty()) {
    const auto comma = list->find(',');
    const auto one = trimmed(list->substr(0, comma));
    constexpr std::string_view name = "sha-256=";
    if (one.starts_with(name) && parse_place(one.substr(name.size())).value_or(0) > 0) return true;
    list->remove_prefix(comma == std::string_view::npos ? list->size() : comma + 1);
  }
  return false;
}

inline file_answer answer_file(const streams::request& asked, const share_path& place, const shared_folder& share) {
  auto opened = share.file(place.inside);
  if (!opened) return refusal(asked, opened.error());
  if (const auto etag = asked.fields().find(snapshot_field)) (void)opened->keep_to(*etag);
  auto file = std::make_shared<const shared_file>(std::move(*opened));
  const auto& facts = file->facts();
  const auto part = decide(asked, facts);
  if (part.status == 412 || part.status == 416) {
    auto made = refusal(asked, part.status == 412 ? errc::file_changed : errc::range_beyond_end);
    made.head.with("etag", facts.etag);
    if (part.status == 416) made.head.with("content-range", fmt::format("bytes */{}", facts.size));
    return made;
  }
  file_answer made;
  made.head = streams::response(part.status);
  made.head.with("etag", facts.etag)
      .with("last-modified", to_http_date(std::chrono::floor<std::chrono::seconds>(facts.modified)))
      .with(std::string(time_field), std::to_string(facts.modified.time_since_epoch().count()))
      .with("accept-ranges", "bytes");
  if (facts.executable) made.head.with(std::string(executable_field), "1");
  if (part.status == 304) return made;
  made.head.with("content-type", "application/octet-stream").with("content-length", std::to_string(part.count));
  if (part.status == 206) {
    made.head.with("content-range", fmt::format("bytes {}-{}/{}", part.first, part.first + part.count - 1, facts.size));
  }
  if (wants_sha256(asked)) {
    made.digest_key = to_url_path(place) + facts.etag + file->stamp();
    made.digest_of = file;
  }
  if (asked.method() == "GET" && part.count > 0) made.source = std::make_unique<file_body>(std::move(file), part);
  return made;
}

inline file_answer answer_folder(const streams::request& asked, const share_path& place,
                                 const std::shared_ptr<const shared_folder>& share) {
  auto entries = share->folder(place.inside);
  if (!entries) return refusal(asked, entries.error());
  file_answer made;
  made.head.with("content-type", std::string(listing_type)).with("cache-control", "no-store");
  made.head.with(std::string(time_field), std::to_string(entries->facts().modified.time_since_epoch().count()));
  if (asked.method() == "GET") made.source = std::make_unique<folder_body>(share, std::move(*entries));
  return made;
}

inline file_answer answer_root(const streams::request& asked, const share_set& shares,
                               const read_permission& may_read) {
  file_answer made;
  std::uint64_t count = 0;
  for (const auto& [name, share] : shares) {
    if (!may_read(name)) continue;
    folder_entry entry{name, entry_kind::other, std::nullopt};
    auto facts = share->facts("");
    if (facts) entry.kind = facts->kind;
    if (facts) entry.facts = std::move(*facts);
    made.body += to_line(entry);
    ++count;
  }
  made.body += end_line(count);
  made.head.with("content-type", std::string(listing_type)).with("cache-control", "no-store");
  made.head.with("content-length", std::to_string(made.body.size()));
  if (asked.method() == "HEAD") made.body.clear();
  return made;
}

}  // namespace detail

AJAR_DECL file_answer refusal(const streams::request& asked, const std::error_code& why) {
  file_answer made;
  made.head = streams::response(status_of(why));
  const bool own = why.category() == category();
  const nlohmann::json body = {{"error", own ? why.value() : 0}, {"text", explain(why)}};
  made.body = body.dump() + "\n";
  made.head.with(std::string(error_field), std::to_string(own ? why.value() : 0));
  if (why == errc::method_unknown) made.head.with("allow", "GET, HEAD");
  made.head.with("content-type", "application/json").with("content-length", std::to_string(made.body.size()));
  if (asked.method() == "HEAD") made.body.clear();
  return made;
}

AJAR_DECL file_answer answer_files(const streams::request& asked, const share_set& shares,
                                   const read_permission& may_read) {
  if (asked.method() != "GET" && asked.method() != "HEAD") return refusal(asked, errc::method_unknown);
  const auto place = parse_url_path(asked.path());
  if (!place) return refusal(asked, place.error());
  if (place->share.empty()) return detail::answer_root(asked, shares, may_read);
  const auto permitted = may_read(place->share);
  if (!permitted) return refusal(asked, permitted.error());
  const auto at = shares.find(place->share);
  if (at == shares.end()) return refusal(asked, errc::share_not_found);
  if (place->folder) return detail::answer_folder(asked, *place, at->second);
  const auto facts = at->second->facts(place->inside);
  if (facts && facts->kind == entry_kind::folder) {
    auto there = *place;
    there.folder = true;
    file_answer made;
    made.head = streams::response(308);
    made.head.with("location", to_url_path(there)).with("content-length", "0");
    return made;
  }
  return detail::answer_file(asked, *place, *at->second);
}

}  // namespace ajar::files

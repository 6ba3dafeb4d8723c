// SPDX-License-Identifier: BSL-1.0
// ajar/files/impl/listing.ipp - what ajar/files/listing.hpp declares.
#pragma once

#include <ajar/files/listing.hpp>

#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

namespace ajar::files {

namespace detail {

using json = nlohmann::json;

inline void add_facts(json& line, const file_facts& facts) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(facts.modified);
  line["size"] = facts.size;
  line["mtime"] = seconds.time_since_epoch().count();
  line["mtime_ns"] = (facts.modified - seconds).count();
  line["etag"] = facts.etag;
  if (facts.executable) line["executable"] = true;
}

inline std::optional<std::string> name_of(const nlohmann::json& line) {
  const auto plain = line.find("name");
  const auto coded = line.find("name_base64");
  if ((plain == line.end()) == (coded == line.end())) return std::nullopt;
  if (plain != line.end()) return plain->is_string() ? std::optional(plain->get<std::string>()) : std::nullopt;
  const auto octets = coded->is_string() ? from_base64(coded->get_ref<const std::string&>()) : std::nullopt;
  return octets ? std::optional(std::string(as_text(*octets))) : std::nullopt;
}

inline std::optional<entry_kind> kind_of(const nlohmann::json& line, const char* field) {
  const auto found = line.find(field);
  if (found == line.end() || !found->is_string()) return std::nullopt;
  for (const auto one : {entry_kind::file, entry_kind::folder, entry_kind::link, entry_kind::other}) {
    if (found->get_ref<const std::string&>() == to_string(one)) return one;
  }
  return std::nullopt;
}

inline std::optional<std::int64_t> number(const nlohmann::json& line, const char* field, std::int64_t least,
                                          std::int64_t most) {
  const auto found = line.find(field);
  if (found == line.end() || !found->is_number_integer()) return std::nullopt;
  if (found->is_number_unsigned() &&
      found->get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return std::nullopt;
  }
  const auto value = found->get<std::int64_t>();
  return value >= least && value <= most ? std::optional(value) : std::nullopt;
}

inline std::optional<file_facts> facts_of_file(const nlohmann::json& line) {
  using limits = std::numeric_limits<std::int64_t>;
  const auto size = number(line, "size", 0, limits::max());
  const auto seconds = number(line, "mtime", limits::min(), limits::max());
  const auto rest = number(line, "mtime_ns", 0, 999'999'999);
  const auto tag = line.find("etag");
  if (!size || !seconds || !rest || tag == line.end() || !tag->is_string()) return std::nullopt;
  file_facts made;
  made.kind = entry_kind::file;
  made.size = static_cast<std::uint64_t>(*size);
  made.modified = nearest_time(*seconds, *rest);
  made.etag = tag->get<std::string>();
  made.executable = line.value("executable", nlohmann::json()) == true;
  return is_etag(made.etag) ? std::optional(std::move(made)) : std::nullopt;
}

}  // namespace detail

AJAR_DECL std::string to_line(const folder_entry& one, const std::string& key) {
  detail::json line;
  if (is_utf8(one.name)) {
    line[key] = one.name;
  } else {
    line[key + "_base64"] = to_base64(as_bytes(one.name));
  }
  line["type"] = to_string(one.kind);
  if (one.kind == entry_kind::link && one.facts) line["to"] = to_string(one.facts->kind);
  if (one.facts && one.facts->kind == entry_kind::file) detail::add_facts(line, *one.facts);
  return line.dump() + "\n";
}

AJAR_DECL std::string end_line(std::uint64_t entries) {
  const detail::json line = {{"end", true}, {"entries", entries}};
  return line.dump() + "\n";
}

AJAR_DECL result<> listing_reader::add(bytes_view octets) {
  for (auto text = as_text(octets); !text.empty();) {
    const auto newline = text.find('\n');
    line_.append(text.substr(0, newline));
    if (line_.size() > longest_line) return fail(errc::listing_malformed);
    if (newline == std::string_view::npos) return {};
    text.remove_prefix(newline + 1);
    auto taken = take_line();
    if (!taken) return taken;
    line_.clear();
  }
  return {};
}

AJAR_DECL result<> listing_reader::take_line() {
  const auto line = nlohmann::json::parse(line_, nullptr, false);
  if (!line.is_object() || ended_) return fail(errc::listing_malformed);
  if (const auto end = line.find("end"); end != line.end()) {
    ended_ = *end == true;
    const auto count = detail::number(line, "entries", 0, std::numeric_limits<std::int64_t>::max());
    if (!ended_ || count != count_) return fail(errc::listing_malformed);
    return {};
  }
  folder_entry made;
  if (auto name = detail::name_of(line)) {
    made.name = std::move(*name);
  } else {
    return fail(errc::listing_malformed);
  }
  if (!is_entry_name(made.name)) return fail(errc::name_escapes);
  const auto kind = detail::kind_of(line, "type");
  if (!kind) return fail(errc::listing_malformed);
  made.kind = *kind;
  auto leads_to = kind;
  if (*kind == entry_kind::link) leads_to = line.contains("to") ? detail::kind_of(line, "to") : std::nullopt;
  if (leads_to == entry_kind::file) {
    made.facts = detail::facts_of_file(line);
    if (!made.facts) return fail(errc::listing_malformed);
  } else if (leads_to) {
    made.facts.emplace().kind = *leads_to;
  }
  ++count_;
  entries_.push_back(std::move(made));
  return {};
}

}  // namespace ajar::files

// SPDX-License-Identifier: BSL-1.0
// ajar/services/listing.hpp - a folder as lines of JSON, written and read one at a time.
#pragma once

#include <ajar/core/bytes.hpp>
#include <ajar/services/shared_folder.hpp>

#include <algorithm>
#include <deque>
#include <limits>
#include <nlohmann/json.hpp>

namespace ajar::services {

/// What a listing is called among media types: one JSON text a line.
inline constexpr std::string_view listing_type = "application/x-ndjson";
/// No honest line is longer: a name is 255 octets, each at most six characters of JSON.
inline constexpr std::size_t longest_line = 4096;

/// True for an entity tag that may be sent back as it is: strong, quoted, at most 128 characters.
inline bool is_etag(std::string_view text) {
  constexpr std::size_t longest = 128;
  return text.size() > 2 && text.size() <= longest && text.front() == '"' && text.back() == '"' &&
         std::ranges::all_of(text.substr(1, text.size() - 2), [](char c) { return c > 0x20 && c < 0x7f && c != '"'; });
}

namespace detail {

using json = nlohmann::ordered_json;

inline void add_facts(json& line, const file_facts& facts) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(facts.modified);
  line["size"] = facts.size;
  line["mtime"] = seconds.time_since_epoch().count();
  line["mtime_ns"] = (facts.modified - seconds).count();
  line["etag"] = facts.etag;
}

}  // namespace detail

/// An entry as its line:
/// {"name", or "name_base64" where it is no UTF-8, "type", and of a file "size", "mtime", "mtime_ns", "etag"}; of a
/// link "to" (file, folder or other) what it leads to, if that is inside the share, and the facts of a file there.
inline std::string to_line(const folder_entry& one) {
  detail::json line;
  if (is_utf8(one.name)) {
    line["name"] = one.name;
  } else {
    line["name_base64"] = to_base64(as_bytes(one.name));
  }
  line["type"] = to_string(one.kind);
  if (one.kind == entry_kind::link && one.facts) line["to"] = to_string(one.facts->kind);
  if (one.facts && one.facts->kind == entry_kind::file) detail::add_facts(line, *one.facts);
  return line.dump() + "\n";
}

/// The last line: without it a listing is not whole.
inline std::string end_line(std::uint64_t entries) {
  const detail::json line = {{"end", true}, {"entries", entries}};
  return line.dump() + "\n";
}

/// Reads the lines of a listing that a stranger wrote, in pieces of any size, and holds no more than what it was given.
class listing_reader {
 public:
  /// Take some octets. Errors: listing_malformed, name_escapes for a name that is no entry's; for good.
  result<> add(bytes_view octets) {
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
  /// The next entry that is whole; nothing where more octets are needed, or the listing has ended.
  std::optional<folder_entry> next() {
    if (entries_.empty()) return std::nullopt;
    auto one = std::move(entries_.front());
    entries_.pop_front();
    return one;
  }
  /// Called at the end of the body. Errors: share_cut_short where the last line is missing.
  result<> finish() const {
    if (!ended_ || !line_.empty()) return fail(errc::share_cut_short);
    return {};
  }

 private:
  using json = nlohmann::json;

  result<> take_line() {
    const auto line = json::parse(line_, nullptr, false);
    if (!line.is_object() || ended_) return fail(errc::listing_malformed);
    if (const auto end = line.find("end"); end != line.end()) {
      ended_ = *end == true;
      const auto count = number(line, "entries", 0, std::numeric_limits<std::int64_t>::max());
      if (!ended_ || count != count_) return fail(errc::listing_malformed);
      return {};
    }
    folder_entry made;
    if (auto name = name_of(line)) {
      made.name = std::move(*name);
    } else {
      return fail(errc::listing_malformed);
    }
    if (!is_entry_name(made.name)) return fail(errc::name_escapes);
    const auto kind = kind_of(line, "type");
    if (!kind) return fail(errc::listing_malformed);
    made.kind = *kind;
    auto leads_to = kind;
    if (*kind == entry_kind::link) leads_to = line.contains("to") ? kind_of(line, "to") : std::nullopt;
    if (leads_to == entry_kind::file) {
      made.facts = facts_of_file(line);
      if (!made.facts) return fail(errc::listing_malformed);
    } else if (leads_to) {
      made.facts.emplace().kind = *leads_to;
    }
    ++count_;
    entries_.push_back(std::move(made));
    return {};
  }

  static std::optional<std::string> name_of(const json& line) {
    const auto plain = line.find("name");
    const auto coded = line.find("name_base64");
    if ((plain == line.end()) == (coded == line.end())) return std::nullopt;
    if (plain != line.end()) return plain->is_string() ? std::optional(plain->get<std::string>()) : std::nullopt;
    const auto octets = coded->is_string() ? from_base64(coded->get_ref<const std::string&>()) : std::nullopt;
    return octets ? std::optional(std::string(as_text(*octets))) : std::nullopt;
  }
  static std::optional<entry_kind> kind_of(const json& line, const char* field) {
    const auto found = line.find(field);
    if (found == line.end() || !found->is_string()) return std::nullopt;
    for (const auto one : {entry_kind::file, entry_kind::folder, entry_kind::link, entry_kind::other}) {
      if (found->get_ref<const std::string&>() == to_string(one)) return one;
    }
    return std::nullopt;
  }
  static std::optional<std::int64_t> number(const json& line, const char* field, std::int64_t least,
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
  static std::optional<file_facts> facts_of_file(const json& line) {
    constexpr std::int64_t last_second = 9'000'000'000;  // of what fits into 64 bits of nanoseconds
    const auto size = number(line, "size", 0, std::numeric_limits<std::int64_t>::max());
    const auto seconds = number(line, "mtime", -last_second, last_second);
    const auto rest = number(line, "mtime_ns", 0, 999'999'999);
    const auto tag = line.find("etag");
    if (!size || !seconds || !rest || tag == line.end() || !tag->is_string()) return std::nullopt;
    file_facts made;
    made.kind = entry_kind::file;
    made.size = static_cast<std::uint64_t>(*size);
    made.modified = file_time(std::chrono::seconds(*seconds) + std::chrono::nanoseconds(*rest));
    made.etag = tag->get<std::string>();
    return is_etag(made.etag) ? std::optional(std::move(made)) : std::nullopt;
  }

  std::string line_;
  std::deque<folder_entry> entries_;
  std::int64_t count_ = 0;
  bool ended_ = false;
};

}  // namespace ajar::services

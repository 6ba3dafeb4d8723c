// SPDX-License-Identifier: BSL-1.0
// ajar/files/impl/session_page.ipp - what ajar/files/session_page.hpp declares.
#pragma once

#include <ajar/files/session_page.hpp>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace ajar::files {

namespace detail {

inline constexpr std::size_t largest_page = 64 * 1024;

}  // namespace detail

AJAR_DECL std::string to_session_page(const sessions::session_info& of) {
  nlohmann::json page;
  page["path"] = to_string(of.path);
  if (of.window) {
    page["exposure_ns"] = static_cast<std::uint64_t>(of.window->exposure.count());
    page["listeners"] = of.window->listeners;
    page["strangers"] = of.window->strangers;
  }
  return page.dump() + "\n";
}

AJAR_DECL result<window_cost> parse_session_page(std::string_view text) {
  const auto page = nlohmann::json::parse(text, nullptr, false);
  if (!page.is_object()) return fail(errc::answer_unexpected);
  window_cost made;
  for (const auto& [name, value] : page.items()) {
    if (!value.is_number_unsigned()) continue;
    if (name == "exposure_ns") made.exposure_ns = value.get<std::uint64_t>();
    if (name == "listeners") made.listeners = value.get<std::uint64_t>();
    if (name == "strangers") made.strangers = value.get<std::uint64_t>();
  }
  return made;
}

AJAR_DECL std::string to_grant_page(const trust::signed_grant& one) { return to_base32(one.octets()) + "\n"; }

AJAR_DECL result<trust::signed_grant> parse_grant_page(std::string_view text) {
  const auto octets = from_base32(text.substr(0, text.empty() ? 0 : text.size() - 1));
  if (!octets) return fail(errc::grant_malformed);
  return trust::signed_grant::open(*octets);
}

AJAR_DECL std::string to_central_page(const trust::signed_notice& one) { return to_base32(one.octets()) + "\n"; }

AJAR_DECL result<trust::signed_notice> parse_central_page(std::string_view text) {
  const auto octets = from_base32(text.substr(0, text.empty() ? 0 : text.size() - 1));
  if (!octets) return fail(errc::message_malformed);
  return trust::signed_notice::open(*octets);
}

AJAR_DECL std::string to_succession_page(const trust::signed_succession& one) { return to_base32(one.octets()) + "\n"; }

AJAR_DECL result<trust::signed_succession> parse_succession_page(std::string_view text) {
  const auto octets = from_base32(text.substr(0, text.empty() ? 0 : text.size() - 1));
  if (!octets) return fail(errc::message_malformed);
  return trust::signed_succession::open(*octets);
}

AJAR_DECL std::string to_carried_page(const carried_over& what) {
  return to_succession_page(what.said) + to_grant_page(what.grant);
}

AJAR_DECL result<carried_over> parse_carried_page(std::string_view text) {
  const auto end = std::min(text.find('\n'), text.size());
  auto said = parse_succession_page(text.substr(0, std::min(end + 1, text.size())));
  if (!said) return fail(said.error());
  auto grant = parse_grant_page(text.substr(std::min(end + 1, text.size())));
  if (!grant) return fail(grant.error());
  return carried_over{std::move(*said), std::move(*grant)};
}

AJAR_DECL awaitable<result<std::string>> read_text(streams::stream& from, std::size_t longest) {
  std::string text;
  bytes piece(4096);
  while (text.size() <= longest) {
    auto count = co_await from.read_some(piece, clock::now() + patience);
    if (!count && count.error() == errc::eof) co_return std::move(text);
    if (!count) co_return fail(count.error());
    text += as_text(bytes_view(piece).first(*count));
  }
  co_return fail(errc::answer_unexpected);
}

AJAR_DECL awaitable<result<std::string>> ask_page(streams::multiplexer& over, streams::request asked) {
  auto stream = co_await over.open(std::move(asked), false, clock::now() + patience);
  if (!stream) co_return fail(stream.error());
  auto answered = co_await stream->answer(clock::now() + patience);
  if (!answered) co_return fail(answered.error());
  if (!answered->ok()) co_return fail(cause_of(*answered));
  auto reading = read_text(*stream, detail::largest_page);
  auto text = co_await std::move(reading);
  co_return std::move(text);
}

AJAR_DECL awaitable<result<window_cost>> ask_cost(streams::multiplexer& over) {
  if (const auto& own = over.info().window) {
    window_cost cost;
    cost.exposure_ns = static_cast<std::uint64_t>(own->exposure.count());
    cost.listeners = own->listeners;
    cost.strangers = own->strangers;
    co_return cost;
  }
  streams::request asked("GET", std::string(session_page));
  auto asking = ask_page(over, std::move(asked));
  auto text = co_await std::move(asking);
  if (!text) co_return fail(text.error());
  auto cost = parse_session_page(*text);
  co_return cost;
}

AJAR_DECL awaitable<result<trust::signed_grant>> ask_grant(streams::multiplexer& over) {
  streams::request asked("GET", std::string(grant_page));
  auto asking = ask_page(over, std::move(asked));
  auto text = co_await std::move(asking);
  if (!text) co_return fail(text.error());
  auto grant = parse_grant_page(*text);
  co_return std::move(grant);
}

AJAR_DECL awaitable<result<std::optional<identity::url>>> ask_central(streams::multiplexer& over,
                                                                      identity::peer_id self) {
  streams::request asked("GET", std::string(central_page));
  auto asking = ask_page(over, std::move(asked));
  auto text = co_await std::move(asking);
  if (!text && text.error() == errc::file_not_found) co_return std::nullopt;
  if (!text) co_return fail(text.error());
  const auto said = parse_central_page(*text);
  if (!said) co_return fail(said.error());
  auto where = trust::where_it_is(*said, over.info().peer, self);
  if (!where) co_return fail(where.error());
  co_return std::optional(std::move(*where));
}

AJAR_DECL awaitable<result<trust::signed_grant>> tell_succession(streams::multiplexer& over,
                                                                 trust::signed_succession said) {
  streams::request asked("POST", std::string(succession_page));
  asked.with("content-type", "text/plain");
  auto stream = co_await over.open(std::move(asked), true, clock::now() + patience);
  if (!stream) co_return fail(stream.error());
  const auto page = to_succession_page(said);
  auto written = co_await stream->write(as_bytes(page), clock::now() + patience);
  if (!written) co_return fail(written.error());
  auto finished = stream->finish();
  if (!finished) co_return fail(finished.error());
  auto answered = co_await stream->answer(clock::now() + patience);
  if (!answered) co_return fail(answered.error());
  if (!answered->ok()) {
    const auto why = cause_of(*answered);
    co_return fail(why == errc::method_unknown ? make_error_code(errc::unknown_version) : why);
  }
  auto reading = read_text(*stream, detail::largest_page);
  auto text = co_await std::move(reading);
  if (!text) co_return fail(text.error());
  auto grant = parse_grant_page(*text);
  if (!grant) co_return fail(grant.error());
  const bool ours = grant->signer() == over.info().peer && identity::names(grant->body().client, said.body().successor);
  if (!ours) co_return fail(errc::answer_forged);
  co_return std::move(grant);
}

AJAR_DECL awaitable<result<std::optional<trust::signed_grant>>> ask_succession(streams::multiplexer& over,
                                                                               identity::peer_id self) {
  streams::request asked("GET", std::string(succession_page));
  auto asking = ask_page(over, std::move(asked));
  auto text = co_await std::move(asking);
  if (!text && text.error() == errc::file_not_found) co_return std::nullopt;
  if (!text) co_return fail(text.error());
  auto told = parse_carried_page(*text);
  if (!told) co_return fail(told.error());
  const auto successor = trust::successor_of(told->said, over.info().peer, wall_now());
  if (!successor) co_return fail(successor.error());
  if (told->grant.signer() != *successor) co_return fail(errc::answer_forged);
  if (told->grant.body().client != self) co_return fail(errc::grant_of_another);
  co_return std::optional(std::move(told->grant));
}

}  // namespace ajar::files

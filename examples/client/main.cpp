// SPDX-License-Identifier: BSL-1.0
// ajar-client: reaches servers that have no open port.
#include <ajar/client.hpp>

#include "../tools/begin.hpp"
#include "../tools/network.hpp"
#include "../tools/status.hpp"
#include "collect.hpp"
#include "doctor.hpp"
#include "grants.hpp"
#include "look.hpp"
#include "rotate.hpp"

#include <algorithm>

namespace {

constexpr const char* examples =
    "Examples:\n"
    "  ajar-client get ajar1...                         what somebody's 'ajar-server share' offers, to this folder\n"
    "  ajar-client id                                   this client's peer id alone: give it to a server's owner\n"
    "  ajar-client join ajar1...                        redeem an invite; --wait until the owner has approved it\n"
    "  ajar-client add laptop.grant                     keep a grant; --name calls the server something else; - reads "
    "stdin\n"
    "  ajar-client servers                              a line for each: name, id\n"
    "  ajar-client rotate                               go over to a new key, and take the grants along\n"
    "  ajar-client ls home:                             what it shares with you; home:photos/2004, -l, --human, -R\n"
    "  ajar-client get home:photos .                    a whole folder, to ./photos; again, to go on or to update\n"
    "  ajar-client get home:photos/ copy                what is in it, to ./copy\n"
    "  ajar-client get home:notes home:photos/a.jpg .   several; --verify compares SHA-256\n"
    "  ajar-client cat home:notes | less                a file to stdout\n"
    "  ajar-client ping home                            reach it, and say how\n"
    "  ajar-client status                               what running clients of this state folder do\n"
    "  ajar-client doctor                               what is in the way on this machine, and what to do\n"
    "  ajar-client network home                         the NAT and the firewall before this machine\n"
    "  ajar-client ls home: --by outbound --door 0.0.0.0:4000   let the server dial here\n";

using tools::wrong;

// The words as places, or nothing: it has complained.
std::optional<std::vector<tools::remote_place>> places(const std::vector<std::string>& words) {
  std::vector<tools::remote_place> all;
  for (const auto& word : words) {
    auto one = tools::parse_place(word);
    if (!one) return wrong(tools::shown(word) + ": " + one.error()), std::nullopt;
    if (!all.empty() && all.front().server != one->server) {
      return wrong("all of one get is at one server: get from each by itself"), std::nullopt;
    }
    all.push_back(std::move(*one));
  }
  return all;
}

int ping(const tools::settings& given, const tools::node& self, const tools::remote_place& place) {
  const auto count = given["count"].as<unsigned>();
  const bool json = given.count("json") != 0;
  if (count < 1 || count > 1000) return wrong("--count is 1 to 1000");
  return tools::visit_server(given, self, place.server, tools::shown(place.server),
                             [=](tools::visit_ptr at) { return tools::ping(std::move(at), count, json); });
}

// @param to  a descriptor that is open already
int cat(const tools::settings& given, const tools::node& self, const tools::remote_place& place,
        int to = STDOUT_FILENO) {
  if (place.at.share.empty()) return wrong("cat needs SERVER:NAME, or a file in it: SERVER:NAME/PATH");
  if (place.at.folder) return wrong("cat is for a file: get fetches a folder");
  const bool json = given.count("json") != 0;
  return tools::visit_server(given, self, place.server, whole_name_of(place),
                             [=](tools::visit_ptr at) { return tools::cat(std::move(at), place.at, json, to); });
}

// A device or a FIFO takes the octets of one file as they come.
int get_into_stream(const tools::settings& given, const tools::node& self,
                    const std::vector<tools::remote_place>& sources, const std::string& to) {
  if (sources.size() != 1 || sources.front().at.folder) return wrong(tools::shown(to) + ": takes one file at a time");
  const auto opened = tools::open_stream(to);
  if (!opened) return tools::complain(tools::client_tool, to, opened.error());
  return cat(given, self, sources.front(), opened->get());
}

int ls(const tools::settings& given, const tools::node& self, const tools::remote_place& place) {
  tools::ls_format how;
  how.human = given.count("human") != 0;
  how.long_lines = how.human || given.count("long") != 0;
  how.deep = given.count("recursive") != 0;
  how.json = given.count("json") != 0;
  return tools::visit_server(given, self, place.server, whole_name_of(place),
                             [=](tools::visit_ptr at) { return tools::ls(std::move(at), place.at, how); });
}

tools::get_options how_to_get(const tools::settings& given) {
  tools::get_options how;
  how.verify = given.count("verify") != 0;
  how.force = given.count("force") != 0;
  how.dry_run = given.count("dry-run") != 0;
  how.remove = given.count("delete") != 0;
  how.snapshot = given.count("snapshot") != 0;
  how.exclude = tools::list_option(given, "exclude");
  if (given.count("limit-rate") != 0) how.rate = std::uint64_t{1000} * given.as<unsigned>("limit-rate");
  how.json = given.count("json") != 0;
  how.quiet = given.count("quiet") != 0;
  how.parallel = given["parallel"].as<unsigned>();
  how.retry = *tools::parse_patience(tools::text_option(given, "retry"));  // the table has checked it
  return how;
}

int get_offered(const tools::settings& given, const tools::node& self, const std::vector<std::string>& words) {
  if (given.count("dry-run") != 0) return wrong("--dry-run is for get SERVER:NAME/PATH: an invite works once");
  if (words.size() > 2) return wrong("get INVITE takes one place to put it: a folder, by default this one");
  const auto to = words.size() == 2 ? tools::followed(words[1]) : std::string(".");
  if (to.empty() || to == "-" || tools::what_is_at(to) == tools::there::stream) {
    return wrong("what was offered goes to a folder: name one, or none for this one");
  }
  return tools::get_by_invite(given, self, words[0], to, how_to_get(given));
}

int get(const tools::settings& given, const tools::node& self) {
  auto words = tools::list_option(given, "words");
  if (!words.empty() && tools::looks_like_invite(words[0])) return get_offered(given, self, words);
  if (words.size() < 2) return wrong("get needs SERVER:NAME/PATH, one or more, and where to: a folder or a file");
  const auto to = tools::followed(words.back());
  words.pop_back();
  const auto sources = places(words);
  if (!sources) return tools::usage;
  for (const auto& one : *sources) {
    if (one.at.share.empty()) return wrong("get needs SERVER:NAME: 'ajar-client ls SERVER:' shows what is shared");
  }
  if (to == "-") {
    if (sources->size() != 1) return wrong("one file goes to stdout: get SERVER:NAME/PATH -");
    return cat(given, self, sources->front());
  }
  if (to.empty()) return wrong("name where to: a folder or a file");
  if (tools::what_is_at(to) == tools::there::stream) return get_into_stream(given, self, *sources, to);
  if (const auto twice = tools::name_twice(*sources)) {
    return wrong("two of them would be called " + tools::shown(*twice) + ": get one by itself");
  }
  const auto how = how_to_get(given);
  const auto content = [](const tools::remote_place& one) { return one.at.folder; };
  if (how.remove && sources->size() > 1 && std::ranges::any_of(*sources, content)) {
    return wrong("--delete: get what is in a folder by itself: several sources would go to one place");
  }
  return tools::visit_server(
      given, self, sources->front().server, tools::shown(words.front()),
      [=](tools::visit_ptr at) { return tools::get(std::move(at), *sources, to, how); }, to);
}

int network(const tools::settings& given, const tools::node& self, const std::string& server) {
  if (!tools::stay_in_sandbox(given, self)) return tools::local_trouble;
  auto known = tools::look_outside(given, self, server);
  if (!known)
    return tools::complain(tools::client_tool, tools::about_server(self, server, known.error()), known.error());
  tools::print_network(*known, given.count("json") != 0);
  return tools::success;
}

int look(const std::string& command, const tools::settings& given, const tools::node& self) {
  const auto words = tools::list_option(given, "words");
  if (words.size() != 1) {
    return wrong(command == "ping" || command == "network" ? command + " needs SERVER"
                                                           : command + " needs SERVER:NAME, or SERVER:NAME/PATH");
  }
  const auto place = places(words);
  if (!place) return tools::usage;
  if (command == "network") return network(given, self, place->front().server);
  if (command == "ping") return ping(given, self, place->front());
  return command == "ls" ? ls(given, self, place->front()) : cat(given, self, place->front());
}

}  // namespace

int main(int count, char** words) {
  return tools::guarded(tools::client_tool, [&]() -> int {
    const auto begun = tools::begin(tools::client_table(), examples, count, words);
    if (const auto* code = std::get_if<int>(&begun)) return *code;
    const auto& given = std::get<tools::settings>(begun);
    const auto command = tools::text_option(given, "command");
    if (command == "status") return tools::status(tools::client_tool, "client", given);
    if (command == "doctor") return tools::examine_client(given);
    const bool network = command == "network";
    const bool looks = network || command == "ping" || command == "ls" || command == "cat";
    if (command.empty()) {
      return tools::complain_in_words(tools::client_tool, tools::usage, std::string("say what to do\n") + examples);
    }
    auto self = tools::open_node(tools::client_tool, "client", tools::text_option(given, "state"));
    if (!self) return tools::local_trouble;
    if (command == "add") return tools::add_grant(given, *self);
    if (command == "join") return tools::join(given, *self);
    if (command == "servers") return tools::list_servers(given, *self);
    if (command == "rotate") return tools::rotate(given, *self);
    if (command == "get") return get(given, *self);
    if (looks) return look(command, given, *self);
    fmt::print("{}\n", to_string(self->key.id()));
    return tools::success;
  });
}

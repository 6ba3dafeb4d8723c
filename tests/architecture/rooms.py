#!/usr/bin/env python3
"""Hold the tree against its architecture: which room may include which (docs/architecture.md).

rooms.py ROOT            check, exit 1 with every breach
rooms.py ROOT --headers  print the public headers, for the tests that compile them
"""
import pathlib
import re
import sys

ROOMS = ["core", "telling", "control", "wire", "crypto", "net", "tls", "identity", "trust", "state", "signalling", "windows", "sessions",
         "outbound", "rendezvous", "switchboard", "streams", "files"]
OPT_IN = {"streams", "files"}  # what needs nghttp2 and nlohmann-json: not in ajar.hpp
ROLES = ["server", "client", "central"]
# a header's further tests, where one file would be too long
OTHER_TESTS = {"tests/tls/refusal_test.cpp": "ajar/tls/stream.hpp", "tests/roles/leaks_test.cpp": "ajar.hpp",
               "tests/roles/admission_test.cpp": "ajar/central.hpp",
               "tests/roles/reflecting_test.cpp": "ajar/central.hpp",
               "tests/roles/status_test.cpp": "ajar/server/status.hpp",
               "tests/roles/hostile_central_test.cpp": "ajar/server.hpp",
               "tests/roles/hostile_answer_test.cpp": "ajar/client.hpp",
               "tests/roles/revocation_test.cpp": "ajar/server.hpp",
               "tests/roles/hearsay_test.cpp": "ajar/client/connecting.hpp",
               "tests/roles/held_grants_test.cpp": "ajar/client/held_grants.hpp",
               "tests/roles/entrance_test.cpp": "ajar/server/entrance.hpp",
               "tests/roles/guests_test.cpp": "ajar/server/guests.hpp",
               "tests/roles/correspondence_test.cpp": "ajar/server/correspondence.hpp",
               "tests/roles/join_test.cpp": "ajar/client/join.hpp",
               "tests/roles/opening_test.cpp": "ajar/server/state.hpp",
               "tests/roles/time_test.cpp": "ajar/client.hpp", "tests/roles/moving_test.cpp": "ajar/server.hpp",
               "tests/roles/roster_test.cpp": "ajar/central.hpp",
               "tests/roles/lifetimes_test.cpp": "ajar/central.hpp",
               "tests/roles/half_dead_test.cpp": "ajar/server.hpp",
               "tests/roles/strangers_test.cpp": "ajar/central/strangers.hpp",
               "tests/roles/way_plan_test.cpp": "ajar/client/way_plan.hpp"}
WOLFSSL = {"crypto", "tls"}
PURE = {"wire", "crypto", "identity", "trust", "switchboard"}  # no waiting, no file, no socket
NOT_PURE = {"ajar/switchboard/router.hpp"}  # between threads
PURE_TOO = {"ajar/files/conditions.hpp", "ajar/files/fetch_plan.hpp"}
IMPURE = re.compile(r"\bco_await\b|<(fcntl|unistd|dirent|sys/stat|sys/socket|sys/file|fstream|filesystem)(\.h)?>|<asio/(co_spawn|ip/tcp|post|dispatch)\.hpp>")
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)


def room_of(path):
    """The room of 'ajar/ROOM/x.hpp'; the file's stem for 'ajar/ROLE.hpp' and 'ajar.hpp'."""
    parts = path.split("/")
    if len(parts) > 2 and parts[1] == "impl":  # bodies: they are where their header is
        stem = pathlib.Path(parts[2]).stem
        return {"services_src": "files", "testing_src": "testing"}.get(stem, "ajar" if stem.endswith("src") else stem)
    return parts[1] if len(parts) > 2 else pathlib.Path(parts[-1]).stem


def allowed(room, other):
    if room == other:
        return True
    if room == "testing":
        return other in ROOMS
    if room in ROOMS:
        return other in ROOMS[:ROOMS.index(room)]
    if room in ROLES:
        return other in ROOMS and other not in OPT_IN
    return room == "ajar" and (other in ROLES or (other in ROOMS and other not in OPT_IN))


def check(root):
    breaches = []
    include = root / "include"
    for header in sorted(include.rglob("*.[hi]pp")):
        path = header.relative_to(include).as_posix()
        room = room_of(path)
        text = header.read_text()
        if room not in ROOMS + ROLES + ["testing", "ajar"]:
            breaches.append(f"{path}: no such room as {room}")
            continue
        if not text.startswith("// SPDX-License-Identifier: BSL-1.0\n// " + path):
            breaches.append(f"{path}: begins without its licence and its own name")
        pure = path in PURE_TOO or (room in PURE and path not in NOT_PURE)
        impure = IMPURE.search(text) if pure else None
        if impure:
            breaches.append(f"{path}: is pure, and this has {impure[0]}")
        if "#pragma once" not in text:
            breaches.append(f"{path}: no #pragma once")
        for name in INCLUDE.findall(text):
            if name.startswith("wolfssl/") and (room not in WOLFSSL or header.suffix != ".ipp"):
                breaches.append(f"{path}: only bodies of crypto/ and tls/ include wolfSSL, not {name}")
            if name == "asio.hpp":
                breaches.append(f"{path}: include the smallest Asio header, not <asio.hpp>")
            if name.startswith("ajar") and not allowed(room, room_of(name)):
                breaches.append(f"{path}: {room} may not include {name}")
            if name.startswith("ajar") and not (include / name).exists():
                breaches.append(f"{path}: includes {name}, which is not there")
    for test in sorted((root / "tests").glob("*/*_test.cpp")):
        room, stem = test.parent.name, test.stem.removesuffix("_test")
        mirrored = f"ajar/{stem}.hpp" if room == "roles" else f"ajar/{room}/{stem}.hpp"
        folder = include
        if room == "tools":  # what the reference tools are made of
            folder = root / "examples"
            own = [one for one in ("tools", "central", "server", "client") if (folder / one / f"{stem}.hpp").exists()]
            mirrored = f"{own[0] if own else 'tools'}/{stem}.hpp"
        text = test.read_text()
        if f"\nnamespace {test.stem} {{\n" not in text:  # several are compiled as one unit
            breaches.append(f"tests/{room}/{test.name}: keeps its names in namespace {test.stem}, behind its includes")
        names = INCLUDE.findall(text)
        if f"tests/{room}/{test.name}" in OTHER_TESTS:
            mirrored = OTHER_TESTS[f"tests/{room}/{test.name}"]
        if not (folder / mirrored).exists():
            breaches.append(f"tests/{room}/{test.name}: mirrors no header {mirrored}")
        if not names or names[0] != mirrored:
            breaches.append(f"tests/{room}/{test.name}: must include <{mirrored}> first")
    for folder in include.glob("ajar/*/"):
        if folder.is_dir() and not any(folder.iterdir()):
            breaches.append(f"{folder.name}: an empty room")
    return breaches


def headers(root):
    """The public headers, as they are included."""
    return [one.relative_to(root / "include").as_posix() for one in sorted((root / "include").rglob("*.hpp"))
            if one.parent.name != "impl"]


def main():
    root = pathlib.Path(sys.argv[1])
    if "--headers" in sys.argv:
        print("\n".join(headers(root)))
        return 0
    # the check itself must be able to fail
    assert IMPURE.search("#include <fcntl.h>") and IMPURE.search("co_await x") and not IMPURE.search("<vector>")
    assert allowed("tls", "core") and not allowed("core", "tls") and not allowed("trust", "testing")
    breaches = check(root)
    for breach in breaches:
        print(breach)
    print(f"{len(breaches)} breaches")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: BSL-1.0
"""Frames of HTTP/2 by hand, sent into sessions through a bridge (bridge.cpp): what a client that means harm would send.

A test file that takes this in is run as `python3 FILE TOOLS BRIDGE`.
"""
import pathlib
import struct
import subprocess
import sys
import time

BRIDGE = pathlib.Path(sys.argv.pop(2)).resolve() if len(sys.argv) > 2 else pathlib.Path("build/release/tests/e2e/bridge")

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, WINDOW_UPDATE, CONTINUATION = 0, 1, 2, 3, 4, 6, 8, 9
END_STREAM, END_HEADERS = 1, 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
NO_WINDOW = struct.pack(">HI", 4, 0)  # a setting: no octet of a body may come


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def field(name, value):
    """A literal field that is not indexed (RFC 7541 section 6.2.2)."""
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


def head(path, method=b"GET", *fields):
    known = ((b":method", method), (b":scheme", b"https"), (b":authority", b"ajar"), (b":path", path))
    return b"".join(field(name, value) for name, value in (*known, *fields))


def ask(stream, path, flags=END_HEADERS | END_STREAM):
    return frame(HEADERS, flags, stream, head(path))


def reset(stream):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", 8))


def bridge(w, *words):
    """Start one in a world. @return the port of one that leads to sessions."""
    with (w.folder / f"bridge{words[0]}.log").open("a") as log:
        w.running[f"bridge{words[0]}"] = subprocess.Popen([str(BRIDGE), *map(str, words)], stdout=log, stderr=log)
    if words[0] == "from-session":
        return None
    until = time.monotonic() + 60
    while not (words[2].exists() and words[2].read_text()) and time.monotonic() < until:
        time.sleep(0.01)
    return int(words[2].read_text())

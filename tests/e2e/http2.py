# SPDX-License-Identifier: BSL-1.0
"""HTTP/2 over a session is HTTP/2: curl, nghttp and h2load talk to the file service, nghttpd answers our client, and a
forge of frames tries every flood, while the server's memory and CPU stay bounded and others are served.

A bridge carries octets between a port of loopback and a session (bridge.cpp); TLS and the proof are the session's.
"""
import os
import pathlib
import random
import shutil
import signal
import socket
import struct
import subprocess
import time
import unittest

from forge import (BRIDGE, CONTINUATION, DATA, END_HEADERS, HEADERS, PING, PREFACE, PRIORITY, SETTINGS, WINDOW_UPDATE, ask,
                   bridge, field, frame, head, reset)
import world


def cpu(process):
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Http2(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.w = w = world.World()
        w.start_central("--open")
        cls.folder = w.folder / "shared"
        cls.folder.mkdir()
        for i in range(50):
            (cls.folder / f"small{i}").write_bytes(os.urandom(100 + i))
        (cls.folder / "large").write_bytes(os.urandom(20 << 20))
        cls.server = w.start_server({"docs": cls.folder})
        for client in ("client", "stranger"):
            w.grant(client, "--windows", "60000", "--sessions", "100", services=("docs:r",))
        cls.port = bridge(w, "to-session", w.folder / "stranger", w.folder / "port")

    @classmethod
    def tearDownClass(cls):
        cls.w.__exit__()

    def url(self, path):
        return f"http://127.0.0.1:{self.port}/docs/{path}"

    def program(self, *words, **more):
        done = subprocess.run(words, capture_output=True, timeout=120, **more)
        self.assertEqual(done.returncode, 0, done.stderr.decode(errors="replace") + done.stdout[-500:].decode(errors="replace"))
        return done.stdout

    def test_curl(self):
        large = (self.folder / "large").read_bytes()
        curl = ("curl", "--silent", "--show-error", "--fail", "--http2-prior-knowledge", "--noproxy", "*")
        self.assertTrue(self.program(*curl, self.url("large")) == large)
        self.assertEqual(self.program(*curl, "--range", "1000-1999", self.url("large")), large[1000:2000])
        # one request each: curl 7.88 breaks its second one over a connection, with nghttpd too
        for i in range(5):
            self.assertEqual(self.program(*curl, self.url(f"small{i}")), (self.folder / f"small{i}").read_bytes())
        told = self.program(*curl, "--head", self.url("large")).decode().lower()
        self.assertIn(f"content-length: {len(large)}", told)
        self.assertIn("etag:", told)
        missing = subprocess.run([*curl, self.url("nothing")], capture_output=True, timeout=60)
        self.assertEqual(missing.returncode, 22)
        self.assertIn(b"404", missing.stderr)

    def test_nghttp(self):
        out = self.program("nghttp", "--null-out", "--stat", *[self.url(f"small{i}") for i in range(50)]).decode()
        self.assertEqual(sum(1 for line in out.splitlines() if " 200 " in line), 50, out)

    def test_h2load(self):
        count = 2000 if world.SANITIZED else 50_000
        out = self.program("h2load", "--requests", str(count), "--clients", "4", "--max-concurrent-streams", "50",
                           self.url("small0")).decode()
        self.assertIn(f"{count} succeeded, 0 failed, 0 errored, 0 timeout", out)
        self.assertIn(f"status codes: {count} 2xx", out)

    def start_nghttpd(self, docs, seconds=60):
        """@return its port. It takes none by itself; one that is free now may be somebody's before it has it."""
        until = time.monotonic() + seconds
        while True:
            port = random.randrange(20_000, 30_000)  # no port of outgoing connections
            with (self.w.folder / "nghttpd.log").open("a") as log:
                process = subprocess.Popen(["nghttpd", "--no-tls", "--htdocs", str(docs), str(port)], stdout=log, stderr=log)
            self.w.running["nghttpd"] = process
            while process.poll() is None:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0 and process.poll() is None:
                        return port
                self.assertLess(time.monotonic(), until, f"nobody listens at port {port}")
                time.sleep(0.02)

    def test_nghttpd_answers_our_client(self):
        w = self.w
        docs = w.folder / "theirs"
        docs.mkdir()
        (docs / "file").write_bytes(os.urandom(3 << 20))
        port = self.start_nghttpd(docs)
        w.text("server", "other", "id")
        w.grant("visitor", "--windows", "60000", server="other", name="theirs", services=("file:r",))
        bridge(w, "from-session", w.folder / "other", w.url, port)
        w.wait_for("bridgefrom-session", "linked to central")
        state = str(w.folder / "visitor")
        for count in ("1", "100"):
            self.assertTrue(self.program(str(BRIDGE), "get", state, "/file", count) == (docs / "file").read_bytes())
        self.assertNotEqual(subprocess.run([str(BRIDGE), "get", state, "/absent", "1"], capture_output=True).returncode, 0)

    # ---- the forge

    def besiege(self, first, octets, seconds=15):
        """Send `octets` over and over until the other side has had enough; @return how much it took, in octets."""
        with socket.create_connection(("127.0.0.1", self.port)) as attack:
            attack.sendall(PREFACE + frame(SETTINGS, 0, 0) + first)
            self.assertNotEqual(attack.recv(9), b"", "there was no session to attack")
            attack.setblocking(False)
            sent, piece, until = 0, octets * max(1, 16384 // len(octets)), time.monotonic() + seconds
            while time.monotonic() < until:
                try:
                    if not attack.recv(1 << 20):
                        return sent
                except BlockingIOError:
                    pass
                except OSError:
                    return sent
                try:
                    sent += attack.send(piece[sent % len(octets):])
                except BlockingIOError:
                    time.sleep(0.001)
                except OSError:
                    return sent
        return None

    def test_floods_end_the_session(self):
        floods = {
            "empty DATA": (ask(1, b"/docs/small0", END_HEADERS), frame(DATA, 0, 1)),
            "PING": (b"", frame(PING, 0, 0, bytes(8))),
            "SETTINGS": (b"", frame(SETTINGS, 0, 0)),
            "WINDOW_UPDATE": (b"", frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1))),
            "PRIORITY": (b"", frame(PRIORITY, 0, 3, struct.pack(">IB", 0, 16))),
            "CONTINUATION": (frame(HEADERS, 0, 1, head(b"/")), frame(CONTINUATION, 0, 1, field(b"a", b"b"))),
            "no HTTP/2": (b"", b"GET / HTTP/1.1\r\n\r\n"),
        }
        self.siege(floods)

    def test_resets_end_the_session(self):
        many = b"".join(ask(i, b"/docs/large") + reset(i) for i in range(1, 40_001, 2))
        self.siege({"rapid reset": (b"", many)})

    def test_more_streams_than_announced(self):
        many = b"".join(ask(i, b"/docs/large") for i in range(1, 20_001, 2))
        self.siege({"10 000 streams": (b"", many)})

    def siege(self, floods):
        for name, (first, octets) in floods.items():
            with self.subTest(flood=name):
                before, spent = world.memory(self.server), cpu(self.server)
                taken = self.besiege(first, octets)
                self.assertIsNotNone(taken, "the session went on")
                self.assertLess(world.memory(self.server) - before, 60_000 if world.SANITIZED else 20_000)
                self.assertLess(cpu(self.server) - spent, 10)
                done = self.w.run("client", "client", "cat", "home:docs/small0")
                self.assertEqual(done.stdout, (self.folder / "small0").read_bytes(), done.stderr)

    def test_a_reader_that_takes_nothing_costs_little(self):
        before = world.memory(self.server)
        with socket.create_connection(("127.0.0.1", self.port)) as idle:
            window = struct.pack(">HI", 4, (1 << 31) - 1)
            idle.sendall(PREFACE + frame(SETTINGS, 0, 0, window) + frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1 << 30)) +
                         b"".join(ask(i, b"/docs/large") for i in range(1, 401, 2)))
            time.sleep(1)
            self.assertLess(world.memory(self.server) - before, 60_000 if world.SANITIZED else 20_000)
            done = self.w.run("client", "client", "cat", "home:docs/small1")
            self.assertEqual(done.stdout, (self.folder / "small1").read_bytes(), done.stderr)


if __name__ == "__main__":
    world.main()

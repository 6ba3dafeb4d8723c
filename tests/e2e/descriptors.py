# SPDX-License-Identifier: BSL-1.0
"""Few descriptors: each tool takes as many as it may have, shares them out, says so, and nobody uses up those of others."""
import json
import os
import pathlib
import re
import resource
import socket
import time
import unittest

from forge import HEADERS, END_HEADERS, END_STREAM, NO_WINDOW, PREFACE, SETTINGS, ask, bridge, frame, head, reset
import world

OF_ITS_OWN = 8  # core/descriptor.hpp
WANTS_DIGEST = (b"want-repr-digest", b"sha-256=10")


def limited(count):
    return ("prlimit", f"--nofile={count}:{count}")


def soft_limit(process):
    text = pathlib.Path(f"/proc/{process.pid}/limits").read_text()
    return int(re.search(r"Max open files\s+(\d+)", text)[1])


def open_in(process, folder):
    """How many files of a folder a process has open."""
    count = 0
    for fd in pathlib.Path(f"/proc/{process.pid}/fd").iterdir():
        try:
            count += pathlib.Path(os.readlink(fd)).is_relative_to(folder)
        except OSError:
            continue
    return count


class Descriptors(unittest.TestCase):
    def setUp(self):
        self.w = world.World()
        self.addCleanup(self.w.__exit__)

    def until(self, holds, what):
        end = time.monotonic() + 60
        while not holds():
            self.assertLess(time.monotonic(), end, what)
            time.sleep(0.01)

    def test_as_many_as_may_be(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        low = ("prlimit", "--nofile=256:")
        self.w.start_central(wrap=low)
        self.w.start_server({"file": self.w.file("shared", 1000)}, wrap=low)
        for name in ("central", "server"):
            self.until(lambda: soft_limit(self.w.running[name]) == hard, name)
        self.assertNotIn("few descriptors", self.w.log("server"))

    def served(self, name):
        done = self.w.run("client", "client", "cat", f"home:docs/{name}")
        self.assertEqual(done.stdout, (self.folder / name).read_bytes(), done.stderr)

    def serve(self, descriptors):
        self.w.start_central()
        self.folder = self.w.folder / "shared"
        self.folder.mkdir()
        (self.folder / "small").write_bytes(os.urandom(100))
        (self.folder / "large").write_bytes(os.urandom(16 << 20))
        server = self.w.start_server({"docs": self.folder}, "--listening", "600000", wrap=limited(descriptors))
        for client in ("client", "stranger"):
            self.w.grant(client, "--windows", "60000", "--sessions", "16", services=("docs:r",))
        return server, bridge(self.w, "to-session", self.w.folder / "stranger", self.w.folder / "port")

    def attack(self, port):
        one = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.addCleanup(one.close)
        one.sendall(PREFACE + frame(SETTINGS, 0, 0, NO_WINDOW))
        self.assertNotEqual(one.recv(9), b"", "there was no session")
        return one

    def test_files_that_one_client_does_not_read(self):
        server, port = self.serve(256)
        self.assertIn("64 sessions, 128 files open, 16 of a client", self.w.log("server"))
        attacks = [self.attack(port) for _ in range(4)]
        for one in attacks:
            one.sendall(b"".join(ask(i, b"/docs/large") for i in range(1, 401, 2)))
        self.until(lambda: open_in(server, self.folder) >= 16, "no file was asked for")
        self.served("small")
        self.assertEqual(open_in(server, self.folder), 16)
        self.assertTrue(self.w.text("server", "server", "status", "--json"))
        for one in attacks:
            one.close()
        self.until(lambda: open_in(server, self.folder) == 0, "files stayed open")
        self.served("large")

    def test_work_whose_stream_has_gone(self):
        server, port = self.serve(256)
        for i in range(100):
            with (self.folder / f"endless{i}").open("wb") as hole:
                hole.truncate(64 << 30)  # its digest would take minutes
        one = self.attack(port)
        for i in range(100):
            wanted = head(f"/docs/endless{i}".encode(), b"GET", WANTS_DIGEST)
            one.sendall(frame(HEADERS, END_HEADERS | END_STREAM, 2 * i + 1, wanted))
            if i % 10 == 9:
                self.until(lambda: open_in(server, self.folder) >= 10, "no file was asked for")
                one.sendall(b"".join(reset(2 * j + 1) for j in range(i - 9, i + 1)))
                self.until(lambda: open_in(server, self.folder) == 0, "files stayed open")
        self.served("small")

    def test_links_of_central(self):
        self.w.start_central(wrap=limited(128))
        self.assertIn("fewer links", self.w.log("central"))
        self.folder = self.w.folder / "shared"
        self.folder.mkdir()
        (self.folder / "small").write_bytes(b"small")
        self.w.start_server({"docs": self.folder})
        self.w.grant(services=("docs:r",))
        for i in range(200):
            silent = socket.socket()
            self.addCleanup(silent.close)
            silent.bind((f"127.0.{1 + i}.1", 0))
            silent.connect(("127.0.0.1", self.w.central_port))
        self.served("small")
        self.assertTrue(self.w.text("central", "central", "status", "--json"))
        self.assertIsNone(self.w.running["central"].poll())

    def test_a_client_with_few(self):
        """Whatever it cannot do for want of descriptors, it names that, and neither the way nor central."""
        self.w.start_central()
        self.w.start_server({"file": self.w.file("shared", 1000)}, "--listening", "600000")
        self.w.grant("client", "--windows", "60000")
        self.w.wait_for_network()
        prefix = self.w.prefix
        short = {}
        for way in ("window", "window-reverse", "crossing"):
            for count in range(8, 40):
                self.w.prefix = [*limited(count), *prefix]
                done = self.w.run("client", "client", "ping", "home", "--by", way)
                if done.returncode == 0:
                    break
                self.assertIn("Too many open files", done.stderr.splitlines()[-1], f"{way}, {count} descriptors")
                short[way] = count
        self.w.prefix = prefix
        self.assertEqual(len(short), 3)
        self.assertLess(max(short.values()), 39)

    def test_a_central_that_is_full(self):
        """Who comes waits; that is told, and the links and the control socket go on."""
        central = self.crowded_central()
        self.until(lambda: self.told("central")["links"]["not_accepted"].get("EMFILE", 0) > 3, "nobody tried again")
        self.assertIn("a connection waits to be accepted", self.w.log("central"))
        self.assertIn("ulimit -n", self.w.log("central"))
        for _ in range(10):
            self.told("central")
        self.assertIsNone(central.poll())

    def told(self, name):
        return json.loads(self.w.text(name, name, "status", "--json"))

    def crowded_central(self):
        """Below what its limits go by, it has room for two connections, and twenty come."""
        self.w.start_central()
        self.assertTrue((self.w.folder / "central" / "control").is_socket())  # by the time it says that it is there
        central = self.w.running["central"]
        few = max(int(one.name) for one in pathlib.Path(f"/proc/{central.pid}/fd").iterdir()) + 1 + OF_ITS_OWN + 2
        resource.prlimit(central.pid, resource.RLIMIT_NOFILE, (few, few))
        for i in range(20):
            silent = socket.create_connection(("127.0.0.1", self.w.central_port))
            self.addCleanup(silent.close)
        return central


if __name__ == "__main__":
    world.main()

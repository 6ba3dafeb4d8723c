# SPDX-License-Identifier: BSL-1.0
"""A client goes over to another key, at one server after the other, and loses no grant."""
import json
import shutil
import subprocess
import time
import unittest

import world

REFUSED = 5
NOT_THERE = 6


class Rotating(unittest.TestCase):
    def setUp(self):
        self.w = world.World()
        self.addCleanup(self.w.__exit__)
        self.w.start_central("--open")
        self.w.file("shared", 1000)

    def serve(self, server):
        log = self.w.folder / f"{server}.log"
        before = self.w.log(server).count("A linked") if log.exists() else 0
        self.w.start(server, "server", server, "run", "--central", self.w.url, "--share", f"file={self.w.folder / 'shared'}")
        self.w.wait_for(server, "A linked to central", before + 1)

    def fetch(self, server, client="client"):
        done = self.w.run("client", client, "cat", f"{server}:file")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, (self.w.folder / "shared").read_bytes())

    def id(self, client="client"):
        return self.w.text("client", client, "id").strip()

    def granted(self, server):
        return [json.loads(line) for line in self.w.text("server", server, "grants", "--json").splitlines()]

    def until(self, holds, what):
        end = time.monotonic() + 60
        while not holds():
            self.assertLess(time.monotonic(), end, what)
            time.sleep(0.02)

    def only(self, server, client):
        """The grant of that key is the only one there."""
        self.until(lambda: [one["client"] for one in self.granted(server)] == [client], f"{server} goes by another key too")

    def test_all_servers_follow(self):
        for server in ("home", "work"):
            self.serve(server)
            self.w.grant(server=server, name=server)
        former = self.id()
        shutil.copytree(self.w.folder / "client", self.w.folder / "copy")
        said = self.w.text("client", "client", "rotate")
        self.assertEqual(said.splitlines()[:2], ["home  follows", "work  follows"])
        self.assertNotEqual(self.id(), former)
        self.assertEqual(said.splitlines()[2], f"this client is {self.id()}")
        for server in ("home", "work"):
            self.fetch(server)
            self.only(server, self.id())
        done = self.w.run("client", "copy", "cat", "home:file")  # with the key of before
        self.assertEqual(done.returncode, REFUSED, done.stderr)
        self.assertIn("revoked", done.stderr)
        self.w.text("server", "home", "revoke", self.id())
        self.assertEqual(self.w.run("client", "client", "cat", "home:file").returncode, REFUSED)
        self.fetch("work")

    def test_a_server_that_is_not_there_follows_later(self):
        for server in ("home", "work"):
            self.serve(server)
            self.w.grant(server=server, name=server)
        former = self.id()
        self.w.stop("work")
        done = self.w.run("client", "client", "rotate", "--within", "2s")
        self.assertEqual(done.returncode, NOT_THERE, done.stderr)
        self.assertIn("1 of 2 servers have not followed", done.stderr)
        self.assertEqual(self.id(), former)
        self.fetch("home")
        found = [json.loads(line) for line in self.w.run("client", "client", "doctor", "--json").stdout.splitlines()]
        self.assertIn("rotate", [one["to_do"] for one in found if one["what"] == "key"][0])
        self.serve("work")
        self.fetch("work")  # by the key of before
        lines = [json.loads(line) for line in self.w.text("client", "client", "rotate", "--json").splitlines()]
        self.assertEqual(lines, [{"server": "home", "follows": True}, {"server": "work", "follows": True}, {"id": self.id()}])
        self.assertNotEqual(self.id(), former)
        for server in ("home", "work"):
            self.fetch(server)
            self.only(server, self.id())

    def test_killed_at_any_moment_it_goes_on(self):
        self.serve("home")
        self.w.grant(server="home")  # as home
        for pause in [0.02 * step for step in range(1, 16)]:
            process = subprocess.Popen(self.w.command("client", "client", "rotate"), stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            time.sleep(pause)
            process.kill()
            process.wait()
            self.fetch("home")
        self.w.text("client", "client", "rotate")
        self.fetch("home")
        self.only("home", self.id())


if __name__ == "__main__":
    world.main()

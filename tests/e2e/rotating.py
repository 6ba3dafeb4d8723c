# SPDX-License-Identifier: BSL-1.0
"""A client goes over to another key, or a server does, and nobody loses a grant."""
import json
import re
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

    def test_by_its_door(self):
        """The server dials both keys, one after the other."""
        self.serve("home")
        self.w.grant(server="home", name="home")
        former = self.id()
        said = self.w.text("client", "client", "rotate", "--by", "outbound", "--door", "127.0.0.1:0")
        self.assertEqual(said.splitlines(), ["home  follows", f"this client is {self.id()}"])
        self.assertNotEqual(self.id(), former)
        self.only("home", self.id())

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



class ServerRotating(unittest.TestCase):
    def setUp(self):
        self.w = world.World()
        self.addCleanup(self.w.__exit__)
        self.w.start("central", "central", "central", "run", "--listen", "127.0.0.1:0")
        self.w.wait_for("central", "ajar://")
        self.w.url = re.findall(r"ajar://\S+", self.w.log("central"))[-1]
        word = self.w.text("central", "central", "invite", "home").split()[-1]
        self.w.text("server", "server", "join", re.search(r"ajar1\w+", word)[0])
        self.w.file("shared", 1000)
        self.serve()
        self.w.grant("client", "--as", "laptop")
        self.w.grant("late", "--as", "late")

    def serve(self, links=1):
        log = self.w.folder / "server.log"
        before = self.w.log("server").count("A linked") if log.exists() else 0
        self.w.start("server", "server", "server", "run", "--share", f"file={self.w.folder / 'shared'}")
        self.w.wait_for("server", "A linked to central", before + links)

    def fetch(self, client="client"):
        done = self.w.run("client", client, "cat", "home:file")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, (self.w.folder / "shared").read_bytes())

    def id(self):
        return self.w.text("server", "server", "id").strip()

    def known_as(self, client="client"):
        return json.loads(self.w.text("client", client, "servers", "--json"))["id"]

    def rotate(self, *words):
        return [json.loads(line) for line in self.w.text("server", "server", "rotate", "--json", *words).splitlines()]

    def follows(self):
        return {one["name"]: one["follows"] for one in self.rotate() if "follows" in one}

    def test_clients_and_central_follow(self):
        former = self.id()
        done = self.w.run("server", "server", "rotate")  # while it runs
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertEqual(self.id(), former)
        self.w.stop("server")
        self.assertEqual(self.rotate(), [{"id": self.id()}])
        self.assertNotEqual(self.id(), former)
        self.serve(links=2)
        self.assertIn(self.id(), self.w.text("central", "central", "admitted"))
        self.assertEqual(self.follows(), {"laptop": False, "late": False})
        self.assertEqual(self.known_as(), former)
        self.fetch()  # by the key of before, where the client learns of the new one
        status = json.loads(self.w.text("server", "server", "status", "--json"))
        self.assertEqual((status["sessions_total"], len(status["other_links"])), (1, 1))
        self.assertEqual(self.known_as(), self.id())
        self.fetch()
        self.assertEqual(self.follows(), {"laptop": True, "late": False})
        self.fetch()
        self.w.stop("server")
        self.serve(links=2)  # and once more
        self.fetch()
        self.fetch("late")
        self.assertEqual(self.known_as("late"), self.id())
        self.fetch("late")
        self.assertEqual(self.follows(), {"laptop": True, "late": True})
        self.w.stop("server")
        self.assertEqual(self.rotate("--forget"), [{"id": self.id()}])
        self.serve()
        self.fetch()
        self.fetch("late")
        self.w.text("server", "server", "revoke", "late")
        self.assertEqual(self.w.run("client", "late", "cat", "home:file").returncode, REFUSED)
        self.fetch()

    def test_revoked_meanwhile_and_left_behind(self):
        self.w.stop("server")
        self.rotate()
        self.serve(links=2)
        self.fetch()
        self.w.text("server", "server", "revoke", "laptop")  # of both keys
        self.assertEqual(self.w.run("client", "client", "cat", "home:file").returncode, REFUSED)
        granted = [json.loads(line)["name"] for line in self.w.text("server", "server", "grants", "--json").splitlines()]
        self.assertEqual(granted, ["late"])
        self.w.stop("server")
        self.rotate("--forget")  # before the other one has come
        self.serve()
        done = self.w.run("client", "late", "cat", "home:file", "--within", "3s")
        self.assertNotEqual(done.returncode, 0)
        self.w.grant("new", "--as", "new")
        self.fetch("new")

    def test_both_ends(self):
        self.w.stop("server")
        self.rotate()
        self.serve(links=2)
        self.w.text("client", "client", "rotate")
        self.fetch()
        self.fetch()
        self.assertEqual(self.known_as(), self.id())
        self.w.text("client", "client", "rotate")
        self.fetch()


if __name__ == "__main__":
    world.main()

# SPDX-License-Identifier: BSL-1.0
"""A server that moves from one central to another takes its clients along, and nobody is granted anything anew."""
import json
import re
import time
import unittest

import world

REFUSED = 5


class Moving(unittest.TestCase):
    def setUp(self):
        self.w = world.World()
        self.addCleanup(self.w.__exit__)
        self.old, self.new = self.open_central("old"), self.open_central("new")
        self.w.url = self.old
        word = self.w.text("central", "old", "invite", "home").split()[-1]
        self.w.text("server", "server", "join", re.search(r"ajar1\w+", word)[0])
        self.w.file("shared", 1000)
        self.serve()
        self.w.grant()

    def open_central(self, name):
        self.w.start(name, "central", name, "run", "--listen", "127.0.0.1:0", "--open")
        self.w.wait_for(name, "ajar://")
        return re.findall(r"ajar://\S+", self.w.log(name))[-1]

    def serve(self):
        before = self.w.log("server").count("A linked") if (self.w.folder / "server.log").exists() else 0
        self.w.start("server", "server", "server", "run", "--share", f"file={self.w.folder / 'shared'}")
        self.w.wait_for("server", "A linked to central", before + 1)

    def central(self, *words):
        """[URL], the server's own first."""
        return [json.loads(line)["central"] for line in self.w.text("server", "server", "central", "--json", *words).splitlines()]

    def fetch(self):
        done = self.w.run("client", "client", "cat", "home:file")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, (self.w.folder / "shared").read_bytes())

    def known_by(self):
        return json.loads(self.w.text("client", "client", "servers", "--json"))["central"]

    def links(self):
        """{central: linked}"""
        all_of_it = json.loads(self.w.text("server", "server", "status", "--json"))
        return {one["central"]: one["linked"] for one in [all_of_it["link"], *all_of_it["other_links"]]}

    def until(self, holds, what):
        end = time.monotonic() + 60
        while not holds():
            self.assertLess(time.monotonic(), end, what)
            time.sleep(0.02)

    def test_clients_follow(self):
        self.fetch()
        self.assertEqual((self.central(), self.known_by()), ([self.old], self.old))
        self.assertEqual(self.central(self.new), [self.new, self.old])  # while it runs
        self.until(lambda: self.links() == {self.old: True, self.new: True}, "it is not at both")
        self.fetch()  # by the old one, where the client learns of the new
        self.assertEqual(self.known_by(), self.new)
        self.fetch()
        self.w.stop("old")
        self.fetch()
        self.assertEqual(self.central("--forget"), [self.new])
        self.until(lambda: self.links()[self.new] and not self.links()[self.old], "it has not left")
        self.fetch()
        self.w.stop("server")
        self.serve()
        self.assertEqual(self.links(), {self.new: True})
        self.fetch()

    def test_it_moves_while_it_does_not_run(self):
        self.w.stop("server")
        self.assertEqual(self.central(self.new), [self.new, self.old])
        self.serve()
        self.until(lambda: self.links() == {self.old: True, self.new: True}, "it is not at both")
        invited = self.w.text("server", "server", "invite", "late", "--service", "file:r", "--lan", "--name", "home")
        self.fetch()
        self.assertEqual(self.known_by(), self.new)
        self.w.text("client", "late", "join", re.search(r"ajar1\w+", invited)[0])  # it names the new one
        self.assertEqual(json.loads(self.w.text("client", "late", "servers", "--json"))["central"], self.new)
        self.w.text("server", "server", "revoke", "late")
        done = self.w.run("client", "late", "cat", "home:file")
        self.assertEqual(done.returncode, REFUSED, done.stderr)

    def test_what_is_no_central(self):
        done = self.w.run("server", "server", "central", "ajar://nowhere")
        self.assertEqual(done.returncode, 2)
        self.assertIn("no ajar URL", done.stderr)
        self.assertEqual(self.central(), [self.old])
        done = self.w.run("server", "nobody", "central")
        self.assertEqual(done.returncode, 2)
        self.assertIn("join", done.stderr)


if __name__ == "__main__":
    world.main()

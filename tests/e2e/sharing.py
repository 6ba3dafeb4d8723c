# SPDX-License-Identifier: BSL-1.0
"""share and get: one command a side, and nothing is left of it."""
import json
import os
import re
import socket
import signal
import subprocess
import unittest

import world


class Sharing(unittest.TestCase):
    def setUp(self):
        self.w = world.World()
        self.addCleanup(self.w.__exit__)
        self.w.start_central()
        self.photos = self.w.folder / "photos of 2004"
        (self.photos / "deep").mkdir(parents=True)
        for name in ("a", "deep/b"):
            (self.photos / name).write_bytes(os.urandom(5000))
        self.notes = self.w.folder / "Grüße, zwei.txt"
        self.notes.write_bytes(os.urandom(3000))
        self.to = self.w.folder / "to"
        self.to.mkdir()

    def share(self, *words, name="share", central=True):
        """A share that waits; @return its process and the words that it printed."""
        central = ("--central", self.w.url) if central else ()
        # the sign that it waits is what it says after the words
        process = self.w.start(name, "server", "server", "share", *words, *central)
        self.w.wait_for(name, "Ctrl-C ends it")
        return process, re.findall(r"^ajar-client get (ajar1\S+)$", self.w.log(name), re.MULTILINE)

    def get(self, word, *words, client="client"):
        return self.w.run("client", client, "get", word, *words)

    def ended(self, process, code=world.DONE, name="share"):
        self.assertEqual(process.wait(60), code, self.w.log(name))
        self.w.running.pop(name)
        self.assertNotIn("Sanitizer", self.w.log(name))

    def nothing_left(self):
        self.assertEqual(self.w.text("server", "server", "pending"), "")
        self.assertEqual(self.w.text("server", "server", "grants"), "")

    def same(self, one, other):
        done = subprocess.run(["diff", "-r", one, other], capture_output=True)
        self.assertEqual(done.returncode, 0, done.stdout)

    # ---- alone

    def test_one_command_a_side(self):
        process, words = self.share(self.photos, self.notes)
        self.assertEqual(len(words), 1)
        done = self.get(words[0], self.to)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.same(self.photos, self.to / self.photos.name)
        self.assertEqual((self.to / self.notes.name).read_bytes(), self.notes.read_bytes())
        self.ended(process)
        said = self.w.log("share")
        self.assertIn(self.w.text("client", "client", "id")[:13], said)  # who came
        self.assertIn("all of it was fetched", said)
        self.nothing_left()
        self.assertEqual(self.w.text("client", "client", "servers"), "")  # it was for once

    def test_to_this_folder_and_to_a_name(self):
        process, words = self.share(self.notes, "--keep")
        done = subprocess.run([*self.w.command("client", "client", "get", words[0])], cwd=self.to, capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.to / self.notes.name).read_bytes(), self.notes.read_bytes())
        done = self.get(words[0], self.to / "other")  # the same machine again, as it is kept
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.to / "other").read_bytes(), self.notes.read_bytes())
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGINT)
        self.ended(process)
        self.nothing_left()

    def test_central_from_the_environment(self):
        os.environ["AJAR_CENTRAL"] = self.w.url
        self.addCleanup(os.environ.pop, "AJAR_CENTRAL")
        process, words = self.share(self.notes, central=False)
        self.assertEqual(self.get(words[0], self.to).returncode, 0)
        self.ended(process)

    def test_for_one_machine(self):
        process, words = self.share(self.notes, "--keep")
        self.assertEqual(self.get(words[0], self.to).returncode, 0)
        done = self.get(words[0], self.to / "stolen", client="other")
        self.assertEqual(done.returncode, world.REFUSED, done.stderr)
        self.assertIn("used by", done.stderr)
        self.assertEqual(self.w.stop("share"), world.DONE)

    def test_for_several(self):
        process, words = self.share(self.notes, "--times", "2")
        self.assertEqual(len(set(words)), 2)
        self.assertEqual(self.get(words[0], self.to / "one", client="one").returncode, 0)
        self.w.wait_for("share", "fetched: 1 of 2")
        self.assertIsNone(process.poll())
        self.assertEqual(self.get(words[1], self.to / "two", client="two").returncode, 0)
        self.ended(process)
        self.nothing_left()

    def test_nobody_came(self):
        process, words = self.share(self.notes)
        process.send_signal(signal.SIGINT)
        self.ended(process, world.CUT_SHORT)
        self.assertIn("not all was fetched", self.w.log("share"))
        self.nothing_left()
        done = self.get(words[0], self.to)
        self.assertNotEqual(done.returncode, 0)
        self.assertFalse((self.to / self.notes.name).exists())

    def test_an_interrupted_get_goes_on(self):
        big = self.w.file("big", 30_000_000)
        process, words = self.share(big)
        command = self.w.command("client", "client", "get", words[0], self.to)
        with subprocess.Popen(command, stderr=subprocess.PIPE) as first:
            while not any(one.stat().st_size > 0 for one in self.to.iterdir()):
                self.assertIsNone(first.poll())
            first.kill()
        done = self.get(words[0], self.to)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.to / "big").read_bytes(), big.read_bytes())
        self.ended(process)

    def test_json(self):
        process = self.w.start("share", "server", "server", "share", self.notes, "--json", "--central", self.w.url)
        self.w.wait_for("share", "command")
        told = json.loads(self.w.log("share").splitlines()[0])
        self.assertEqual(told["command"], "ajar-client get " + told["invite"])
        self.assertEqual(self.get(told["invite"], self.to).returncode, 0)
        self.ended(process)
        lines = list(map(json.loads, self.w.log("share").splitlines()))
        self.assertEqual([one["fetched"] for one in lines if "fetched" in one], [1])

    # ---- by a server that runs

    def test_by_the_running_server(self):
        mine = self.w.file("mine", 1000)
        self.w.start_server({"file": mine}, "--sandbox", "off")
        self.w.grant()
        process, words = self.share(self.photos, central=False)
        done = self.get(words[0], self.to, client="guest")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.same(self.photos, self.to / self.photos.name)
        self.ended(process)
        # what it shared before it shares still, and nobody else sees what was offered
        self.assertEqual(self.w.run("client", "client", "cat", "home:file").stdout, mine.read_bytes())
        self.assertEqual(self.w.text("client", "client", "ls", "home:"), "file")
        done = self.get(words[0], self.to / "again", client="guest")
        self.assertEqual(done.returncode, world.REFUSED, done.stderr)
        self.assertEqual(self.w.stop("server"), world.DONE)

    def test_what_was_offered_is_not_what_is_shared(self):
        mine = self.w.file("mine", 1000)
        self.w.start_server({"file": mine}, "--sandbox", "off")
        process, words = self.share(self.notes, "--keep", central=False)
        self.assertEqual(self.get(words[0], self.to, client="guest").returncode, 0)
        # SIGHUP leaves it
        self.w.running["server"].send_signal(signal.SIGHUP)
        self.assertEqual(self.get(words[0], self.to / "again", client="guest").returncode, 0)
        self.w.stop("server")
        self.ended(process, world.DONE)  # it was kept, and is over with the server
        self.assertIn("the server has ended", self.w.log("share"))

    # ---- for somebody who stays

    def test_get_by_an_invite_joins(self):
        mine = self.w.file("mine", 1000)
        self.w.start_server({"file": mine})
        word = self.w.text("server", "server", "invite", "laptop", "--service", "file:r")
        done = self.get(word, self.to)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.to / "file").read_bytes(), mine.read_bytes())
        self.assertIn("server", self.w.text("client", "client", "servers"))
        self.assertEqual(self.w.run("client", "client", "cat", "server:file").stdout, mine.read_bytes())

    # ---- what is wrong

    def test_what_is_wrong(self):
        def said(*words, code=world.USAGE):
            done = self.w.run("server", "server", "share", *words)
            self.assertEqual(done.returncode, code, done.stderr)
            return done.stderr

        self.assertIn("share what?", said())
        self.assertIn("/nowhere", said("/nowhere", "--central", self.w.url))
        self.assertIn("AJAR_CENTRAL", said(self.notes))
        self.assertIn("state folder", said(self.w.folder / "server", "--central", self.w.url))
        self.assertEqual(self.get("ajar1" + "a" * 100, self.to).returncode, world.USAGE)
        # central serves others alone
        done = self.w.run("server", "stranger", "share", self.notes, "--central", self.w.url)
        self.assertEqual(done.returncode, world.NO_CENTRAL, done.stderr)


class Admission(unittest.TestCase):
    """Whom central serves: no operator edits a file."""

    def setUp(self):
        self.w = world.World()
        self.addCleanup(self.w.__exit__)
        self.notes = self.w.file("notes", 1000)
        self.id = self.w.text("server", "server", "id")

    def central(self, *words):
        self.w.start("central", "central", "central", "run", "--listen", "127.0.0.1:0", *words)
        self.w.wait_for("central", "ajar://")
        self.w.url = re.findall(r"ajar://\S+", self.w.log("central"))[-1]

    def admitted(self, *words):
        return self.w.text("central", "central", "admitted", *words).split()

    def test_admitted_and_dismissed_while_it_runs(self):
        self.central()
        self.assertIn("no server is admitted yet", self.w.log("central"))
        share = ("server", "server", "share", self.notes, "--central", self.w.url)
        self.assertEqual(self.w.run(*share).returncode, world.NO_CENTRAL)
        self.w.text("central", "central", "admit", self.id)
        self.assertEqual(self.admitted(), [self.id])
        self.w.start_server({"file": self.notes})
        self.w.grant()
        self.assertEqual(self.w.run("client", "client", "cat", "home:file").stdout, self.notes.read_bytes())
        again = self.w.run("central", "central", "admit", self.id)
        self.assertEqual((again.returncode, self.admitted()), (world.DONE, [self.id]))
        self.assertIn("is admitted already", again.stderr)
        self.w.text("central", "central", "dismiss", self.id)
        self.assertEqual(self.admitted(), [])
        self.w.wait_for("server", "central does not serve this peer")
        self.assertEqual(self.w.stop("server"), world.DONE)
        self.assertEqual(self.w.run(*share).returncode, world.NO_CENTRAL)

    def test_before_it_runs(self):
        self.w.text("central", "central", "admit", self.id)
        self.central()
        self.w.start_server({"file": self.notes})

    def test_a_file_of_ones_own_keeps_its_comments(self):
        mine = self.w.folder / "servers"
        mine.write_text(f"# home\n{self.id}  # the attic\n# no end")
        other = self.w.text("server", "other", "id")
        link = self.w.folder / "link"
        link.symlink_to("servers")
        mine.chmod(0o640)
        self.w.text("central", "central", "admit", other, other, "--admit", link)
        self.assertTrue(link.is_symlink())
        self.assertEqual(mine.stat().st_mode & 0o777, 0o640)
        self.assertEqual(mine.read_text(), f"# home\n{self.id}  # the attic\n# no end\n{other}\n")
        self.w.text("central", "central", "dismiss", self.id, "--admit", mine)
        self.assertEqual(mine.read_text(), f"# home\n# no end\n{other}\n")
        self.assertEqual(self.admitted("--admit", mine), [other])
        self.assertEqual(self.admitted(), [])

    def test_what_is_no_id(self):
        self.assertEqual(self.w.run("central", "central", "admit").returncode, world.USAGE)
        self.assertEqual(self.w.run("central", "central", "admit", self.id[:-1]).returncode, world.USAGE)
        self.w.text("central", "central", "id")  # its folder is there
        (self.w.folder / "central" / "servers.txt").write_text("nonsense\n")
        (self.w.folder / "central" / "servers.txt").chmod(0o600)
        done = self.w.run("central", "central", "admit", self.id)
        self.assertEqual(done.returncode, world.LOCAL)
        self.assertIn("servers.txt:1", done.stderr)


class TheUrl(unittest.TestCase):
    def url_of(self, w, *words):
        w.start("central", "central", "central", "run", "--open", *words)
        w.wait_for("central", "ajar://")
        said = w.log("central")
        w.stop("central")
        (w.folder / "central.log").unlink()
        return re.search(r"ajar://(\S+)/", said)[1], said

    def test_a_name_may_have_a_port(self):
        with world.World() as w:
            for name in ("central.example:443", "[2001:db8::7]:443"):
                self.assertEqual(self.url_of(w, "--listen", "127.0.0.1:0", "--name", name)[0], name)
            for name, host in {"central.example": "central.example", "2001:db8::7": "[2001:db8::7]"}.items():
                self.assertRegex(self.url_of(w, "--listen", "127.0.0.1:0", "--name", name)[0], rf"^{re.escape(host)}:[1-9]\d*$")
            for wrong in ("central.example:", "a b", "http://central.example", "central.example:0"):
                done = w.run("central", "central", "run", "--open", "--listen", "127.0.0.1:0", "--name", wrong)
                self.assertEqual(done.returncode, world.USAGE, wrong)
                self.assertIn("HOST:PORT", done.stderr)

    def test_an_address_that_is_none_is_not_printed(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
            try:
                far.connect(("192.0.2.1", 9))
            except OSError:
                self.skipTest("no other machine is in reach")
            own = far.getsockname()[0]
        with world.World() as w:
            url, said = self.url_of(w, "--listen", "0.0.0.0:0")
            self.assertEqual(url.rsplit(":", 1)[0], own)
            self.assertIn("--name says another", said)


class Quick(unittest.TestCase):
    def test_a_trial_needs_no_list(self):
        with world.World() as w:
            w.start("central", "central", "central", "run", "--quick", "--listen", "127.0.0.1:0")
            w.wait_for("central", "ajar-server share")
            self.assertIn("serves every server", w.log("central"))
            w.url = re.search(r"AJAR_CENTRAL=(\S+)", w.log("central"))[1]
            notes = w.file("notes", 1000)
            process = w.start("share", "server", "server", "share", notes, "--central", w.url)
            w.wait_for("share", "Ctrl-C ends it")
            word = re.search(r"ajar-client get (\S+)", w.log("share"))[1]
            self.assertEqual(w.run("client", "client", "get", word, w.folder / "got").returncode, 0)
            self.assertEqual((w.folder / "got").read_bytes(), notes.read_bytes())
            self.assertEqual(process.wait(60), world.DONE)


if __name__ == "__main__":
    world.main()

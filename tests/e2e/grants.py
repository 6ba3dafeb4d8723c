# SPDX-License-Identifier: BSL-1.0
"""Grants while the server runs: who may enter is seen, made longer, changed, and taken back at once."""
import json
import os
import shutil
import signal
import subprocess
import time
import unittest

import world

# More than all the buffers on the way to a client that does not read.
SIZE = 64 << 20


class Grants(unittest.TestCase):
    def setUp(self):
        self.w = world.World()
        self.addCleanup(self.w.__exit__)
        self.w.start_central()
        self.path = self.w.file("large", SIZE)
        self.small = self.w.file("small", 1000)

    def serve(self, *words):
        return self.w.start_server({"file": self.path, "more": self.small}, *words)

    def grants(self):
        """{name: what 'grants' tells of it}."""
        lines = self.w.text("server", "server", "grants", "--json").splitlines()
        return {one["name"]: one for one in map(json.loads, lines)}

    def ping(self, client="client"):
        return self.w.run("client", client, "ping", "home")

    def refused(self, done, phrase):
        self.assertEqual(done.returncode, world.REFUSED, done.stderr)
        self.assertIn(phrase, done.stderr)

    # ---- seen

    def test_who_may_enter(self):
        self.w.grant("client", "--as", "laptop")
        self.w.grant("other", "--as", "phone", "--no-renewal")
        known = self.grants()
        self.assertEqual(set(known), {"laptop", "phone"})
        self.assertIsNone(known["laptop"]["sessions"])  # no server runs
        self.assertIsNone(known["laptop"]["last_seen"])
        self.assertEqual((known["laptop"]["renews"], known["phone"]["renews"]), (True, False))
        self.serve()
        self.assertEqual(self.ping().returncode, 0)
        known = self.grants()
        self.assertEqual(known["laptop"]["sessions"], 0)
        self.assertIsNotNone(known["laptop"]["last_seen"])
        self.assertIsNone(known["phone"]["last_seen"])
        with self.reader() as reading:
            self.assertEqual(self.grants()["laptop"]["sessions"], 1)
            self.assertIn("1 now", self.w.text("server", "server", "grants"))
            reading.kill()
        taken = self.w.run("server", "server", "grant", self.w.text("client", "third", "id"), "--central", self.w.url,
                           "--service", "file:r", "--as", "phone", "--out", "-")
        self.assertEqual(taken.returncode, world.REFUSED)
        self.assertIn("has that name already", taken.stderr)
        self.assertEqual(taken.stdout, b"")

    def test_a_grant_is_told_of(self):
        """On stderr, so that stdout is the grant alone."""
        client = self.w.text("client", "client", "id")
        words = ("grant", client, "--central", self.w.url, "--service", "file:r", "--as", "laptop", "--out")
        done = self.w.run("server", "server", *words, "-")
        self.assertEqual(done.returncode, 0, done.stderr)
        first, after = done.stderr.splitlines()
        self.assertEqual(first, f"ajar-server: laptop may have file:r until {self.grants()['laptop']['until']}")
        self.assertEqual(after, "ajar-server: next: send what stands on stdout to that client, and there: ajar-client add FILE")
        out = self.w.folder / "laptop.grant"
        done = self.w.run("server", "server", *words, out)
        self.assertIn(f"next: send {out} to that client", done.stderr)
        self.assertEqual(done.stdout, b"")
        self.w.text("client", "client", "add", out)

    def reader(self, *words):
        """A client in mid-transfer: it has begun to read, and does not go on."""
        command = self.w.command("client", "client", "cat", "home:file", *words)
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(len(process.stdout.read(1000)), 1000)
        return process

    def sessions_of(self, server):
        """The connections of a server that do not lead to central."""
        central = f":{self.w.central_port:04X}"
        return [one for one in world.sockets_of(server)
                if one[0] == world.ESTABLISHED and not one[2].endswith(central)]

    # ---- taken back

    def test_revoked_in_mid_transfer(self):
        for way in ("window", "window-reverse", "crossing", "outbound"):
            with self.subTest(way):
                self.w.grant("client", "--as", "laptop")
                server = self.serve("--mode", "outbound" if way == "outbound" else "window")
                reading = self.reader("--by", way, *(("--door", "127.0.0.1:0") if way == "outbound" else ()))
                session = self.sessions_of(server)
                self.assertEqual(len(session), 1)
                said = self.w.text("server", "server", "revoke", "laptop")
                self.assertIn("laptop", said)
                self.assertEqual(self.sessions_of(server), [])
                self.assertEqual(world.unsent(session), 0)  # nor does the kernel go on to send
                rest, error = reading.communicate(timeout=60)
                self.assertLess(len(rest), SIZE - 1000)
                self.assertIn(b"the grant was revoked", error)
                self.assertEqual(reading.returncode, world.REFUSED)
                self.refused(self.ping(), "the grant was revoked")
                self.assertEqual(self.grants(), {})
                self.assertEqual(self.w.stop("server"), 0)

    def test_get_names_it(self):
        """Whether octets wait in the server's kernel, as those of a client that is stopped, or none."""
        self.path = self.w.folder / "huge"
        with open(self.path, "wb") as file:
            file.truncate(4 << 30)
        for stopped in (True, False):
            with self.subTest(stopped=stopped):
                self.w.grant("client", "--as", "laptop")
                self.serve()
                here = self.w.folder / f"here-{stopped}"
                here.mkdir()
                command = self.w.command("client", "client", "get", "home:file", str(here))
                getting = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
                until = time.monotonic() + 60
                while not any(one.stat().st_size for one in here.rglob("*") if one.is_file()):
                    self.assertLess(time.monotonic(), until)
                    self.assertIsNone(getting.poll())
                    time.sleep(0.01)
                if stopped:
                    getting.send_signal(signal.SIGSTOP)
                self.w.text("server", "server", "revoke", "laptop")
                getting.send_signal(signal.SIGCONT)
                error = getting.communicate(timeout=60)[1]
                self.assertIn(b"the grant was revoked", error)
                self.assertEqual(getting.returncode, world.REFUSED)
                self.assertEqual(self.w.stop("server"), 0)
                shutil.rmtree(here)

    def test_ended_in_mid_transfer(self):
        self.w.grant("client", "--as", "laptop", "--for", "10s", "--no-renewal")
        server = self.serve()
        reading = self.reader()
        until = time.monotonic() + 60
        while self.sessions_of(server):
            self.assertLess(time.monotonic(), until)
            time.sleep(0.1)
        rest, error = reading.communicate(timeout=60)
        self.assertLess(len(rest), SIZE - 1000)
        self.assertIn(b"the grant has ended", error)
        self.assertEqual(reading.returncode, world.REFUSED)

    def test_revoked_of_several(self):
        self.w.grant("client", "--as", "laptop")
        self.w.grant("other", "--as", "phone")
        self.serve()
        self.w.text("server", "server", "revoke", self.w.text("client", "client", "id"))
        self.refused(self.ping(), "the grant was revoked")
        self.assertEqual(self.ping("other").returncode, 0)
        unknown = self.w.run("server", "server", "revoke", "laptop")
        self.refused(unknown, "nobody of that name has a grant")
        self.assertEqual(list(self.grants()), ["phone"])
        status = json.loads(self.w.text("server", "server", "status", "--json"))
        self.assertTrue(status["revocations"]["acknowledged"])
        # the server and central may both start anew: it stays so
        self.w.stop("server")
        self.w.stop("central")
        self.w.start_central()
        self.serve()
        self.refused(self.ping(), "the grant was revoked")

    def test_a_removed_file(self):
        """Whoever removes the file of a grant takes it back, at once and for good."""
        self.w.grant("other", "--as", "phone")
        for way in ("window", "outbound"):
            with self.subTest(way):
                self.w.grant("client", "--as", "laptop")
                server = self.serve("--mode", way)
                reading = self.reader("--by", way, *(("--door", "127.0.0.1:0") if way == "outbound" else ()))
                session = self.sessions_of(server)
                self.assertEqual(len(session), 1)
                before = self.w.log("server").count("files of grants were removed")
                file = self.w.folder / "server" / (self.grants()["laptop"]["grant"] + ".issued")
                content = file.read_bytes()
                file.unlink()
                self.w.wait_for("server", "files of grants were removed", before + 1)
                rest, error = reading.communicate(timeout=60)
                self.assertLess(len(rest), SIZE - 1000)
                self.assertNotEqual(reading.returncode, 0, error)
                self.assertEqual(self.sessions_of(server), [])
                self.assertEqual(world.unsent(session), 0)
                self.refused(self.ping(), "the grant was revoked")
                until = time.monotonic() + 60
                while not json.loads(self.w.text("server", "server", "status", "--json"))["revocations"]["acknowledged"]:
                    self.assertLess(time.monotonic(), until)
                self.assertEqual(set(self.grants()), {"phone"})
                file.touch(0o600)
                file.write_bytes(content)
                self.refused(self.ping(), "the grant was revoked")
                if way == "window":
                    self.assertEqual(self.ping("other").returncode, 0)
                self.assertEqual(self.w.stop("server"), 0)
                self.serve()
                self.refused(self.ping(), "the grant was revoked")
                self.assertEqual(self.w.stop("server"), 0)
                file.unlink()

    def test_revoked_while_no_server_runs(self):
        self.w.grant("client", "--as", "laptop")
        self.w.text("server", "server", "revoke", "laptop")
        self.serve()
        self.refused(self.ping(), "the grant was revoked")

    def test_revoked_while_central_is_away(self):
        self.w.grant("client", "--as", "laptop")
        self.serve()
        self.assertEqual(self.ping().returncode, 0)
        self.w.stop("central")
        self.w.wait_for("server", "no link to central")
        self.w.text("server", "server", "revoke", "laptop")
        status = json.loads(self.w.text("server", "server", "status", "--json"))
        self.assertFalse(status["revocations"]["acknowledged"])
        self.assertIn("central has not acknowledged", self.w.text("server", "server", "status"))
        self.assertIn("ajar_server_revocations_acknowledged 0", self.w.text("server", "server", "status", "--metrics"))
        self.w.start_central()
        self.w.wait_for("server", "A linked to central", 2)
        self.refused(self.ping(), "the grant was revoked")
        status = json.loads(self.w.text("server", "server", "status", "--json"))
        self.assertTrue(status["revocations"]["acknowledged"])

    def test_a_restored_state_folder(self):
        self.w.grant("client", "--as", "laptop")
        self.w.grant("other", "--as", "phone")
        state = self.w.folder / "server"
        shutil.copytree(state, self.w.folder / "copy", copy_function=shutil.copy2)
        os.chmod(self.w.folder / "copy", 0o700)
        self.serve()
        self.w.text("server", "server", "revoke", "laptop")
        self.w.stop("server")
        login = (state / "login").read_bytes()
        shutil.rmtree(state)
        (self.w.folder / "copy").rename(state)
        (state / "login").write_bytes(login)  # logins that go back are refused: that is another matter
        os.chmod(state / "login", 0o600)
        self.assertEqual(set(self.grants()), {"laptop", "phone"})
        self.serve()
        self.w.text("server", "server", "revoke", "phone")  # whatever it says, it is not to undo the other
        self.w.wait_for("server", "grants were revoked that this server did not know of")
        for client in ("client", "other"):
            self.refused(self.ping(client), "the grant was revoked")
        self.assertEqual(self.grants(), {})

    def test_a_damaged_list(self):
        self.w.grant("client", "--as", "laptop")
        self.w.text("server", "server", "revoke", "laptop")
        (self.w.folder / "server" / "revocations").write_bytes(b"torn")
        self.serve()
        self.refused(self.ping(), "the grant was revoked")

    # ---- made longer, and changed

    def test_renewed_by_its_owner(self):
        self.w.grant("client", "--as", "laptop", "--for", "1h")
        server = self.serve()
        before = self.grants()["laptop"]["until"]
        self.w.text("server", "server", "renew", "laptop", "--for", "90d")
        after = self.grants()["laptop"]
        self.assertGreater(after["until"], before)
        self.assertEqual(after["services"], "file:r")
        self.refused(self.w.run("client", "client", "cat", "home:more"), "the grant does not include that service")
        said = self.w.text("server", "server", "renew", "laptop", "--service", "more:r")
        self.assertIn("more:r", said)
        self.assertEqual(self.w.run("client", "client", "cat", "home:more").stdout, self.small.read_bytes())
        self.refused(self.w.run("client", "client", "cat", "home:file"), "the grant does not include that service")
        for words in (("nobody",), ("laptop", "--for", "1"), ("laptop", "--service", "more"), ()):
            done = self.w.run("server", "server", "renew", *words)
            self.assertNotEqual(done.returncode, 0)
            self.assertTrue(done.stderr)
        self.assertIsNone(server.poll())

    def test_other_limits(self):
        """What the owner says counts at once, whatever grant the client shows."""
        self.w.grant("client", "--as", "laptop")
        self.serve()
        self.assertEqual(self.ping().returncode, 0)
        renew = ("renew", "laptop")
        before = self.grants()["laptop"]
        self.assertEqual((before["methods"], before["lan"], before["most_sessions"]), ("outbound,window", True, 16))
        self.w.text("server", "server", *renew, "--sessions", "0")
        self.refused(self.ping(), "the grant permits no further session now")
        self.w.text("server", "server", *renew, "--sessions", "2", "--windows", "0")
        self.refused(self.ping(), "no further window is permitted this minute")
        self.w.text("server", "server", *renew, "--windows", "9", "--windows-a-day", "0")
        self.refused(self.ping(), "the grant permits no further window today")
        self.w.text("server", "server", *renew, "--windows-a-day", "900", "--methods", "outbound")
        self.refused(self.w.run("client", "client", "ping", "home", "--by", "window"), "the grant does not permit this way of connecting")
        self.w.text("server", "server", *renew, "--methods", "window", "--no-lan", "--roam")
        after = self.grants()["laptop"]
        self.assertEqual((after["methods"], after["lan"], after["roam"]), ("window", False, True))
        limits = ("most_sessions", "windows_a_minute", "windows_a_day", "windows_at_a_time", "windows_open_ms")
        self.assertEqual([before[name] for name in limits], [16, 120, 10000, 2, 6000])
        self.assertEqual([after[name] for name in limits], [2, 9, 900, 2, 6000])
        self.assertEqual(after["services"], before["services"])
        self.assertIn("by window; 2 sessions, 2 windows at a time, 9 a minute, 900 a day, open for 6000 ms a minute; roam\n",
                      self.w.text("server", "server", "grants") + "\n")
        self.w.text("server", "server", *renew, "--lan", "--no-roam")
        self.assertEqual(self.ping().returncode, 0)
        both = self.w.run("server", "server", *renew, "--lan", "--no-lan")
        self.assertEqual(both.returncode, world.USAGE)
        self.assertIn("one of --lan and --no-lan", both.stderr)

    def test_how_long_ports_are_open(self):
        """Windows at a time, and milliseconds in a minute, are the grant's; status tells what is used."""
        self.w.grant("client", "--as", "laptop", "--windows-at-a-time", "0")
        self.serve()
        by_window = ("client", "client", "ping", "home", "--by", "window")
        self.refused(self.w.run(*by_window), "no further window is permitted this minute")
        renew = ("server", "server", "renew", "laptop")
        self.w.text(*renew, "--windows-at-a-time", "1", "--windows-open", "500")  # less than one window may need
        self.refused(self.w.run(*by_window), "no further window is permitted this minute")
        self.w.text(*renew, "--windows-open", "9000")
        self.assertEqual(self.w.run(*by_window).returncode, 0)
        used = json.loads(self.w.text("server", "server", "status", "--json"))["listened_last_minute"]
        mine = used["by_grant"][0]
        self.assertEqual(mine["client"], self.w.text("client", "client", "id"))
        self.assertEqual((mine["most_windows"], mine["limit_ns"]), (1, 9_000_000_000))
        self.assertGreater(mine["ns"], 0)
        self.assertLessEqual(mine["ns"], used["ns"])
        for words in (("--windows-open", "600001"), ("--windows-at-a-time", "-1")):
            self.assertEqual(self.w.run(*renew, *words).returncode, world.USAGE)

    def test_renewed_by_itself(self):
        """From half of its life on, at whatever the client does there."""
        life = 24  # seconds: from 0.7 of it on there are seven for two commands
        long = self.w.grant("young", "--for", "1h", "--as", "tablet")
        begun = time.monotonic()
        given = self.w.grant("client", "--for", f"{life}s", "--as", "laptop")
        self.w.grant("other", "--for", f"{life}s", "--as", "phone", "--no-renewal")
        self.serve()
        before = self.grants()
        self.assertEqual(self.ping("young").returncode, 0)
        self.assertEqual((self.w.folder / "young" / "home.grant").read_bytes(), long.read_bytes())
        held = self.w.folder / "client" / "home.grant"
        time.sleep(max(0, begun + life * 0.7 - time.monotonic()))
        for name in ("client", "other"):
            self.assertEqual(self.ping(name).returncode, 0)
        self.assertNotEqual(held.read_bytes(), given.read_bytes())
        after = self.grants()
        self.assertGreater(after["laptop"]["until"], before["laptop"]["until"])
        self.assertEqual(after["phone"]["until"], before["phone"]["until"])
        time.sleep(max(0, begun + life * 1.3 - time.monotonic()))
        self.assertEqual(self.ping().returncode, 0)
        self.refused(self.ping("other"), "the grant has ended")


if __name__ == "__main__":
    world.main()

# SPDX-License-Identifier: BSL-1.0
"""What people get wrong: each has an exit code, a line that says what to do, and leaves nothing behind.

What strangers and liars on the wire get is tested closer to the wire: tests/roles, tests/tls, tests/trust.
"""
import json
import os
import signal
import socket
import subprocess
import time
import unittest

import world
from world import CUT_SHORT, LOCAL, NO_CENTRAL, NOT_REACHED, REFUSED, USAGE


class BadInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.w = world.World()
        cls.w.start_central()
        cls.path = cls.w.file("shared", 200_000)
        cls.given = cls.w.grant()
        cls.server = cls.w.start_server({"file": cls.path})

    @classmethod
    def tearDownClass(cls):
        cls.w.__exit__()

    def complains(self, done, code, *phrases):
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        for phrase in phrases:
            self.assertIn(phrase, done.stderr)

    def serve(self, *words, state="server"):
        return self.w.run("server", state, "run", "--share", f"file={self.path}", "--quiet", *words)

    # ---- the command line

    def test_wrong_url(self):
        for url in ("", "nonsense", "http://127.0.0.1:1/", self.w.url[:-1], self.w.url + "x", self.w.url.replace(":", ";")):
            self.complains(self.serve("--central", url), USAGE, "no ajar URL", "ajar-central printed")

    def test_wrong_words(self):
        w = self.w
        for tool in ("central", "server", "client"):
            self.assertEqual(w.run(tool, "x", "--help").returncode, 0)
            self.assertEqual(w.run(tool, "x").returncode, USAGE)
            self.assertEqual(w.run(tool, "x", "frobnicate").returncode, USAGE)
            self.complains(w.run(tool, "x", "id", "--frobnicate"), USAGE, "--help")
        self.complains(w.run("client", "x", "gett", "home:file", "."), USAGE, "'gett'", "did you mean get?")
        self.complains(w.run("client", "x", "frobnicate", "--help"), USAGE, "'ajar-client help' lists them")
        self.complains(w.run("client", "x", "help", "pign"), USAGE, "did you mean ping?")
        self.complains(w.run("client", "x", "get", "home:file", ".", "--parralel", "3"), USAGE, "did you mean --parallel?")
        self.complains(w.run("client", "x", "id", "--parallel", "3"), USAGE, "--parallel is no option of id, but of get",
                       "ajar-client help id")
        self.complains(w.run("server", "x", "renew", "client", "--central", w.url), USAGE, "--central is no option of renew")
        self.assertEqual(w.run("client", "x", "config", "--parallel", "3").returncode, 0)  # what would be in effect
        self.complains(self.serve("--central", w.url, "--mode", "inbound"), USAGE, "--mode")
        self.complains(self.serve("--central", w.url, "--roster", "every=5s"), USAGE, "--mode outbound")
        for ports in ("40000", "40000-40001", "80-90"):
            self.complains(self.serve("--central", w.url, "--window-ports", ports), USAGE, "--window-ports", "FIRST-LAST")
        self.complains(self.serve("--central", w.url, "--advertise", "198.51.100.7"), USAGE, "--window-ports")
        self.complains(self.serve("--central", w.url, "--advertise", "127.0.0.1", "--window-ports", "40000-40099"), USAGE,
                       "--advertise")
        self.complains(w.run("client", "client", "cat", "home"), USAGE, "SERVER:NAME")
        self.complains(w.run("client", "client", "cat", "home:../etc/passwd"), USAGE, "share's name")
        self.complains(w.run("client", "client", "ping", "home", "--by", "magic"), USAGE, "--by")
        self.complains(w.run("client", "client", "ping", "home", "--door", "nowhere"), USAGE, "HOST:PORT")
        self.complains(w.run("server", "server", "grant", "abc", "--central", w.url, "--service", "file:r", "--out", "-"),
                       USAGE, "no peer id")
        for service in ("file", "file:x", ":r", "../x:r", "file:w"):
            self.complains(w.run("server", "server", "grant", w.text("client", "client", "id"), "--central", w.url,
                                 "--service", service, "--out", "-"), USAGE, "--service")
        central = ("--central", w.url)
        for command in (("grant", w.text("client", "client", "id"), "--out", "-", *central), ("invite", "x", *central),
                        ("renew", "x")):
            done = w.run("server", "server", *command, "--service", "file:rw")
            self.complains(done, USAGE, "file:rw", "for reading alone", "grant NAME:r")

    def test_with_json_a_complaint_is_an_object_that_names_its_cause(self):
        w = self.w
        for tool, words, code, cause, about in (
                ("client", ("get", "nobody:file", "."), REFUSED, "no_grant", "nobody"),
                ("client", ("ls", "home:nothing"), REFUSED, "service_not_granted", "home:nothing"),
                ("server", ("revoke", "nobody"), REFUSED, "no_such_client", "nobody"),
                ("client", ("gett", "home:file", "."), USAGE, None, None),
                ("client", ("get", "home:file", ".", "--parralel", "3"), USAGE, None, None),
                ("client", ("get",), USAGE, None, None),
                ("central", ("admit",), USAGE, None, None)):
            with self.subTest(tool, words=words):
                done = w.run(tool, tool, *words, "--json")
                self.complains(done, code)
                told = json.loads(done.stderr)
                self.assertEqual((told["tool"], told["exit_code"]), (f"ajar-{tool}", code))
                self.assertEqual((told.get("cause"), told.get("about")), (cause, about))
                self.assertTrue(told["message"])
        self.assertEqual(json.loads(w.run("client", "client", "ls", "home:nothing", "--json").stderr)["server"], "home")
        self.complains(w.run("client", "client", "gett", "--json=false"), USAGE, "ajar-client: there is no command")

    def test_help_of_each_command_and_versions(self):
        """On one screen, with an example; nothing is begun for it."""
        for tool in ("central", "server", "client"):
            whole = self.w.text(tool, "unmade", "help")
            self.assertEqual(self.w.text(tool, "unmade", "--help"), whole)
            listed = whole.split("Commands:\n")[1].split("\n\n")[0]
            commands = [line.split()[0] for line in listed.splitlines()]
            self.assertIn("help", commands)
            for command in commands:
                text = self.w.text(tool, "unmade", "help", command)
                self.assertEqual(self.w.text(tool, "unmade", command, "--help"), text)
                self.assertIn(f"Example:\n  ajar-{tool} {command}", text)
                self.assertLess(len(text.splitlines()), 50, text)
            said = self.w.text(tool, "unmade", "--version").splitlines()
            self.assertRegex(said[0], rf"^ajar-{tool} \d+\.\d+\.\d+$")
            self.assertRegex(said[1], r"^wolfSSL \d+\.\d+\.\d+, Asio \d+\.\d+\.\d+$")
        self.assertFalse((self.w.folder / "unmade").exists())

    def test_an_admission_list_that_is_wrong_names_the_line(self):
        wrong = self.w.folder / "wrong"
        wrong.write_text("# servers\n\nnot an id\n")
        done = self.w.run("central", "x", "run", "--listen", "127.0.0.1:0", "--admit", wrong)
        self.complains(done, LOCAL, f"{wrong}:3:", "no peer id")

    def test_an_admission_list_that_others_may_write(self):
        loose = self.w.folder / "loose list"
        loose.write_text("# none\n")
        loose.chmod(0o664)
        done = self.w.run("central", "x", "run", "--listen", "127.0.0.1:0", "--admit", loose)
        self.complains(done, LOCAL, f"{loose}:", "chmod g-w")

    def test_a_port_that_is_taken(self):
        words = ("run", "--admit", self.w.folder / "admitted", "--listen")
        self.complains(self.w.run("central", "x", *words, f"127.0.0.1:{self.w.central_port}"), LOCAL, "cannot be used",
                       "choose an address")
        with world.World() as w:  # not even by several threads, each with a socket of its own
            w.start_central("--admit", self.w.folder / "admitted", "--threads", "2")
            done = w.run("central", "x", *words, f"127.0.0.1:{w.central_port}", "--threads", "2")
            self.complains(done, LOCAL, "cannot be used", "choose an address")

    def test_two_centrals_with_one_state_folder(self):
        done = self.w.run("central", "central", "run", "--listen", "127.0.0.1:0", "--admit", self.w.folder / "admitted")
        self.complains(done, LOCAL, "another process runs with this state folder", "stop it, or name another folder")

    def test_a_share_that_cannot_be_read(self):
        done = self.w.run("server", "server2", "run", "--central", self.w.url, "--share", "file=/nonexistent")
        self.complains(done, USAGE, "no file that can be read")

    # ---- the state folder

    def test_a_state_folder_that_others_may_read(self):
        loose = self.w.folder / "loose"
        loose.mkdir(mode=0o755)
        self.complains(self.w.run("client", "loose", "id"), LOCAL, "chmod 700")
        self.assertEqual(list(loose.iterdir()), [])

    def test_a_damaged_key_is_not_overwritten(self):
        self.w.text("client", "damaged", "id")
        key = self.w.folder / "damaged" / "key"
        key.write_text(key.read_text()[:-5])
        before = key.read_bytes()
        self.complains(self.w.run("client", "damaged", "id"), LOCAL, "restore the key file")
        self.assertEqual(key.read_bytes(), before)

    def test_two_servers_with_one_state_folder(self):
        self.complains(self.serve("--central", self.w.url), LOCAL, "another process runs with this state folder")

    def test_a_copied_state_folder_is_told_to_leave(self):
        with world.World() as w:
            w.start_central()
            w.start_server({"file": self.path}, "--mode", "window")
            subprocess.run(["cp", "-a", w.folder / "server", w.folder / "copy"], check=True)
            copy = w.start("copy", "server", "copy", "run", "--central", w.url, "--share", f"file={self.path}")
            # the copy logs in later with a higher number, and evicts; the first says so and does not come back
            self.assertEqual(w.running["server"].wait(timeout=60), NO_CENTRAL)
            self.assertIn("the same key logged in elsewhere", w.log("server"))
            self.assertIsNone(copy.poll())
            del w.running["server"]

    # ---- central

    def test_central_down(self):
        free = socket.socket()
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        with world.World() as w:
            w.start_central()
            w.grant()
            w.stop("central")
            self.complains(w.run("client", "client", "ping", "home", "--within", "2s"), NO_CENTRAL, "nothing listens there")
        self.assertNotEqual(port, 0)

    def test_wrong_central_key(self):
        with world.World() as w:
            w.start_central()
            w.grant()
            w.stop("central")
            # another central at the same port, with a key of its own
            w.start("impostor", "central", "impostor", "run", "--listen", f"127.0.0.1:{w.central_port}", "--open")
            w.wait_for("impostor", "ajar://")
            self.complains(w.run("client", "client", "ping", "home"), NO_CENTRAL, "another key than the expected one")
            # a server says so and goes on: the right one may be back in a minute
            right = w.url
            server = w.start("server", "server", "server", "run", "--central", right, "--share", f"file={self.path}")
            w.wait_for("server", "another key than the expected one")
            w.stop("impostor")
            w.start_central()
            w.wait_for("server", "linked to central")
            self.assertIsNone(server.poll())

    def test_server_not_admitted(self):
        done = self.w.run("server", "stranger", "run", "--central", self.w.url, "--share", f"file={self.path}", "--quiet")
        self.complains(done, NO_CENTRAL, "does not serve this peer", "ajar-central invite")

    def test_client_of_a_server_that_is_not_admitted(self):
        self.w.grant("guest", server="stranger", name="elsewhere")
        self.complains(self.w.run("client", "guest", "ping", "elsewhere"), NO_CENTRAL, "does not serve this peer")

    def test_plain_http_and_garbage_at_central(self):
        for octets in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", os.urandom(100_000), b"\x16\x03\x01\xff\xff" + os.urandom(70_000),
                       b""):
            with socket.create_connection(("127.0.0.1", self.w.central_port)) as peer:
                try:
                    peer.sendall(octets)
                    peer.shutdown(socket.SHUT_WR)
                    peer.settimeout(20)
                    while peer.recv(4096):
                        pass
                except OSError:  # it hung up on us: as it should
                    pass
        self.assertEqual(self.w.run("client", "client", "ping", "home").returncode, 0)

    # ---- grants

    def test_no_grant(self):
        self.complains(self.w.run("client", "client", "ping", "nobody"), REFUSED, "no grant for that server", "ajar-client add")

    def test_unknown_server_after_its_grant_is_taken_away(self):
        # the server never issued what it signed: its state was lost
        with world.World() as w:
            w.start_central()
            w.grant()
            for file in (w.folder / "server").glob("*.issued"):
                file.unlink()
            w.start_server({"file": self.path})
            self.complains(w.run("client", "client", "ping", "home"), REFUSED, "does not know this grant")

    def test_a_grant_of_what_nobody_shares(self):
        """A typing error is found by the running server, or by the file of settings; where nobody knows, it is granted."""
        w = self.w
        client = w.text("client", "typist", "id")
        central = ("--central", w.url)
        for command in (("grant", client, "--out", "-", *central), ("invite", "typist", *central), ("renew", "client")):
            done = w.run("server", "server", *command, "--service", "fiel:r")
            self.complains(done, USAGE, "fiel:r", "did you mean file?", "--force")
            self.assertEqual(done.stdout, b"")
        wish = ("grant", client, "--central", w.url, "--service", "later:r", "--out", "-")
        self.complains(w.run("server", "server", *wish), USAGE, "no share has that name: --force")
        done = w.run("server", "server", *wish, "--force")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stdout.startswith(b"ajar-grant/1\n"))
        settings = w.folder / "typist.toml"
        settings.write_text(f'[share]\nfile = "{self.path}"\n')
        self.complains(w.run("server", "asleep", *wish, "--config", settings), USAGE, "no share has that name")
        self.assertEqual(w.run("server", "asleep", *wish).returncode, 0)

    def test_expired_grant(self):
        with world.World() as w:
            w.start_central()
            w.start_server({"file": self.path})
            given = w.grant("client", "--for", "6s")
            time.sleep(6.2)  # whole seconds count; to issue and to add it take some of them
            self.complains(w.run("client", "client", "ping", "home"), REFUSED, "the grant has ended", "a new one")
            self.complains(w.run("client", "client", "add", given), REFUSED, "the grant has ended")

    def test_someone_elses_grant(self):
        self.complains(self.w.run("client", "other", "add", self.given), REFUSED, "made for another key")
        self.assertEqual(self.w.text("client", "other", "servers"), "")

    def test_corrupted_and_truncated_grant_files(self):
        good = self.given.read_bytes()
        wrong = self.w.folder / "wrong.given"
        self.w.text("client", "empty", "id")
        for content in (b"", good[: len(good) // 2], good[:-2], good + b"x\n", good.replace(b"home", b"homf"),
                        bytes([good[0] ^ 1]) + good[1:], os.urandom(500), good * 300):
            wrong.write_bytes(content)
            self.complains(self.w.run("client", "empty", "add", wrong), LOCAL, str(wrong))
        later = good.replace(b"ajar-grant/1", b"ajar-grant/2")
        wrong.write_bytes(later)
        self.complains(self.w.run("client", "empty", "add", wrong), LOCAL, "unknown version")
        self.complains(self.w.run("client", "empty", "add", "/nonexistent"), LOCAL, "cannot be read")
        self.assertEqual(self.w.text("client", "empty", "servers"), "")

    def test_what_mail_and_editors_add_to_a_grant(self):
        good = self.given.read_bytes()
        sent = self.w.folder / "sent.given"
        for content in (good.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + good, b"\n \n" + good + b"\n\n", good[:-1],
                        b"".join(b"  " + line + b" \t\n\n" for line in good.splitlines())):
            sent.write_bytes(content)
            self.assertIn("home  ", self.w.text("client", "client", "add", sent))
        done = self.w.run("client", "client", "add", "-", input=b"\xef\xbb\xbf" + good.replace(b"\n", b"\r\n"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.complains(self.w.run("client", "client", "add", "-", input=b"no grant"), LOCAL, "-:")
        self.assertEqual((self.w.folder / "client" / "home.grant").read_bytes(), good)

    def test_a_damaged_grant_file_costs_itself_alone(self):
        self.w.grant("hurt")
        self.w.grant("hurt", server="second", name="second")
        torn = self.w.folder / "hurt" / "second.grant"
        torn.write_bytes(torn.read_bytes()[:-20])
        self.assertEqual(self.w.run("client", "hurt", "ping", "home").returncode, 0)
        for words in (("ping", "second"), ("network", "second"), ("servers",)):
            done = self.w.run("client", "hurt", *words)
            self.complains(done, LOCAL, f"{torn}: ", "damaged")
        self.assertEqual(done.stdout.decode().split()[0], "home")

    def test_a_name_that_another_server_has(self):
        given = self.w.grant("client", server="second", name="second")
        done = self.w.run("client", "client", "add", given, "--name", "home")
        self.complains(done, REFUSED, "another one has that name")
        self.assertIn(f"home  {self.w.text('server', 'server', 'id')}", self.w.text("client", "client", "servers"))

    def test_a_grant_without_outbound(self):
        self.w.grant("narrow", "--methods", "window")
        done = self.w.run("client", "narrow", "ping", "home", "--by", "outbound", "--door", "127.0.0.1:0")
        self.complains(done, REFUSED, "does not permit this way")
        self.assertEqual(self.w.run("client", "narrow", "ping", "home").returncode, 0)

    # ---- shares, and paths

    def test_a_share_that_does_not_exist(self):
        self.w.grant("curious", "--force", services=("file:r", "ghost:r"))
        self.complains(self.w.run("client", "curious", "cat", "home:ghost"), CUT_SHORT, "no share of that name")
        self.complains(self.w.run("client", "curious", "cat", "home:secret"), REFUSED, "does not include that service")

    def test_server_offline(self):
        self.w.grant("early", server="sleeper", name="sleeper")
        with open(self.w.folder / "admitted", encoding="ascii") as file:
            self.assertNotIn(self.w.text("server", "sleeper", "id"), file.read())
        with world.World() as w:
            w.start_central()
            w.grant()
            self.complains(w.run("client", "client", "ping", "home"), NOT_REACHED, "not linked to central now")

    def test_client_unreachable(self):
        self.complains(self.w.run("client", "client", "ping", "home", "--by", "outbound"), NOT_REACHED,
                       "cannot dial this client", "--door")
        with world.World() as w:
            w.start_central()
            w.start_server({"file": self.path}, "--mode", "outbound")
            w.grant()
            self.complains(w.run("client", "client", "ping", "home"), NOT_REACHED, "--door")
            self.complains(w.run("client", "client", "ping", "home", "--by", "window"), NOT_REACHED, "opens no window")
            # a door that is somewhere else than where the client says
            done = w.run("client", "client", "ping", "home", "--door", "127.0.0.1:0", "--advertise", "127.0.0.1:9")
            self.complains(done, REFUSED, "nobody answered at the address")
            done = w.run("client", "client", "ping", "home", "--door", "127.0.0.1:0", "--advertise", "10.0.0.1:9")
            self.complains(done, REFUSED, "such an address is not dialled")
            done = w.run("client", "client", "ping", "home", "--door", "192.0.2.7:4000")
            self.complains(done, LOCAL, "cannot be used")

    def test_peer_gone_in_mid_transfer(self):
        for victim in ("server", "client"):
            with world.World() as w:
                large = w.file("large", 200 << 20)
                w.start_central()
                server = w.start_server({"file": large})
                w.grant()
                command = w.command("client", "client", "cat", "home:file")
                with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as client:
                    client.stdout.read(1 << 20)
                    if victim == "server":
                        w.stop("server", signal.SIGKILL)
                        client.stdout.read()
                        said = client.stderr.read().decode()
                        self.assertEqual(client.wait(timeout=60), CUT_SHORT, said)
                        self.assertIn("ended without a goodbye", said)
                    else:
                        client.kill()
                        client.stdout.read()
                if victim == "client":
                    until = time.monotonic() + 20
                    while len(world.sockets_of(server)) > 1 and time.monotonic() < until:
                        time.sleep(0.01)
                    self.assertEqual(len(world.sockets_of(server)), 1)  # the link
                    self.assertEqual(w.run("client", "client", "ping", "home").returncode, 0)

    def test_a_share_that_shrinks_while_it_is_sent(self):
        with world.World() as w:
            large = w.file("large", 200 << 20)
            w.start_central()
            w.start_server({"file": large})
            w.grant()
            command = w.command("client", "client", "cat", "home:file")
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as client:
                client.stdout.read(1 << 20)
                os.truncate(large, 1 << 20)
                client.stdout.read()
                said = client.stderr.read().decode()
                self.assertEqual(client.wait(timeout=60), CUT_SHORT, said)
            self.assertIn("ended before its announced length", said)


class SilentResolver(unittest.TestCase):
    """A nameserver that takes every question and answers none, for tools in a mount namespace of their own."""

    BIND = 'mount --bind "$1" /etc/resolv.conf && mount --bind "$2" /etc/nsswitch.conf && shift 2 && exec "$@"'

    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            raise unittest.SkipTest("another /etc/resolv.conf needs root")
        cls.nameserver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        cls.addClassCleanup(cls.nameserver.close)
        try:
            cls.nameserver.bind(("127.0.53.1", 53))
        except OSError as why:
            raise unittest.SkipTest(f"port 53 of 127.0.53.1: {why}")
        cls.w = w = world.World()
        cls.addClassCleanup(w.__exit__)
        files = {"resolv.conf": "nameserver 127.0.53.1\noptions timeout:30 attempts:5\n", "nsswitch.conf": "hosts: files dns\n"}
        for name, text in files.items():
            (w.folder / name).write_text(text)
        w.prefix = ["unshare", "--mount", "sh", "-c", cls.BIND, "sh", *(str(w.folder / name) for name in files)]
        tried = subprocess.run([*w.prefix, "true"], capture_output=True, check=False)
        if tried.returncode != 0:
            raise unittest.SkipTest(f"no mount namespace: {tried.stderr.decode().strip()}")
        cls.path = w.file("shared", 1000)
        w.url = f"ajar://central.test:7000/{w.text('central', 'central', 'id')}"
        w.grant()

    def asks(self, name, *words):
        """Start a tool, and wait until it waits for the nameserver."""
        self.nameserver.setblocking(False)
        try:
            while self.nameserver.recv(512):  # what the one before has asked
                pass
        except BlockingIOError:
            pass
        process = self.w.start(name, *words)
        self.nameserver.settimeout(60)
        self.nameserver.recv(512)
        return process

    def test_a_signal_ends_whoever_waits(self):
        server = ("server", "server", "run", "--central", self.w.url, "--share", f"file={self.path}")
        for number in (signal.SIGTERM, signal.SIGINT):
            for words in (server, ("client", "client", "ping", "home"), ("client", "client", "network", "home"),
                          ("client", "client", "get", "home:file", self.w.folder)):
                with self.subTest(words=words, number=number):
                    process = self.asks("tool", *words)
                    begun = time.monotonic()
                    process.send_signal(number)
                    process.wait(timeout=60)
                    self.assertLess(time.monotonic() - begun, 10 if world.SANITIZED else 1)  # the resolver waits 30 s
                    self.assertNotIn("Sanitizer", self.w.log("tool"))

    def test_it_is_told_as_dns_with_the_name(self):
        done = self.w.run("client", "client", "ping", "home", "--within", "2s")
        self.assertEqual(done.returncode, NO_CENTRAL, done.stderr)
        self.assertIn("home: central.test: the name was not looked up", done.stderr)
        self.assertIn("/etc/resolv.conf", done.stderr)
        self.asks("server", "server", "server", "run", "--central", self.w.url, "--share", f"file={self.path}")
        self.w.wait_for("server", "central.test: the name was not looked up")
        self.assertEqual(self.w.stop("server"), 0)
        self.assertNotIn("warning", self.w.log("server").splitlines()[-1])


@unittest.skipUnless(os.geteuid() == 0, "needs root, to mount a small disk")
class StateFolder(unittest.TestCase):
    """One that holds nothing more, or cannot be written: the cause is said, nobody gets in by it, nothing is lost."""

    def setUp(self):
        self.w = world.World()
        self.addCleanup(self.w.__exit__)
        self.state = self.w.folder / "server"
        disk = world.Mounted(self.state, "size=128k,mode=700")
        self.addCleanup(disk.__exit__)
        if not disk.mounted:
            self.skipTest("no tmpfs can be mounted here")
        self.w.start_central()
        self.path = self.w.file("shared", 1000)
        self.w.grant("client", "--as", "laptop", "--for", "1h")
        self.other = self.w.text("client", "other", "id")

    def serve(self):
        self.w.start_server({"file": self.path})

    def server(self, *words):
        return self.w.run("server", "server", *words)

    def known(self):
        """{name: until}"""
        lines = self.w.text("server", "server", "grants", "--json").splitlines()
        return {one["name"]: one["until"] for one in map(json.loads, lines)}

    def cannot(self, why, *words):
        before = self.known()
        files = sorted(one.name for one in self.state.iterdir())
        done = self.server(*words)
        self.assertEqual(done.returncode, LOCAL, done.stderr)
        self.assertIn(why, done.stderr)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        self.assertEqual(done.stdout, b"")
        self.assertEqual(self.known(), before)
        self.assertEqual(sorted(one.name for one in self.state.iterdir()), files)

    def all_that_writes(self, why):
        self.cannot(why, "grant", self.other, "--central", self.w.url, "--service", "file:r", "--out", "-")
        self.cannot(why, "invite", "phone", "--central", self.w.url, "--service", "file:r")
        self.cannot(why, "renew", "laptop", "--for", "90d")

    def comes(self, client):
        return self.w.run("client", client, "ping", "home").returncode

    def test_a_full_one(self):
        self.serve()
        word = self.w.text("server", "server", "invite", "tablet", "--service", "file:r", "--lan")
        filler = self.state / "filler"
        with filler.open("wb", buffering=0) as out:
            with self.assertRaises(OSError):
                while True:
                    out.write(bytes(1024))
        self.all_that_writes("No space left on device")
        done = self.w.run("client", "other", "join", word, "--name", "home")
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        self.assertEqual(list(self.known()), ["laptop"])
        self.assertEqual(self.comes("client"), 0)
        self.assertNotEqual(self.comes("other"), 0)
        # one that starts cannot count its login, says so, and goes on to try
        self.w.stop("server")
        links = self.w.log("server").count("A linked to central")
        self.w.start("server", "server", "server", "run", "--central", self.w.url, "--share", f"file={self.path}")
        self.w.wait_for("server", "No space left on device")
        self.assertEqual(self.w.log("server").count("A linked to central"), links)
        filler.unlink()
        self.w.wait_for("server", "A linked to central", links + 1)
        done = self.w.run("client", "other", "join", word, "--name", "home")  # nobody has used it
        self.assertEqual(done.returncode, 0, done.stderr)
        for client in ("client", "other"):
            self.assertEqual(self.comes(client), 0)
        self.assertEqual(set(self.known()), {"laptop", "tablet"})

    def test_a_full_one_takes_grants_back(self):
        """What is to end ends, even where that cannot be kept as a list."""
        self.serve()
        filler = self.state / "filler"
        with filler.open("wb", buffering=0) as out:
            with self.assertRaises(OSError):
                while True:
                    out.write(bytes(1024))
        done = self.server("revoke", "laptop")
        self.assertIn(done.returncode, (0, LOCAL), done.stderr)
        self.assertEqual(self.comes("client"), REFUSED)
        filler.unlink()
        self.w.stop("server")
        self.serve()
        self.assertEqual(self.comes("client"), REFUSED)
        self.assertEqual(self.known(), {})

    def test_one_that_cannot_be_written(self):
        remount = ["mount", "-o", "remount,ro", self.state]
        subprocess.run(remount, check=True)
        self.all_that_writes("Read-only file system")
        self.cannot("Read-only file system", "revoke", "laptop")
        self.cannot("Read-only file system", "run", "--central", self.w.url, "--share", f"file={self.path}")
        self.assertEqual(list(self.known()), ["laptop"])
        remount[2] = "remount,rw"
        subprocess.run(remount, check=True)
        self.serve()
        self.assertEqual(self.comes("client"), 0)


if __name__ == "__main__":
    world.main()

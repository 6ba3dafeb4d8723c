# SPDX-License-Identifier: BSL-1.0
"""Folders arrive as they are: by each method, in constant memory, killed and taken up again, whatever is in them.

What liars on the wire say is tested closer to the wire: tests/services, tests/tools.
"""
import filecmp
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import world
from world import CUT_SHORT, DONE, REFUSED, USAGE

FILES = 10_000 if world.LONG else 300
LARGE = (5 << 30) if world.LONG else (48 << 20)
KILLS = 10 if world.LONG else 4
# kB at the most, for whatever is fetched; the windows of a fast path are most of it
MEMORY = 1_500_000 if world.SANITIZED else 100_000
ROOT = os.geteuid() == 0


def small_files(folder, count):
    """Folders of a hundred files each, of 0 to 2000 octets."""
    for i in range(count):
        if i % 100 == 0:
            inside = folder / f"folder {i // 100}"
            inside.mkdir(parents=True)
        (inside / f"file {i}").write_bytes(os.urandom(i % 2001))


def sparse_file(path, size):
    """Mostly holes, with random octets every 16 MiB: each place of it is told from each other."""
    with path.open("wb") as out:
        for place in range(0, size, 16 << 20):
            out.seek(place)
            out.write(os.urandom(min(4096, size - place)))
        out.truncate(size)


def same(a, b):
    """Whether two files have the same octets; by cmp, as Python is slow at gigabytes."""
    return subprocess.run(["cmp", "-s", a, b], check=False).returncode == 0


def roomy(size, otherwise):
    """A folder for so many octets: in memory where there is room, as this is no test of a disk."""
    memory = pathlib.Path("/dev/shm")
    try:
        free = os.statvfs(memory)
        if os.access(memory, os.W_OK) and free.f_bavail * free.f_frsize > 3 * size:
            return pathlib.Path(tempfile.mkdtemp(prefix="ajar-e2e-", dir=memory))
    except OSError:
        pass
    return otherwise


def halves(folder):
    return [one for one in folder.rglob(".ajar-*")]


class Folders(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.w = world.World()
        cls.shared = cls.w.folder / "shared"
        cls.shared.mkdir()
        cls.w.start_central()
        cls.w.grant(services=("all:r", "one:r"))
        cls.one = cls.w.file("one", 5000)
        cls.shares = {"all": cls.shared, "one": cls.one}
        cls.server = cls.w.start_server(cls.shares)

    @classmethod
    def tearDownClass(cls):
        cls.w.__exit__()

    def setUp(self):
        self.dest = self.w.folder / f"dest {self.id().split('.')[-1]}"

    def tearDown(self):
        shutil.rmtree(self.dest, ignore_errors=True)

    def there(self):
        """A folder in the share for this test, and what it is called at the server."""
        name = self.id().split("_", 1)[1]
        folder = self.shared / name
        folder.mkdir()
        return folder, f"home:all/{name}"

    def client(self, *words, code=DONE, **more):
        done = self.w.run("client", "client", *words, **more)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def get(self, *words, code=DONE):
        """@return the summary"""
        done = self.client("get", *words, "--json", code=code)
        lines = [json.loads(line) for line in done.stdout.decode().splitlines()]
        return (lines[-1] if lines else None), done.stderr, lines[:-1]

    def needs_mark(self, fetched):
        """Of what was fetched a mark is kept, where the filesystem has extended attributes."""
        try:
            os.getxattr(fetched, "user.ajar.fetched")
        except OSError:
            self.skipTest("no extended attributes here")

    def assert_same_tree(self, a, b):
        found = {one.relative_to(a) for one in a.rglob("*")}
        self.assertEqual(found, {one.relative_to(b) for one in b.rglob("*")})
        for one in found:
            self.assertEqual((a / one).stat().st_mtime_ns, (b / one).stat().st_mtime_ns, one)
            if (a / one).is_dir():
                self.assertTrue((b / one).is_dir())
                continue
            equal = same if (a / one).stat().st_size > 1 << 20 else lambda x, y: filecmp.cmp(x, y, shallow=False)
            self.assertTrue(equal(a / one, b / one), one)

    # ---- the main thing

    def test_by_each_method_in_constant_memory(self):
        folder, name = self.there()
        small_files(folder, FILES)
        (folder / "empty" / "deeper").mkdir(parents=True)
        sparse_file(folder / "large", LARGE)
        self.dest = roomy(LARGE, self.dest)
        large = LARGE
        for way in ("window", "window-reverse", "outbound"):
            self.w.stop("server")
            server = self.w.start_server(self.shares, "--mode", "outbound" if way == "outbound" else "window")
            command = self.w.command("client", "client", "get", name, self.dest, "--json", "--by", way, "--door",
                                     "127.0.0.1:0")
            begun = time.monotonic()
            with (self.w.folder / "said").open("wb") as said:
                client = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)
                _, status, usage = os.wait4(client.pid, 0)
                client.returncode = os.waitstatus_to_exitcode(status)
            lines = (self.w.folder / "said").read_text()
            self.assertEqual(client.returncode, DONE, lines[-2000:])
            summary = json.loads(lines.splitlines()[-1])
            self.assertEqual((summary["path"], summary["files"], summary["failed"]), (way, FILES + 1, 0))
            self.assert_same_tree(folder, self.dest / folder.name)
            self.assertEqual(halves(self.dest), [])
            state = pathlib.Path(f"/proc/{server.pid}/status").read_text()
            peak = next(int(line.split()[1]) for line in state.splitlines() if line.startswith("VmHWM:"))
            print(f"{way}: {FILES} files and {large >> 20} MiB in {summary['seconds']:.1f} s "
                  f"({time.monotonic() - begun:.1f} with the check); peak memory: client {usage.ru_maxrss} kB, server {peak} kB",
                  flush=True)
            self.assertLess(usage.ru_maxrss, MEMORY)
            self.assertLess(peak, MEMORY)
            shutil.rmtree(self.dest / folder.name)
            large = LARGE // 5  # the machine's time is everybody's
            sparse_file(folder / "large", large)
        self.w.stop("server")
        type(self).server = self.w.start_server(self.shares)
        shutil.rmtree(folder)

    def test_killed_at_random_and_taken_up_again(self):
        folder, name = self.there()
        small_files(folder, 200)
        size = (24 << 20) if world.SANITIZED else (200 << 20)
        self.w.file(folder / "large", size)
        self.dest = roomy(size, self.dest)
        seed = random.randrange(1 << 32)
        choose = random.Random(seed)
        victims = [choose.choice(["client", "server", "central"]) for _ in range(KILLS - 3)]
        victims += ["client", "server", "client"]  # each of them, and some in the end
        interrupted = 0
        for victim in victims:
            with self.subTest(seed=seed, victim=victim):
                command = self.w.command("client", "client", "get", name, self.dest, "--quiet", "--within", "20s",
                                         "--retry", "0s")
                before = sum(one.stat().st_size for one in self.dest.rglob("*") if one.is_file())
                client = subprocess.Popen(command, stderr=subprocess.PIPE)
                # some of it has to come; then at any moment
                until = time.monotonic() + 20
                while client.poll() is None and time.monotonic() < until:
                    try:
                        if sum(one.stat().st_size for one in self.dest.rglob("*") if one.is_file()) > before:
                            break
                    except OSError:  # renamed meanwhile
                        continue
                    time.sleep(0.002)
                time.sleep(choose.random() * (0.1 if world.SANITIZED else 0.06))
                if victim == "client":
                    client.kill()
                else:
                    self.w.stop(victim, signal.SIGKILL)
                said = client.stderr.read().decode()
                code = client.wait(timeout=60)
                client.stderr.close()
                interrupted += code != DONE
                self.assertIn(code, {DONE, -signal.SIGKILL, CUT_SHORT}, said)
                for one in folder.rglob("*"):
                    final = self.dest / folder.name / one.relative_to(folder)
                    if one.is_file() and final.exists():
                        self.assertEqual(final.stat().st_size, one.stat().st_size)  # nothing half has its name
                if victim == "central":
                    links = self.w.log("server").count("A linked to central")
                    self.w.start_central()
                    self.w.wait_for("server", "A linked to central", links + 1, 40)
                elif victim == "server":
                    type(self).server = self.w.start_server(self.shares)
                if code == DONE:  # a session outlives central: the next begins anew
                    self.assert_same_tree(folder, self.dest / folder.name)
                    shutil.rmtree(self.dest / folder.name)
        summary, _, _ = self.get(name, self.dest, "--verify", "--within", "20s")
        self.assert_same_tree(folder, self.dest / folder.name)
        self.assertEqual(halves(self.dest), [])
        print(f"killed {len(victims)} times, {interrupted} of them in the middle; the last run found "
              f"{summary['present']} files and {summary['resumed_octets']} octets of half files", flush=True)
        shutil.rmtree(folder)

    def test_one_get_over_several_sessions(self):
        """Its server is killed in mid-transfer, twice, and comes back: the same command has it all in the end."""
        folder, name = self.there()
        small_files(folder, 300)
        size = (48 << 20) if world.SANITIZED else (400 << 20)
        self.w.file(folder / "large", size)
        self.dest = roomy(size, self.dest)
        command = self.w.command("client", "client", "get", name, self.dest, "--json", "--within", "20s")
        client = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

        def octets():
            try:
                return sum(one.stat().st_blocks for one in self.dest.rglob("*") if one.is_file())
            except OSError:  # renamed meanwhile
                return 0

        killed = 0
        for _ in range(2):
            before, until = octets(), time.monotonic() + 60
            while client.poll() is None and octets() <= before and time.monotonic() < until:
                time.sleep(0.002)
            if client.poll() is not None:
                break
            self.w.stop("server", signal.SIGKILL)
            killed += 1
            type(self).server = self.w.start_server(self.shares)
        out, said = client.communicate(timeout=600)
        said = said.decode()
        self.assertEqual(client.returncode, DONE, said)
        self.assertEqual(said.count("connecting again"), killed, said)
        self.assertGreater(killed, 0)
        summary = json.loads(out.decode().splitlines()[-1])
        self.assertEqual((summary["done"], summary["files"], summary["failed"]), (True, 301, 0), said)
        self.assert_same_tree(folder, self.dest / folder.name)
        self.assertEqual(halves(self.dest), [])
        shutil.rmtree(folder)

    def test_a_client_that_was_stopped_for_longer_than_it_tries(self):
        """It has not tried yet: what counts is the time since it noticed."""
        folder, name = self.there()
        size = (48 << 20) if world.SANITIZED else (400 << 20)
        self.w.file(folder / "large", size)
        self.dest = roomy(size, self.dest)
        command = self.w.command("client", "client", "get", name, self.dest, "--within", "20s", "--retry", "1s")
        client = subprocess.Popen(command, stderr=subprocess.PIPE)
        until = time.monotonic() + 60
        while not halves(self.dest) and client.poll() is None and time.monotonic() < until:
            time.sleep(0.002)
        self.assertIsNone(client.poll())
        client.send_signal(signal.SIGSTOP)
        self.w.stop("server", signal.SIGKILL)
        time.sleep(2)
        type(self).server = self.w.start_server(self.shares)
        client.send_signal(signal.SIGCONT)
        said = client.communicate(timeout=600)[1].decode()
        self.assertEqual(client.returncode, DONE, said)
        self.assertIn("connecting again", said)
        self.assert_same_tree(folder, self.dest / folder.name)
        shutil.rmtree(folder)

    def test_half_a_file_is_gone_on_with(self):
        folder, name = self.there()
        path = self.w.file(folder / "large", 40 << 20)
        client = subprocess.Popen(self.w.command("client", "client", "get", f"{name}/large", f"{self.dest}/", "--quiet"))
        until = time.monotonic() + 20
        while not any(one.stat().st_size > 0 for one in halves(self.dest)) and time.monotonic() < until:
            pass
        client.kill()
        client.wait()
        there = halves(self.dest)
        if not there:
            self.skipTest("the file arrived before the signal")
        left = there[0].stat().st_size
        summary, _, files = self.get(f"{name}/large", f"{self.dest}/")
        self.assertEqual((summary["resumed_octets"], summary["octets"]), (left, (40 << 20) - left))
        self.assertEqual(files[0]["state"], "resumed")
        self.assertTrue(same(path, self.dest / "large"))
        # another file of that name: nothing of the half is used
        client = subprocess.Popen(self.w.command("client", "client", "get", f"{name}/large", f"{self.dest}/", "--quiet"))
        client.wait()
        os.rename(self.dest / "large", there[0])
        os.truncate(there[0], 1 << 20)
        path.write_bytes(os.urandom(3 << 20))
        summary, _, _ = self.get(f"{name}/large", f"{self.dest}/")
        self.assertEqual((summary["resumed_octets"], summary["octets"]), (0, 3 << 20))
        self.assertTrue(same(path, self.dest / "large"))
        self.assertEqual(halves(self.dest), [])

    def test_again_fetches_what_changed(self):
        folder, name = self.there()
        small_files(folder, 30)
        first, _, _ = self.get(name, self.dest)
        self.assertEqual((first["files"], first["present"]), (30, 0))
        (folder / "folder 0" / "file 7").write_bytes(b"new")
        (folder / "folder 0" / "added").write_bytes(b"added")
        second, _, files = self.get(name, self.dest)
        self.assertEqual((second["files"], second["present"], second["octets"]), (31, 29, 8))
        self.assertEqual({pathlib.Path(one["file"]).name for one in files if one["state"] == "fetched"},
                         {"file 7", "added"})
        self.assert_same_tree(folder, self.dest / folder.name)
        # what is in it, without itself
        self.get(name + "/", self.dest / "content")
        self.assert_same_tree(folder, self.dest / "content")

    def test_files_that_were_changed_here(self):
        """They stay, the rest comes; --force replaces them, --dry-run says so before."""
        folder, name = self.there()
        for one in ("a", "b", "c"):
            (folder / one).write_text(one)
        done = self.client("get", name, self.dest, "--dry-run")
        self.assertEqual(sorted(done.stdout.decode().splitlines()),
                         [f"{self.dest}/{folder.name}/{one}: would be fetched, 1 B" for one in ("a", "b", "c")])
        self.assertIn("nothing was fetched: 3 files", done.stderr)
        self.assertFalse(self.dest.exists())
        self.get(name, self.dest)
        into = self.dest / folder.name
        self.needs_mark(into / "a")
        (into / "a").write_text("own work")
        (folder / "a").write_text("new a")
        (folder / "b").write_text("new b")
        summary, said, _ = self.get(name, self.dest, "--dry-run", code=CUT_SHORT)
        self.assertEqual((summary["files"], summary["present"], summary["failed"]), (2, 1, 1))
        self.assertEqual((into / "b").read_text(), "b")
        summary, said, _ = self.get(name, self.dest, code=CUT_SHORT)
        self.assertEqual(len(said.splitlines()), 1, said)
        told = json.loads(said)
        self.assertEqual((told["about"], told["cause"]), (f"{into}/a", "destination_changed"))
        self.assertIn("--force", told["advice"])
        self.assertEqual((summary["files"], summary["present"], summary["failed"]), (2, 1, 1))
        self.assertEqual(((into / "a").read_text(), (into / "b").read_text()), ("own work", "new b"))
        self.get(name, self.dest, "--force")
        self.assert_same_tree(folder, into)

    def test_delete(self):
        """What is not there any more goes, if it was fetched; --force takes the rest, --dry-run tells it before."""
        folder, name = self.there()
        (folder / "gone").mkdir()
        (folder / "stays").mkdir()
        for one in ("a", "gone/b", "stays/c", "stays/d"):
            (folder / one).write_text(one)
        self.get(name, self.dest)
        into = self.dest / folder.name
        self.needs_mark(into / "a")
        elsewhere = self.w.folder / "elsewhere of delete"
        elsewhere.mkdir()
        (elsewhere / "precious").write_text("precious")
        (into / "link").symlink_to(elsewhere)
        (into / "mine").write_text("own work")
        (self.dest / "beside").write_text("own work")
        (into / "a").write_text("own work")
        shutil.rmtree(folder / "gone")
        for one in ("a", "stays/c"):
            (folder / one).unlink()
        summary, _, _ = self.get(name, self.dest)
        self.assertNotIn("removed", summary)
        done = self.client("get", name, self.dest, "--delete", "--dry-run")
        self.assertEqual(sorted(done.stdout.decode().splitlines()),
                         sorted(f"{into}/{one}: would be removed" for one in ("gone/b", "gone/", "stays/c")))
        self.assertIn("3 would be removed, 3 of your own would be kept", done.stderr)
        self.assertTrue((into / "gone" / "b").exists())
        summary, _, lines = self.get(name, self.dest, "--delete")
        self.assertEqual((summary["removed"], summary["kept"], summary["failed"]), (3, 3, 0))
        self.assertEqual({one.get("file", one.get("folder")) for one in lines if one["state"] == "removed"},
                         {f"{into}/{one}" for one in ("gone/b", "gone", "stays/c")})
        self.assertEqual({str(one.relative_to(into)) for one in into.rglob("*")}, {"a", "link", "mine", "stays", "stays/d"})
        self.assertEqual((into / "stays").stat().st_mtime_ns, (folder / "stays").stat().st_mtime_ns)
        summary, _, _ = self.get(name, self.dest, "--delete", "--force", "--exclude", "mine")
        self.assertEqual((summary["removed"], summary["kept"]), (2, 0))
        self.assertEqual((into / "mine").read_text(), "own work")
        self.get(name, self.dest, "--delete", "--force")
        self.assert_same_tree(folder, into)
        self.assertEqual((self.dest / "beside").read_text(), "own work")
        self.assertEqual((elsewhere / "precious").read_text(), "precious")
        # what could not be listed is not taken for gone
        (folder / "stays" / "d").unlink()
        summary, _, _ = self.get(name, "home:all/nowhere", self.dest, "--delete", code=CUT_SHORT)
        self.assertEqual(summary["removed"], 0)
        done = self.client("get", f"{name}/", "home:one", self.dest, "--delete", code=USAGE)
        self.assertIn("several sources", done.stderr)
        self.get(f"{name}/", into, "--delete")
        self.assert_same_tree(folder, into)

    def test_permission_bits_and_odd_times(self):
        folder, name = self.there()
        (folder / "secret").write_text("first")
        (folder / "program").write_text("run")
        (folder / "program").chmod(0o755)
        (folder / "late").write_text("late")
        os.utime(folder / "late", (10_000_000_000, 10_000_000_000))
        (folder / "old").mkdir()
        for one in (folder / "old", folder):
            os.utime(one, ns=(1_400_000_000_123_456_789, 1_400_000_000_123_456_789))
        self.get(name, self.dest)
        into = self.dest / folder.name
        self.assertTrue(os.access(into / "program", os.X_OK))
        self.assertEqual((into / "program").stat().st_mode & 0o111, 0o111 & ~self.umask())
        self.assertFalse((into / "secret").stat().st_mode & 0o111)
        self.assertEqual({one.stat().st_mtime_ns for one in (into, into / "old")}, {1_400_000_000_123_456_789})
        (into / "secret").chmod(0o600)
        (folder / "secret").write_text("second")
        summary, _, _ = self.get(name, self.dest)
        self.assertEqual((summary["files"], summary["present"]), (3, 2))
        self.assertEqual((into / "secret").read_text(), "second")
        self.assertEqual((into / "secret").stat().st_mode & 0o777, 0o600)

    @staticmethod
    def umask():
        mask = os.umask(0o077)
        os.umask(mask)
        return mask

    def test_verify(self):
        folder, name = self.there()
        path = self.w.file(folder / "file", 3_000_000)
        self.get(f"{name}/file", "home:one", self.dest, "--verify")
        self.assertTrue(same(path, self.dest / "file") and same(self.one, self.dest / "one"))
        # a bad disk: other octets, the same size and time
        times = path.stat()
        with (self.dest / "file").open("r+b") as damaged:
            damaged.seek(1000)
            damaged.write(b"damaged")
        os.utime(self.dest / "file", ns=(times.st_atime_ns, times.st_mtime_ns))
        summary, _, _ = self.get(f"{name}/file", f"{self.dest}/")
        self.assertEqual(summary["present"], 1)
        self.assertFalse(same(path, self.dest / "file"))
        summary, _, _ = self.get(f"{name}/file", f"{self.dest}/", "--verify")
        self.assertEqual(summary["present"], 0)
        self.assertTrue(same(path, self.dest / "file"))

    # ---- what is in a share

    def test_links_and_odd_names(self):
        folder, name = self.there()
        odd = [b"not \xff utf-8", "Gr\u00fc\u00dfe \U0001f600".encode(), b"line\nbreak", b"\x1b[31mred", b'quote"\\', b"-rf",
               b"%2e%2e", b" ", b"a" * 255]
        for one in odd:
            (folder / os.fsdecode(one)).write_bytes(one)
        (folder / "deep").mkdir()
        (folder / "deep" / "file").write_bytes(b"file")
        for link, to in (("out", "/etc/passwd"), ("up", "../../../../../../etc/passwd"), ("loop", "loop"),
                         ("folder", "deep"), ("outside", "/etc"), ("inside", "deep/file"),
                         ("magic", "/proc/self/environ")):
            (folder / link).symlink_to(to)
        summary, said, _ = self.get(name, self.dest)
        into = self.dest / folder.name
        self.assertEqual(summary["left_out"], 6, said)
        self.assertEqual({os.fsencode(one.name) for one in into.iterdir()}, {*odd, b"deep", b"inside"})
        for one in odd:
            self.assertEqual((into / os.fsdecode(one)).read_bytes(), one)
        self.assertEqual((into / "inside").read_bytes(), b"file")
        self.assertFalse((into / "inside").is_symlink())
        self.assertNotIn("\x1b", said)
        for link in ("out", "up", "loop", "magic", "outside/passwd"):
            self.client("cat", f"{name}/{link}", code=REFUSED)
        listed = self.client("ls", name).stdout.decode()
        self.assertIn("not \\xff utf-8\n", listed)
        self.assertIn("line\\x0abreak\n", listed)
        self.assertIn("Gr\u00fc\u00dfe \U0001f600\n", listed)
        self.assertNotIn("\x1b", listed)
        done = self.client("cat", f"{name}/not \udcff utf-8")
        self.assertEqual(done.stdout, b"not \xff utf-8")

    def test_what_is_not_there_or_no_file(self):
        folder, name = self.there()
        os.mkfifo(folder / "fifo")
        (folder / "file").write_bytes(b"file")
        if ROOT:
            os.mknod(folder / "zero", 0o666 | 0o020000, os.makedev(1, 5))
        for words, code, phrase in ((("cat", f"{name}/nowhere"), CUT_SHORT, "no such file"),
                                    (("ls", f"{name}/nowhere"), CUT_SHORT, "no such file"),
                                    (("ls", f"{name}/file/"), CUT_SHORT, "a file where a folder is needed"),
                                    (("cat", f"{name}/file/x"), CUT_SHORT, "a file where a folder is needed"),
                                    (("cat", f"{name}/fifo"), CUT_SHORT, "neither a file nor a folder"),
                                    (("cat", name), CUT_SHORT, "neither a file nor a folder"),
                                    (("get", f"{name}/nowhere", self.dest), CUT_SHORT, "no such file"),
                                    (("ls", "home:secret"), REFUSED, "does not include that service")):
            done = self.client(*words, code=code, timeout=60)
            self.assertIn(phrase, done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        summary, said, _ = self.get(name, "home:all/nowhere", "home:one", self.dest, code=CUT_SHORT)
        self.assertIn("no such file", said)
        self.assertEqual((summary["files"], summary["failed"], summary["left_out"]), (2, 1, 2 if ROOT else 1))
        self.assertEqual((self.dest / folder.name / "file").read_bytes(), b"file")
        self.assertTrue(same(self.one, self.dest / "one"))

    def test_a_share_that_goes_and_comes(self):
        away = self.shared.with_name("away")
        self.shared.rename(away)
        try:
            for _ in range(2):
                done = self.client("get", "home:all", self.dest, code=CUT_SHORT)
                self.assertIn("the server cannot read that share now", done.stderr)
        finally:
            away.rename(self.shared)
        self.client("ls", "home:all")
        self.w.wait_for("server", "a share is there again")
        self.assertEqual(self.w.log("server").count("a share is gone"), 1)

    def test_a_share_that_is_fetched_into_itself(self):
        folder, name = self.there()
        small_files(folder, 5)
        (folder / "copy").mkdir()
        _, said, _ = self.get(name, folder / "copy")
        self.assertIn("it is where all of it goes to", said)
        self.assertEqual(sorted(str(one.relative_to(folder / "copy")) for one in (folder / "copy").rglob("*") if one.is_file()),
                         [f"{folder.name}/folder 0/file {i}" for i in range(5)])
        shutil.rmtree(folder)

    def test_paths_that_are_none(self):
        for words in (("cat", "home:all/../one"), ("get", "home:all//x", "."), ("ls", "home:/etc"),
                      ("ls", "home:all/./x"), ("get", "home:", "."), ("get", "home:one"), ("get", "home:one", ""),
                      ("get", "home:one", "away:one", "."), ("get", "home:one", "home:all/one", "."),
                      ("get", "home:one", "home:all/x", "-"), ("cat", "home:all/"), ("get", "home:one", "x", "--parallel", "0")):
            done = self.client(*words, code=USAGE)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)

    def test_ls(self):
        folder, name = self.there()
        (folder / "b" / "empty").mkdir(parents=True)
        (folder / "b" / "file").write_bytes(b"12345")
        (folder / "a").write_bytes(b"")
        (folder / "l").symlink_to("a")
        os.utime(folder / "a", (784111777, 784111777))
        self.assertEqual(self.client("ls", name).stdout, b"a\nb/\nl\n")
        self.assertEqual(self.client("ls", "-R", name).stdout, b"a\nb/\nb/empty/\nb/file\nl\n")
        self.assertEqual(self.client("ls", f"{name}/b/empty").stdout, b"")
        self.assertEqual(self.client("ls", f"{name}/b/file").stdout, b"file\n")
        self.assertEqual(self.client("ls", "home").stdout, b"all/\none\n")
        long = self.client("ls", "-l", name, env=dict(os.environ, TZ="UTC0")).stdout.decode().splitlines()
        self.assertEqual([one.split() for one in long],
                         [["0", "1994-11-06", "08:49", "a"], ["folder", "b/"], ["0", "1994-11-06", "08:49", "l", "->", "file"]])
        for zone, hour in (("CET-1", "09:49"), ("Asia/Tokyo", "17:49")):  # the latter's file is read before the fence
            if "/" in zone and not pathlib.Path("/usr/share/zoneinfo", zone).exists():
                continue
            done = self.client("ls", "-l", f"{name}/a", env=dict(os.environ, TZ=zone))
            self.assertEqual(done.stdout.split(), [b"0", b"1994-11-06", hour.encode(), b"a"])
        (folder / "b" / "large").write_bytes(bytes(1_500_000))
        human = self.client("ls", "--human", f"{name}/b").stdout.decode().splitlines()
        self.assertEqual([one.split()[:2] for one in human], [["folder", "empty/"], ["5", "B"], ["1.5", "MB"]])
        (folder / "b" / "large").unlink()
        lines = [json.loads(line) for line in self.client("ls", "-R", "--json", name).stdout.decode().splitlines()]
        self.assertEqual([(one["path"], one["type"], one.get("size")) for one in lines],
                         [("a", "file", 0), ("b", "folder", None), ("b/empty", "folder", None), ("b/file", "file", 5),
                          ("l", "link", 0)])

    def test_a_reader_that_goes_away(self):
        with subprocess.Popen(self.w.command("client", "client", "cat", "home:all/large for head"),
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as client:
            sparse_file(self.shared / "large for head", 100 << 20)
            client.stdout.read(10)
            client.stdout.close()
            self.assertNotEqual(client.wait(timeout=60), None)
        self.assertEqual(self.client("get", "home:one", "-").stdout, self.one.read_bytes())

    def test_files_that_change_meanwhile(self):
        folder, name = self.there()
        size = (16 << 20) if world.SANITIZED else (256 << 20)
        for change in ("shrinks", "grows", "is rewritten"):
            path = self.w.file(folder / "file", size)
            with subprocess.Popen(self.w.command("client", "client", "cat", f"{name}/file"), stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE) as client:
                client.stdout.read(1 << 20)
                self.alter(path, change)
                client.stdout.read()
                said = client.stderr.read().decode()
                self.assertEqual(client.wait(timeout=60), CUT_SHORT, said)
            self.assertIn("before its announced length" if change == "shrinks" else "changed while it was fetched", said)
            # get begins again by itself
            path = self.w.file(folder / "file", size)
            client = subprocess.Popen(self.w.command("client", "client", "get", f"{name}/file", f"{self.dest}/"),
                                      stderr=subprocess.PIPE)
            until = time.monotonic() + 20
            while not halves(self.dest) and client.poll() is None and time.monotonic() < until:
                pass
            self.alter(path, change)
            said = client.stderr.read().decode()
            client.stderr.close()
            self.assertEqual(client.wait(timeout=60), DONE, f"{change}: {said}")
            self.assertTrue(same(path, self.dest / "file"), change)
            self.assertEqual(halves(self.dest), [])

    def test_snapshot_of_a_file_that_grows(self):
        folder, name = self.there()
        size = (16 << 20) if world.SANITIZED else (256 << 20)
        path = self.w.file(folder / "log", size)
        client = subprocess.Popen(self.w.command("client", "client", "get", f"{name}/log", f"{self.dest}/", "--snapshot"),
                                  stderr=subprocess.PIPE)
        until = time.monotonic() + 20
        while client.poll() is None and time.monotonic() < until:
            if halves(self.dest):
                self.alter(path, "grows")
            time.sleep(0.001)
        said = client.stderr.read().decode()
        client.stderr.close()
        self.assertEqual(client.wait(timeout=60), DONE, said)
        self.assertGreater(path.stat().st_size, size)
        self.assertEqual((self.dest / "log").stat().st_size, size)
        self.assertEqual(subprocess.run(["cmp", "-s", "-n", str(size), path, self.dest / "log"], check=False).returncode, 0)
        self.assertEqual(halves(self.dest), [])
        self.get(f"{name}/log", f"{self.dest}/", "--snapshot")
        self.assertTrue(same(path, self.dest / "log"))

    @staticmethod
    def alter(path, how):
        if how == "shrinks":
            os.truncate(path, path.stat().st_size // 4)
        elif how == "grows":
            with path.open("ab") as out:
                out.write(b"more")
        else:
            with path.open("r+b") as out:
                out.write(b"other")

    # ---- where it goes

    def test_a_full_disk(self):
        if not ROOT:
            self.skipTest("needs root, to mount a small disk")
        folder, name = self.there()
        self.w.file(folder / "large", 4 << 20)
        (folder / "a small one").write_bytes(b"small")
        with world.Mounted(self.dest, "size=1m") as disk:
            if not disk.mounted:
                self.skipTest("no tmpfs can be mounted here")
            summary, said, _ = self.get(name, self.dest, code=CUT_SHORT)
            complaint = json.loads(said)  # one
            self.assertEqual((complaint["cause"], complaint["known"]), ("destination_unusable", "No space left on device"))
            self.assertFalse(summary["done"])
            self.assertFalse((self.dest / folder.name / "large").exists())
            self.assertEqual(len(halves(self.dest)), 1)
            subprocess.run(["mount", "-o", "remount,size=8m", self.dest], check=True)
            summary, _, _ = self.get(name, self.dest)
            self.assertGreater(summary["resumed_octets"], 0)
            self.assert_same_tree(folder, self.dest / folder.name)

    def test_a_destination_that_cannot_be_written(self):
        done = self.client("get", "home:one", self.dest / "none" / "one", code=CUT_SHORT)
        self.assertIn("the destination cannot be written (No such file or directory)", done.stderr)
        done = self.client("get", "home:one", "home:all", self.one, code=CUT_SHORT)
        self.assertIn("is a file, and a folder is needed", done.stderr)
        self.assertFalse(self.dest.exists())
        if ROOT:
            with world.Mounted(self.dest, "size=1m,ro") as disk:
                if disk.mounted:
                    done = self.client("get", "home:one", self.dest, code=CUT_SHORT)
                    self.assertIn("the destination cannot be written (Read-only file system)", done.stderr)
        else:
            self.dest.mkdir(mode=0o555)
            done = self.client("get", "home:one", self.dest, code=CUT_SHORT)
            self.assertIn("the destination cannot be written (Permission denied)", done.stderr)
            self.assertEqual(list(self.dest.iterdir()), [])

    def test_planted_links(self):
        folder, name = self.there()
        (folder / "deep").mkdir()
        (folder / "deep" / "file").write_bytes(b"from the share")
        (folder / "file").write_bytes(b"from the share")
        (folder / "occupied").write_bytes(b"from the share")
        elsewhere = self.w.folder / "elsewhere"
        elsewhere.mkdir()
        victim = elsewhere / "victim"
        victim.write_bytes(b"precious")
        into = self.dest / folder.name
        into.mkdir(parents=True)
        (into / "deep").symlink_to(elsewhere)
        (into / "file").symlink_to(victim)
        (into / "occupied").mkdir()
        summary, said, _ = self.get(name, self.dest, code=CUT_SHORT)
        self.assertEqual(list(elsewhere.iterdir()), [victim])
        self.assertEqual(victim.read_bytes(), b"precious")
        self.assertFalse((into / "file").is_symlink())
        self.assertEqual((into / "file").read_bytes(), b"from the share")
        self.assertIn("deep", said)
        self.assertIn("Is a directory", said)
        self.assertEqual(summary["files"], 1)
        # the destination itself may be a link: its user named it
        (self.w.folder / "by a link").symlink_to(elsewhere)
        self.get("home:one", self.w.folder / "by a link")
        self.assertTrue(same(self.one, elsewhere / "one"))

    def test_interrupted_by_a_signal(self):
        sparse_file(self.shared / "large to interrupt", 200 << 20)
        client = subprocess.Popen(self.w.command("client", "client", "get", "home:all/large to interrupt", f"{self.dest}/"),
                                  stderr=subprocess.PIPE)
        until = time.monotonic() + 20
        while not halves(self.dest) and client.poll() is None and time.monotonic() < until:
            pass
        client.send_signal(signal.SIGINT)
        said = client.stderr.read().decode()
        client.stderr.close()
        self.assertEqual(client.wait(timeout=60), CUT_SHORT, said)
        self.assertIn("interrupted: the same command goes on", said)
        self.get("home:all/large to interrupt", f"{self.dest}/")
        self.assertTrue(same(self.shared / "large to interrupt", self.dest / "large to interrupt"))


if __name__ == "__main__":
    world.main()

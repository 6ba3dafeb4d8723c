# SPDX-License-Identifier: BSL-1.0
"""The systemd units: how exposed they leave a machine, and that the tools make no system call which they forbid."""
import pathlib
import re
import shutil
import subprocess
import unittest

import world

UNITS = pathlib.Path(__file__).resolve().parent.parent.parent / "packaging" / "systemd"
TOOLS = ("central", "server", "client")
WORST = 20  # tenths of what 'systemd-analyze security' calls the exposure


def analyze(*words):
    return subprocess.run(["systemd-analyze", *words], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def group(name):
    """The system calls of a group: systemd.exec(5), SystemCallFilter=."""
    calls = set()
    for line in map(str.strip, analyze("syscall-filter", name).stdout.splitlines()[1:]):
        if line.startswith("@"):
            calls |= group(line)
        elif line and not line.startswith("#"):
            calls.add(line)
    return calls


def permitted(unit):
    """What a unit's SystemCallFilter lines leave."""
    calls = set()
    for words in re.findall(r"^SystemCallFilter=(.*)$", (UNITS / unit).read_text(), re.M):
        named = set()
        for word in words.lstrip("~").split():
            named |= group(word) if word.startswith("@") else {word}
        calls = calls - named if words.startswith("~") else calls | named
    return calls


@unittest.skipUnless(shutil.which("systemd-analyze"), "the system has no systemd-analyze")
class Units(unittest.TestCase):
    def test_exposure(self):
        for tool in TOOLS:
            done = analyze("security", "--offline=true", f"--threshold={WORST}", UNITS / f"ajar-{tool}.service")
            self.assertEqual(done.returncode, 0, done.stdout)

    def test_they_are_units(self):
        for path in UNITS.glob("*.[st]*[er]"):
            said = analyze("verify", path).stdout.splitlines()
            # the tools are not installed where the tests run
            ours = [line for line in said if "ajar" in line and "is not executable" not in line]
            self.assertEqual(ours, [])

    @unittest.skipIf(world.SANITIZED, "sanitizers make system calls of their own")
    def test_system_calls(self):
        with world.World() as w:
            def traced(name):
                return ("strace", "-D", "-f", "-qq", "-o", str(w.folder / f"{name}.calls"))

            def used(name):
                calls = set(re.findall(r"^\d+ +(\w+)\(", (w.folder / f"{name}.calls").read_text(), re.M))
                self.assertIn("connect", calls)
                return calls

            w.start_central(wrap=traced("central"))
            path = w.file("notes", 100_000)
            w.start_server({"file": path}, wrap=traced("server"))
            invite = w.text("server", "server", "invite", "laptop", "--service", "file:r", "--lan")
            for way in ("window", "crossing", "window-reverse", "outbound"):
                words = ["--door", "127.0.0.1:0"] if way == "outbound" else []
                if way == "window":
                    w.text("client", "client", "join", invite)
                get = w.command("client", "client", "get", "--by", way, *words, "server:file", str(w.folder / way))
                done = subprocess.run([*traced(f"client-{way}"), *get], stderr=subprocess.PIPE, text=True)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(used(f"client-{way}") - permitted("ajar-client.service"), set(), way)
            self.assertEqual(w.stop("server"), 0)
            self.assertEqual(used("server") - permitted("ajar-server.service"), set())
            self.assertEqual(w.stop("central"), 0)
            self.assertEqual(used("central") - permitted("ajar-central.service"), set())


if __name__ == "__main__":
    world.main()

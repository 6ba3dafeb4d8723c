# SPDX-License-Identifier: BSL-1.0
"""A central, a server and clients as real processes on loopback: what the end-to-end tests share.

Each test file is run as `python3 FILE TOOLS` by meson; TOOLS is the folder with the three tools.
"""
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

TOOLS = pathlib.Path(sys.argv.pop(1)).resolve() if len(sys.argv) > 1 else pathlib.Path("build/release/examples").resolve()
# Sanitizers make the tools several times slower and larger.
SANITIZED = os.environ.get("AJAR_SANITIZED") == "1"

# Sizes and counts that take minutes: ./dev test --long, ./dev test-gcc --long
LONG = os.environ.get("AJAR_LONG") == "1"

# What --help says about exit codes.
DONE, USAGE, LOCAL, NO_CENTRAL, REFUSED, NOT_REACHED, CUT_SHORT = 0, 2, 3, 4, 5, 6, 7


os.environ["XDG_CONFIG_HOME"] = "/nonexistent"  # no settings of whoever runs the tests
os.environ.pop("AJAR_CONFIG", None)
os.environ.pop("AJAR_CENTRAL", None)
os.umask(0o022)  # what a group may write is refused


class World:
    """Processes in a folder of their own; all are gone when it ends."""

    def __init__(self, network=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ajar-e2e-"))
        self.prefix = network or []
        self.running = {}
        self.url = None
        self.central_port = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in list(self.running.values()):
            process.kill()
            process.wait()
        shutil.rmtree(self.folder)

    def command(self, tool, state, *words):
        return [*self.prefix, str(TOOLS / f"ajar-{tool}"), *map(str, words), "--state", str(self.folder / state)]

    def run(self, tool, state, *words, timeout=180, **more):
        """Run to its end: a CompletedProcess with octets in stdout and text in stderr."""
        done = subprocess.run(self.command(tool, state, *words), capture_output=True, timeout=timeout, **more)
        done.stderr = done.stderr.decode()
        if "Sanitizer" in done.stderr or "runtime error" in done.stderr:
            raise AssertionError(done.stderr)
        return done

    def text(self, tool, state, *words):
        done = self.run(tool, state, *words)
        if done.returncode != 0:
            raise AssertionError(f"{words}: {done.returncode}: {done.stderr}")
        return done.stdout.decode().strip()

    def log(self, name):
        return (self.folder / f"{name}.log").read_text()

    def start(self, name, tool, state, *words, wrap=()):
        """A process that stays; what it prints goes to NAME.log."""
        if "run" in words and "--log" not in words:
            words = (*words, "--log", "text")  # as people watch it: what the tests wait for
        left = self.running.get(name)
        if left and left.poll() is None:  # by a test that failed half-way
            left.kill()
            left.wait()
        command = [*wrap, *self.command(tool, state, *words)]
        with (self.folder / f"{name}.log").open("a") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        self.running[name] = process
        return process

    def wait_for(self, name, text, count=1, seconds=60):
        until = time.monotonic() + seconds
        while self.log(name).count(text) < count:
            if time.monotonic() > until:
                raise AssertionError(f"{name} never said '{text}':\n{self.log(name)}")
            time.sleep(0.005)

    def stop(self, name, how=signal.SIGTERM):
        """End a process; @return its exit code. By SIGTERM it must end by itself."""
        process = self.running.pop(name)
        process.send_signal(how)
        code = process.wait(timeout=60)
        if "Sanitizer" in self.log(name) or "runtime error" in self.log(name):
            raise AssertionError(self.log(name))
        return code

    def stop_quietly(self, name):
        """The same for one that left no log."""
        process = self.running.pop(name)
        process.send_signal(signal.SIGTERM)
        return process.wait(timeout=60)

    # ---- the usual three

    def start_central(self, *words, name="central", wrap=()):
        """At the same port and with the same key each time."""
        admitted = self.folder / "admitted"
        if not admitted.exists():
            admitted.write_text(self.text("server", "server", "id") + "\n")
        before = self.log(name).count("ajar://") if (self.folder / f"{name}.log").exists() else 0
        if not words:
            words = ("--admit", admitted)
        while True:
            # no port of outgoing connections: one of those may have it when central comes back
            port = self.central_port or random.randrange(20_000, 30_000)
            process = self.start(name, "central", "central", "run", "--listen", f"127.0.0.1:{port}", *words, wrap=wrap)
            until = time.monotonic() + 60
            while process.poll() is None and self.log(name).count("ajar://") <= before and time.monotonic() < until:
                time.sleep(0.005)
            if self.log(name).count("ajar://") > before:
                break
            if self.central_port or "that local address or port cannot be used" not in self.log(name):
                raise AssertionError(f"{name} does not run:\n{self.log(name)}")
        self.url = re.findall(r"ajar://\S+", self.log(name))[-1]
        self.central_port = int(self.url.split(":")[2].split("/")[0])

    def start_server(self, shares, *words, name="server", wrap=()):
        before = self.log(name).count("linked to central") if (self.folder / f"{name}.log").exists() else 0
        options = [word for share, path in shares.items() for word in ("--share", f"{share}={path}")]
        process = self.start(name, "server", "server", "run", "--central", self.url, *options, *words, wrap=wrap)
        self.wait_for(name, "A linked to central", before + 1) if "--json" not in words else None
        return process

    def wait_for_network(self, name="server"):
        """Until a server has learned how it looks from outside, which it begins with when it is linked."""
        until = time.monotonic() + 60
        while not any(json.loads(self.text("server", name, "status", "--json"))["network"].values()):
            if time.monotonic() > until:
                raise AssertionError(f"{name} has not learned how it looks from outside:\n{self.log(name)}")
            time.sleep(0.02)

    def grant(self, client="client", *words, server="server", name="home", services=("file:r",)):
        """Grant, hand over, and import; @return the grant's file."""
        out = self.folder / f"{client}.{name}.given"
        options = [word for one in services for word in ("--service", one)]
        self.text("server", server, "grant", self.text("client", client, "id"), "--central", self.url, *options, "--lan",
                  "--name", name, "--out", out, *words)
        self.text("client", client, "add", out)
        return out

    def file(self, name, size):
        """A file of random octets."""
        path = self.folder / name
        with path.open("wb") as out:
            while size > 0:
                piece = os.urandom(min(size, 1 << 20))
                out.write(piece)
                size -= len(piece)
        return path


class Reader:
    """A fetch that goes on until it is let: its output is taken by hand."""

    def __init__(self, w, *words, client="client", what="home:file"):
        self.process = subprocess.Popen(w.command("client", client, "cat", what, *words), stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        self.taken = [self.process.stdout.read(1 << 20)]

    def take(self):
        """All the rest."""
        while piece := self.process.stdout.read(1 << 20):
            self.taken.append(piece)

    def finish(self):
        self.take()
        with self.process.stdout, self.process.stderr:
            said = self.process.stderr.read().decode()
        return b"".join(self.taken), said, self.process.wait(timeout=60)


class Mounted:
    """A small tmpfs."""

    def __init__(self, at, options):
        self.at = at
        at.mkdir()
        self.mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", at], capture_output=True,
                                      check=False).returncode == 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.mounted:
            subprocess.run(["umount", "-l", self.at], check=True)


def memory(process):
    """Of what the process has in memory now, in kB."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")))


def sockets_of(process):
    """The TCP sockets of a process: a list of (state, local, remote), as the kernel tells."""
    inodes = set()
    try:
        for fd in pathlib.Path(f"/proc/{process.pid}/fd").iterdir():
            try:
                target = os.readlink(fd)
            except OSError:
                continue
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    except OSError:
        return []
    found = []
    for table in ("tcp", "tcp6"):
        for line in pathlib.Path(f"/proc/{process.pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[9] in inodes:
                found.append((int(fields[3], 16), fields[1], fields[2]))
    return found


def unsent(connections):
    """Octets that the kernel goes on to send on these (state, local, remote), whoever holds them, or nobody any more."""
    pairs = {(local, remote) for _, local, remote in connections}
    count = 0
    for table in ("tcp", "tcp6"):
        for line in pathlib.Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if (fields[1], fields[2]) in pairs:
                count += int(fields[4].split(":")[0], 16)
    return count


ESTABLISHED = 0x01
LISTEN = 0x0A


def listening(process):
    return sum(1 for state, _, _ in sockets_of(process) if state == LISTEN)


def main():
    unittest.main(verbosity=1)

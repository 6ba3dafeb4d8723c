# SPDX-License-Identifier: BSL-1.0
"""The server's account of its ports agrees with what strace saw: listen(), one accept, close(), the time between them.

A traced server is late now and then, and a port of it misses the client, who comes to the next, or asks again.
"""
import json
import re
import shutil
import time
import unittest

import world

WINDOWS = 20


class Exposure(unittest.TestCase):
    def test_reports_agree_with_the_system_calls(self):
        if not shutil.which("strace"):
            self.skipTest("strace is not installed")
        with world.World() as w:
            w.start_central()
            path = w.file("shared", 1000)
            w.grant("client", "--windows", "1000")
            trace = w.folder / "trace"
            options = ["strace", "-D", "-f", "-T", "--absolute-timestamps=format:unix,precision:ns", "-e",
                       "trace=listen,accept,accept4,close", "-o", str(trace)]
            if world.SANITIZED:
                self.skipTest("LeakSanitizer does not work under strace; the release build runs this")
            server = w.start_server({"file": path}, "--mode", "window", wrap=options)
            for _ in range(WINDOWS):
                done = w.run("client", "client", "ping", "home", "--by", "window", "--json")
                if done.returncode != 0 and "PTRACE" in w.log("server"):
                    self.skipTest("no process may be traced here")
                self.assertEqual(done.returncode, 0, done.stderr)
                report = json.loads(done.stdout)["window"]
                self.assertGreaterEqual(report["listeners"], 1)
                self.assertGreater(report["exposure_ns"], 0)
            self.assertIsNotNone(server.pid)
            account = json.loads(w.text("server", "server", "status", "--json"))["exposure"]["total"]
            seen = []
            until = time.monotonic() + 60
            while len(seen) < account["listeners"] and time.monotonic() < until:  # strace writes when it likes
                time.sleep(0.05)
                seen, left = self.windows(trace.read_text())
            self.assertEqual((len(seen), left), (account["listeners"], 0), trace.read_text()[-1500:])
            self.assertGreaterEqual(sum(accepted for _, accepted in seen), WINDOWS)
            self.assertLessEqual(max(accepted for _, accepted in seen), 1)
            between = sum(open_for for open_for, _ in seen)
            # what is told begins before listen() and ends after close(), so it is never shorter than what the kernel did;
            # tracing adds its own stops, and a busy machine longer ones
            self.assertGreaterEqual(account["ns"] / 1e9, between * 0.98)
            self.assertLess(account["ns"] / 1e9, between + 0.25 * len(seen))

    @staticmethod
    def windows(text):
        """[(seconds from entering listen() to leaving close(), successful accepts between)], and how many are open."""
        opened, closed = {}, []
        for line in text.splitlines():
            call = re.match(r"\d+\s+(\d+\.\d+) (\w+)\((\d+).*\)\s+= (-?\d+).*<([\d.]+)>", line)
            if not call:
                continue
            at, name, fd, result, took = call.groups()
            if name == "listen":
                opened[fd] = [float(at), 0]
            elif name.startswith("accept") and fd in opened and int(result) >= 0:
                opened[fd][1] += 1
            elif name == "close" and fd in opened:
                begun, accepted = opened.pop(fd)
                closed.append((float(at) + float(took) - begun, accepted))
        return closed, len(opened)


if __name__ == "__main__":
    world.main()

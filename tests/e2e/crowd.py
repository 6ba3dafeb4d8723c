# SPDX-License-Identifier: BSL-1.0
"""Two hundred clients (forty under sanitizers), from addresses all over 127.0.0.0/8, fetch by window at the same time; all succeed."""
import concurrent.futures
import unittest

import world

CLIENTS = 40 if world.SANITIZED else 200  # sanitized, a process takes a third of a second to begin; central waits 10 s


class Crowd(unittest.TestCase):
    def test_all_succeed(self):
        with world.World() as w:
            w.start_central()
            path = w.file("shared", 300_000)
            names = [f"client{i}" for i in range(CLIENTS)]
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                list(pool.map(w.grant, names))
            # all at one moment on two cores: their ports are open for longer than any network keeps them
            w.start_server({"file": path}, "--mode", "window", "--listening", "600000")

            def fetch(index):
                source = f"127.{1 + index % 200}.{index // 7}.{1 + index % 250}"
                return w.run("client", names[index], "cat", "home:file", "--by", "window", "--from", source, "--within", "120s")

            with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
                all_done = list(pool.map(fetch, range(CLIENTS)))
            failed = [done.stderr for done in all_done if done.returncode != 0]
            self.assertEqual(failed, [])
            self.assertTrue(all(done.stdout == path.read_bytes() for done in all_done))
            self.assertEqual(w.stop("server"), 0)
            self.assertEqual(w.stop("central"), 0)

    def test_commands_of_one_client_take_turns(self):
        with world.World() as w:
            w.start_central()
            path = w.file("shared", 300_000)
            w.grant()
            w.start_server({"file": path})

            def fetch(_):
                return w.run("client", "client", "cat", "home:file", "--within", "120s")

            with concurrent.futures.ThreadPoolExecutor(12) as pool:
                all_done = list(pool.map(fetch, range(12)))
            self.assertEqual([done.stderr for done in all_done if done.returncode != 0], [])
            self.assertTrue(all(done.stdout == path.read_bytes() for done in all_done))


if __name__ == "__main__":
    world.main()

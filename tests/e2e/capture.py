# SPDX-License-Identifier: BSL-1.0
"""All that crosses the network during a fetch by each path: nothing of it says who, what, or for whom.

Runs in a network namespace of its own, where it may listen to everything; skipped, saying so, where the system lets it
make none.
"""
import base64
import ctypes
import fcntl
import os
import socket
import struct
import sys
import threading
import time
import unittest

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
ARGUMENTS = list(sys.argv)
import world  # noqa: E402  (takes its argument away)

SERVER, CLIENT = "127.0.0.2", "127.0.0.3"


def own_network():
    """Enter a new network namespace and bring its loopback up. @return why not, or None"""
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    if user == 0:
        if libc.unshare(CLONE_NEWNET) != 0:
            return os.strerror(ctypes.get_errno())
    else:
        if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
            return os.strerror(ctypes.get_errno())
        for name, content in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(content)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH14x", b"lo", 1 | 64)  # IFF_UP, IFF_RUNNING
        fcntl.ioctl(control, 0x8914, request)            # SIOCSIFFLAGS
    return None


class Wire(threading.Thread):
    """Every IPv4 TCP segment on loopback, until stopped: SYNs, and the octets of each direction of each connection."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
        self.socket.bind(("lo", 0))
        self.socket.settimeout(0.1)
        self.ended = False
        self.flows, self.syns, self.packets = {}, [], 0
        self.start()

    def run(self):
        while not self.ended:
            try:
                packet, about = self.socket.recvfrom(1 << 17)
            except TimeoutError:
                continue
            if about[2] == 4 or packet[12:14] != b"\x08\x00" or packet[23] != 6:  # outgoing copies; not IPv4; not TCP
                continue
            self.packets += 1
            ip = packet[14:]
            tcp = ip[(ip[0] & 15) * 4:struct.unpack("!H", ip[2:4])[0]]
            source, target = socket.inet_ntoa(ip[12:16]), socket.inet_ntoa(ip[16:20])
            ports = struct.unpack("!HH", tcp[:4])
            if tcp[13] & 0x12 == 0x02:
                self.syns.append((source, target, ports[1]))
            octets = tcp[(tcp[12] >> 4) * 4:]
            self.flows.setdefault((source, ports[0], target, ports[1]), bytearray()).extend(octets)

    def stop(self):
        time.sleep(0.2)
        self.ended = True
        self.join()
        self.socket.close()


def forms(octets):
    """How octets could be written."""
    plain = base64.b32encode(octets).decode().rstrip("=").lower()
    yield octets
    yield plain.encode()
    yield octets.hex().encode()


class Capture(unittest.TestCase):
    def test_nothing_is_told(self):
        why = own_network()
        if why:
            self.skipTest(f"no network namespace of one's own: {why}")
        content = b"the treasure is buried beneath the third palm; " * 4000
        with world.World() as w:
            w.start_central()
            path = w.folder / "palm-island.txt"
            path.write_bytes(content)
            given = w.grant("client", services=("treasure-map:r",), name="island")
            secrets = [("the share's name", b"treasure-map"), ("the server's name", b"island"), ("the file's name", b"palm-island"),
                       ("the content", content[:40]), ("its middle", content[100_000:100_040])]
            for who in ("server", "client", "central"):
                text = w.text(who, who, "id")
                raw = base64.b32decode(text.replace("-", "").upper() + "====")
                secrets += [(f"the {who}'s id", form) for form in (*forms(raw), text.encode())]
            grant = next(line[6:] for line in given.read_text().splitlines() if line.startswith("grant "))
            octets = base64.b32decode(grant.upper() + "=" * (-len(grant) % 8))
            for part in (octets[1:33], octets[33:49], octets[49:81], octets[-64:]):  # key, grant id, client, signature
                secrets += [("a part of the grant", form) for form in forms(part)]
            domains = [b"ajar grant", b"ajar window", b"ajar address", b"ajar auth"]
            secrets += [("a statement's domain", domain) for domain in domains]

            wire = Wire()
            for mode, ways in (("window", ("window", "window-reverse")), ("outbound", ("outbound",))):
                before = len(wire.syns)
                w.start_server({"treasure-map": path}, "--mode", mode, "--from", SERVER)
                for way in ways:
                    done = w.run("client", "client", "cat", "island:treasure-map", "--by", way, "--from", CLIENT, "--door",
                                 f"{CLIENT}:0")
                    self.assertEqual((done.returncode, done.stdout), (0, content), done.stderr)
                self.assertEqual(w.stop("server"), 0)
                time.sleep(0.3)
                between = [(source, target) for source, target, _ in wire.syns[before:] if {source, target} == {SERVER, CLIENT}]
                if mode == "outbound":
                    self.assertEqual(set(between), {(SERVER, CLIENT)})
                else:
                    self.assertEqual(set(between), {(SERVER, CLIENT), (CLIENT, SERVER)})
            wire.stop()
            everything = [bytes(octets) for octets in wire.flows.values()]
            # the capture must be able to see: the protocol's name is in every first TLS message, and the file was sent thrice
            self.assertTrue(any(b"ajar-session/1" in octets for octets in everything))
            self.assertGreater(sum(map(len, everything)), 3 * len(content))
            for what, secret in secrets:
                self.assertFalse(any(secret in octets for octets in everything), what)


if __name__ == "__main__":
    world.main()

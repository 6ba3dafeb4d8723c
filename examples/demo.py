#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""The main job, once by every way, with three processes on loopback: ./dev demo [FOLDER]

demo.py TOOLS [FOLDER|FILE]    TOOLS is the folder with ajar-central, ajar-server and ajar-client

A real folder (docs/, if none is named) is fetched whole and compared octet for octet. The steps of all three are
printed with their microseconds and with the letters that WO 2004/034190 gives them; then what the kernel says about
the server.
"""
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time


class Demo:
    def __init__(self, tools, share, folder):
        self.tools, self.share, self.folder = tools, share, folder
        self.running = []

    def tool(self, name, *words):
        return [str(self.tools / f"ajar-{name}"), *words, "--state", str(self.folder / name)]

    def ask(self, name, *words):
        """What a tool prints."""
        return subprocess.run(self.tool(name, *words), check=True, capture_output=True, text=True).stdout.strip()

    def start(self, name, *words):
        """A tool that stays; its steps go to a file."""
        log = self.folder / f"{name}.steps"
        process = subprocess.Popen(self.tool(name, *words, "--json"), stdout=log.open("w"), stderr=subprocess.STDOUT)
        self.running.append(process)
        return process, log

    def stop(self, process):
        self.running.remove(process)
        process.send_signal(signal.SIGTERM)
        return process.wait(timeout=30)

    def wait_for(self, log, text):
        for _ in range(3000):
            if text in log.read_text():
                return
            time.sleep(0.01)
        sys.exit(f"demo: waited in vain for '{text}':\n{log.read_text()}")


def steps_of(text):
    """The steps among the lines of JSON that a tool prints."""
    for line in text.splitlines():
        said = json.loads(line) if line.startswith("{") else {}
        if "us" in said:
            yield said


def listening(process):
    """The listening TCP sockets of a process: the kernel's word."""
    sockets = set()
    for fd in pathlib.Path(f"/proc/{process.pid}/fd").iterdir():
        try:
            target = os.readlink(fd)
        except OSError:
            continue
        if target.startswith("socket:["):
            sockets.add(target[8:-1])
    count = 0
    for table in ("tcp", "tcp6"):
        for line in pathlib.Path(f"/proc/{process.pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            count += fields[3] == "0A" and fields[9] in sockets
    return count


def show_listening(process, when):
    count = listening(process)
    print(f"  listening sockets of the server {when}: {count}")
    if count:
        sys.exit(1)


def contents(path):
    """{name: digest} of all files below a folder, and {name: None} of the folders; of a file, its digest alone."""
    def digest(file):
        sum_ = hashlib.sha256()
        with file.open("rb") as octets:
            while piece := octets.read(1 << 20):
                sum_.update(piece)
        return sum_.hexdigest()

    if path.is_file():
        return digest(path)
    found = {}
    for one in path.rglob("*"):
        if one.is_dir() and not one.is_symlink():
            found[one.relative_to(path)] = None
        elif one.is_file() and one.resolve().is_relative_to(path.resolve()):
            found[one.relative_to(path)] = digest(one)
    return found


def fetch(demo, logs, title, *how):
    """One get; its own steps and those of the other two, in the order of the machine's clock."""
    print(f"\n{title}")
    marks = {name: len(log.read_text()) for name, log in logs.items()}
    into = demo.folder / "fetched" / how[1]
    into.parent.mkdir(exist_ok=True)
    client = subprocess.run(demo.tool("client", "get", "home:share", str(into), "--json", "--explain", *how),
                            capture_output=True)
    time.sleep(0.1)
    said = client.stderr.decode()
    if client.returncode != 0:
        sys.exit(f"demo: the client failed:\n{said}")
    steps = list(steps_of(said))
    for name, log in logs.items():
        steps += steps_of(log.read_text()[marks[name]:])
    steps.sort(key=lambda one: one["us"])
    for one in steps:
        detail = f"  ({one['detail']})" if one["detail"] else ""
        print(f"  {one['us'] - steps[0]['us']:>7} us  {one['letter'] or ' '}  {one['who']:<8}{one['what']}{detail}")
    report = json.loads(client.stdout.decode().splitlines()[-1])
    same = contents(into if demo.share.is_file() else into / "share") == contents(demo.share)
    print(f"  {report['files']} files, {report['octets']} octets in {report['seconds']:.3f} s, "
          f"{'identical' if same else 'DIFFERENT'}; path: {report['path']}")
    if not same:
        sys.exit(1)
    return report


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    tools = pathlib.Path(sys.argv[1])
    docs = pathlib.Path(__file__).resolve().parent.parent / "docs"
    share = pathlib.Path(sys.argv[2]).resolve() if len(sys.argv) == 3 else docs
    if not (share.is_file() or share.is_dir()) or not os.access(share, os.R_OK):
        sys.exit(f"demo: {share} is no folder or file that can be read: name one, as in ./dev demo docs")
    with tempfile.TemporaryDirectory(prefix="ajar-demo-") as name:
        demo = Demo(tools, share, pathlib.Path(name))
        try:
            show(demo)
        finally:
            for process in demo.running:
                process.kill()
                process.wait()


def show(demo):
    admitted = demo.folder / "admitted"
    admitted.write_text(demo.ask("server", "id") + "\n")
    central, central_log = demo.start("central", "run", "--listen", "127.0.0.1:0", "--reflect-port", "0", "--admit",
                                      str(admitted))
    demo.wait_for(central_log, "ajar://")
    url = central_log.read_text().split()[0]
    grant = demo.folder / "laptop.grant"
    demo.ask("server", "grant", demo.ask("client", "id"), "--central", url, "--service", "share:r", "--for", "1h",
             "--lan", "--name", "home", "--out", str(grant))
    demo.ask("client", "add", str(grant))
    print(f"central   {url}\nserver    {demo.ask('server', 'id')}\nclient    {demo.ask('client', 'id')}\n"
          f"share     {demo.share}")
    print("\n--- just-in-time listening: a port opens for one client, and closes at its connection")
    server, log = demo.start("server", "run", "--central", url, "--share", f"share={demo.share}", "--mode", "window")
    demo.wait_for(log, "linked to central")
    logs = {"server": log, "central": central_log}
    show_listening(server, "before")
    for title, way in (("the server opens, the client connects", "window"),
                       ("the variation: the client opens, the server connects", "window-reverse")):
        report = fetch(demo, logs, title, "--by", way)
        window = report["window"]
        print(f"  exposure: {window['exposure_ns'] / 1000:.1f} us of a listener at the {window['opened_by']}, "
              f"{window['listeners']} opened, {window['strangers']} strangers")
        show_listening(server, "after")

    print("\n--- a crossing: both connect to each other at the same instant, and no port opens anywhere")
    fetch(demo, logs, "server and client connect", "--by", "crossing")
    show_listening(server, "after")
    demo.stop(server)

    print("\n--- the non-listening server: it dials its clients, and can open no port")
    server, log = demo.start("server", "run", "--central", url, "--share", f"share={demo.share}", "--mode", "outbound")
    demo.wait_for(log, "linked to central")
    logs["server"] = log
    may_listen = json.loads(demo.ask("server", "status", "--json"))["may_listen"]
    print(f"  may it listen? {'yes' if may_listen else 'no: a seccomp filter of its own refuses listen() and accept()'}")
    if may_listen:
        sys.exit(1)
    show_listening(server, "before")
    fetch(demo, logs, "the server dials, the client asks over it", "--by", "outbound", "--door", "127.0.0.1:0")
    show_listening(server, "after")
    ended = [demo.stop(server), demo.stop(central)]
    print(f"\nall processes ended by SIGTERM with {ended}")


if __name__ == "__main__":
    main()

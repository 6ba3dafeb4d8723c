# SPDX-License-Identifier: BSL-1.0
"""README's commands, typed into the hosts of a lab as they stand there.

A comment at the beginning of a line says where what follows is typed: "# at home". Of a line only `ajar1...` is
replaced, by the line or word that was printed last, as whoever types it would paste it; and /home/me, by that
person's home.
"""
import os
import pathlib
import re
import shutil
import subprocess
import time

README = pathlib.Path(__file__).resolve().parents[2] / "README.md"
# where: (host of the lab, whose home). Two people may be at one host
PLACES = {"on a machine that both can reach": ("central", "operator"), "at home": ("server", "me"),
          "on the other machine": ("client", "guest"), "on the laptop": ("client", "laptop"),
          "and later, at home": ("server", "me")}
# commands that stay, and what they say when the next line may be typed
STAY = {"ajar-central run": "ajar://", "ajar-server share": "Ctrl-C ends it", "ajar-server run": "linked to central"}
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def lines_of(title):
    """[(place, command, its comment)] of the first block after a heading, and what is said of their number there."""
    after = README.read_text().split(title + "\n", 1)[1].split("\n## ", 1)[0]
    block = after.split("```sh\n", 1)[1].split("```", 1)[0]
    stated = re.search(r"(\w+)\s+commands\s+and\s+(\w+)\s+pasted", after)
    place, lines = None, []
    for line in block.splitlines():
        if line.startswith("# "):
            place = next(PLACES[words] for words in PLACES if line[2:].startswith(words))
        elif line:
            command, _, comment = line.partition("  #")
            lines.append((place, command.strip(), comment.strip()))
    return lines, tuple(NUMBERS.index(word.lower()) for word in stated.groups()) if stated else None


class Reader:
    """Whoever reads README, and types."""

    def __init__(self, lab, folder, tools):
        self.lab, self.folder, self.pasted = lab, folder, None
        self.running, self.results, self.joined = {}, [], False
        words = folder / "bin"
        words.mkdir(parents=True)
        if not shutil.which("less"):
            (words / "less").symlink_to(shutil.which("cat"))
        self.path = f"{tools}:{words}:{os.environ['PATH']}"
        for _, who in PLACES.values():
            (folder / who).mkdir(exist_ok=True)
        photos = folder / "me" / "photos"
        (photos / "2004").mkdir(parents=True)
        for number in range(40):
            (photos / "2004" / f"{number}.jpg").write_bytes(os.urandom(10_000))
        (photos / "list.txt").write_text("all of 2004\n")
        (folder / "me" / "notes.txt").write_text("notes\n")

    def type_all(self, title):
        """(commands, pasted lines) until the first octet was here; and the two as README says them."""
        lines, stated = lines_of(title)
        commands = pasted = 0
        came = False
        for place, command, comment in lines:
            if "if not done yet" in comment and self.joined:
                continue
            self.joined |= command.startswith("ajar-server join")
            if not came:
                commands += 1
                pasted += "ajar1..." in command
            self.type(place, command)
            came |= command.startswith(("ajar-client get", "ajar-client ls"))
        return (commands, pasted), stated

    def type(self, place, command):
        host, who = place
        home = self.folder / who
        line = command.replace("/home/me", str(home)).replace("ajar1...", str(self.pasted))
        words = [*self.lab.prefix(host), "env", "-u", "AJAR_STATE", "-u", "XDG_STATE_HOME", f"HOME={home}", f"PATH={self.path}",
                 "bash", "-o", "pipefail", "-c", line]
        kind = next((kind for kind in STAY if command.startswith(kind)), None)
        if kind == "ajar-server run":  # a person waits for the prompt
            self.running["ajar-server share"].wait(60)
        if kind:
            code, said = self.start(kind, words, home, STAY[kind])
        else:
            done = subprocess.run(words, cwd=home, capture_output=True, text=True, timeout=120)
            code, said = done.returncode, done.stdout + done.stderr
        self.results.append((command, code, said))
        printed = re.findall(r"ajar1\w+", said)
        self.pasted = printed[-1] if printed else self.pasted

    def start(self, kind, words, home, until):
        log = self.folder / f"{kind.replace(' ', '-')}.log"
        with log.open("w") as out:
            process = subprocess.Popen(words, cwd=home, stdout=out, stderr=subprocess.STDOUT)
        self.running[kind] = process
        end = time.monotonic() + 60
        while until not in log.read_text() and process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        return process.poll() or 0, log.read_text()

    def findings(self):
        """[(what, is it as README says?, what was seen)]"""
        for command, code, said in self.results:
            yield f"$ {command}", code == 0, f"exit {code}: {said}"
        photos, notes = self.folder / "me" / "photos", self.folder / "me" / "notes.txt"
        for who in ("guest", "laptop"):
            same = subprocess.run(["diff", "-r", photos, self.folder / who / "photos"], capture_output=True, text=True)
            yield f"{who} has the photos", same.returncode == 0, same.stdout
        yield "guest has the notes", (self.folder / "guest" / "notes.txt").read_bytes() == notes.read_bytes(), ""
        shared = self.running["ajar-server share"].poll()
        yield "share has ended by itself when all was fetched", shared == 0, shared
        said = dict((command, said) for command, _, said in self.results)
        yield "grants names the laptop", "laptop" in said["ajar-server grants"], said["ajar-server grants"]
        self.type(PLACES["on the laptop"], "ajar-client ls home:")
        _, code, told = self.results[-1]
        yield "whom revoke has cut off is told so", code == 5 and "revoked" in told, f"exit {code}: {told}"

    def end(self):
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            process.wait(60)

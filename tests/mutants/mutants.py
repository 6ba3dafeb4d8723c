#!/usr/bin/env python3
"""Put each bug of bugs.toml into the headers by itself, and see that the tests which it names find it.

mutants.py ROOT BUILD [WORD...]   only bugs whose words contain one of these; BUILD is a build folder of meson's
mutants.py --fit ROOT             only see that each can be put in, and that the tests which it names are there

The tree stays as it is: a changed header stands in a folder that the compiler looks into first. The exit code is that of
a test run: 1 where a bug was not found, or could not be put in.
"""
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor

LEAST, TIMES = 30, 20  # whoever takes so many seconds, or times as long as without a bug, hangs: that has found it


class Compiler:
    """The commands of BUILD for the tests of a room, of one test here, header-only, without optimisation, precompiled header and dependency files."""

    def __init__(self, root, build):
        self.root, self.build = root, build
        self.commands = {}
        for entry in json.loads((build / "compile_commands.json").read_text()):
            unit = re.fullmatch(r"tests/(\w+)_1\.cpp", entry["file"])  # several tests each: tests/meson.build
            if unit:
                self.commands[unit[1]] = entry["command"]
        links = subprocess.run(["ninja", "-C", build, "-t", "commands", "-s", "tests/test_streams"], text=True,
                               stdout=subprocess.PIPE, check=True).stdout.strip().splitlines()[-1]
        words = shlex.split(links)
        self.link = [word for word in words[words.index("-o") + 2:] if not re.search(r"\.o$|libajar\w*\.a$", word)]
        libraries = [word for word in self.link if word.endswith(".a")]
        subprocess.run(["ninja", "-C", build, *libraries], stdout=subprocess.DEVNULL, check=True)

    def compile(self, test, folder):
        """The program of one test, with the headers in `folder` before those of the tree; @return it, or complaints."""
        source = self.root / "tests" / f"{test}_test.cpp"
        words = [word for word in shlex.split(self.commands[test.split("/")[0]]) if not word.endswith("ccache")]
        for option in ("-o", "-c", "-MF", "-MQ", "-include"):
            while option in words:
                at = words.index(option)
                del words[at:at + 2]
        dropped = re.compile(r"-DAJAR_COMPILED_LIB|-MD|-Winvalid-pch|-Werror|-g|-O\d|-fsanitize.*|-fpch.*|.*\.cpp")
        words = [word for word in words if not dropped.fullmatch(word)]
        program = folder / test.replace("/", "_")
        # what the tests of a room share, by the same headers
        shared = [one for one in source.parent.glob("*.cpp") if not one.name.endswith("_test.cpp")]
        if test.startswith("roles/"):
            shared += (self.root / "tests/village").glob("*.cpp")
        # one unit, as most of what each of them compiles is what the others do, too
        unit = folder / "unit.cpp"
        unit.write_text("".join(f'#include "{one}"\n' for one in [*sorted(shared), source]))
        done = subprocess.run([words[0], f"-I{folder}", *words[1:], "-O0", "-w", unit, "-o", program, *self.link], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=self.build)
        return program if done.returncode == 0 else done.stdout


def finds(program, limit=None):
    """True where a test fails, crashes or hangs."""
    try:
        done = subprocess.run([program], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=limit)
    except subprocess.TimeoutExpired:
        return True
    return done.returncode != 0


def put_in(root, bug, folder):
    """The changed headers: more than one where two of them guard the same; @return what is wrong with the bug's
    description, or nothing."""
    for change in [bug, *bug.get("also", [])]:
        text = (root / "include" / "ajar" / change["file"]).read_text()
        if text.count(change["from"]) != 1:
            return f"'from' stands in {change['file']} {text.count(change['from'])} times"
        changed = folder / "ajar" / change["file"]
        changed.parent.mkdir(parents=True, exist_ok=True)
        changed.write_text(text.replace(change["from"], change["to"]))
    return ""


def verdict(compiler, bug, took):
    """'found', 'NOT FOUND', or why nobody can tell. @param took  the seconds of each test without a bug"""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        wrong = put_in(compiler.root, bug, folder)
        if wrong:
            return wrong
        for test in bug["tests"]:
            program = compiler.compile(test, folder)
            if isinstance(program, str):
                return "does not compile:\n" + program
            if finds(program, max(LEAST, TIMES * took[test])):
                return "found"
    return "NOT FOUND"


def sound(compiler, test, took):
    """Why a test proves nothing: it fails without any bug."""
    with tempfile.TemporaryDirectory() as name:
        program = compiler.compile(test, pathlib.Path(name))
        if isinstance(program, str):
            return f"{test}: does not compile:\n{program}"
        begun = time.monotonic()
        wrong = finds(program)
        took[test] = time.monotonic() - begun
        return f"{test}: fails without any bug" if wrong else ""


def read_bugs(root):
    return tomllib.loads((root / "tests" / "mutants" / "bugs.toml").read_text())["bug"]


def fit(root):
    wrong = []
    for bug in read_bugs(root):
        with tempfile.TemporaryDirectory() as name:
            why = [put_in(root, bug, pathlib.Path(name))]
        why += [f"no test {test}" for test in bug["tests"] if not (root / "tests" / f"{test}_test.cpp").exists()]
        wrong += [f"{bug['file']}: {bug['what']}: {one}" for one in why if one]
    print("\n".join(wrong), end="\n" if wrong else "")
    return 1 if wrong else 0


def main():
    if sys.argv[1] == "--fit":
        return fit(pathlib.Path(sys.argv[2]).resolve())
    root, build, words = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve(), sys.argv[3:]
    bugs = [one for one in read_bugs(root) if not words or any(word in one["what"] + one["file"] for word in words)]
    if not bugs:
        sys.exit(f"no bug is about {' or '.join(words)}: tests/mutants/bugs.toml has them all")
    compiler = Compiler(root, build)
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        tests = sorted({test for one in bugs for test in one["tests"]})
        print(f"{len(bugs)} bugs, {len(tests)} tests that are to find them", flush=True)
        took = {}
        unsound = list(filter(None, workers.map(lambda test: sound(compiler, test, took), tests)))
        print("\n".join(unsound), end="\n" if unsound else "", flush=True)
        if unsound:
            return 1
        missed = 0
        for bug, told in zip(bugs, workers.map(lambda one: verdict(compiler, one, took), bugs)):
            missed += told != "found"
            print(f"{told:10}  {bug['file']}: {bug['what']}", flush=True)
    print(f"{len(bugs)} bugs, {missed} not found")
    return 1 if missed or not bugs else 0


if __name__ == "__main__":
    sys.exit(main())

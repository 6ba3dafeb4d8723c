#!/usr/bin/env python3
"""Check the model of a window's life by SPIN: as it is nothing is wrong; with each bug something is.

model.py   exit code 77 where there is no spin
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

MODEL = pathlib.Path(__file__).parent / "window.pml"
SKIPPED = 77


class Broken(Exception):
    """The search itself did not work: that proves nothing."""


def run(*command, folder, ends=(0,)):
    done = subprocess.run(command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode not in ends:
        raise Broken(f"{' '.join(map(str, command))}:\n{done.stdout}")
    return done.stdout


def search(bug, claim):
    """Go through all states. @return (something is wrong, how many states)"""
    with tempfile.TemporaryDirectory() as folder:
        run("spin", "-a", *([f"-D{bug}"] if bug else []), MODEL, folder=folder)
        run("cc", "-O2", "-w", *([] if claim else ["-DSAFETY", "-DNOCLAIM"]), "-o", "pan", "pan.c", folder=folder)
        # -a: acceptance cycles; -f: whoever can always go on does so in the end; -E: everybody may rest anywhere
        said = run("./pan", "-m1000000", "-E", *(["-a", "-f", "-N", claim] if claim else []), folder=folder)
    errors = re.search(r"errors: (\d+)", said)
    states = re.search(r"(\d+) states, stored", said)
    if not errors or not states or "max search depth too small" in said or "out of memory" in said:
        raise Broken(said)
    return int(errors[1]) > 0, int(states[1])


def main():
    if not shutil.which("spin"):
        print("skipped: the system has no spin")
        return SKIPPED
    text = MODEL.read_text()
    claims = [None, *re.findall(r"^ltl (\w+)", text, re.M)]
    bugs = sorted(set(re.findall(r"#ifn?def (BUG_\w+)", text)))
    trouble = 0
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        whole = [workers.submit(search, None, claim) for claim in claims]
        finders = [workers.submit(lambda bug: next((one or "assertions" for one in claims if search(bug, one)[0]), None),
                                  bug) for bug in bugs]
        for claim, one in zip(claims, whole):
            wrong, states = one.result()
            trouble += wrong
            print(f"{'WRONG' if wrong else 'holds':9}  {claim or 'assertions'}, {states} states", flush=True)
        for bug, one in zip(bugs, finders):
            trouble += one.result() is None
            print(f"{'found' if one.result() else 'NOT FOUND':9}  {bug}, by {one.result()}", flush=True)
    print(f"{len(claims)} properties, {len(bugs)} bugs, {trouble} not as they have to be")
    return 1 if trouble or len(bugs) < 5 else 0


if __name__ == "__main__":
    sys.exit(main())

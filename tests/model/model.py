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


def examine(bug, claims, first_only):
    """Go through all states, for each of the claims; None: the assertions. Compiling takes longer than the search.

    @return [(claim, something is wrong, how many states)], with first_only as far as the first that is wrong
    """
    found = []
    with tempfile.TemporaryDirectory() as folder:
        run("spin", "-a", *([f"-D{bug}"] if bug else []), MODEL, folder=folder)
        for claim in claims:
            program = pathlib.Path(folder, "pan-claims" if claim else "pan-assertions")
            if not program.exists():
                run("cc", "-O0", "-w", *([] if claim else ["-DSAFETY", "-DNOCLAIM"]), "-o", program, "pan.c", folder=folder)
            # -a: acceptance cycles; -f: whoever can always go on does so in the end; -E: everybody may rest anywhere
            said = run(program, "-m1000000", "-E", *(["-a", "-f", "-N", claim] if claim else []), folder=folder)
            errors = re.search(r"errors: (\d+)", said)
            states = re.search(r"(\d+) states, stored", said)
            if not errors or not states or "max search depth too small" in said or "out of memory" in said:
                raise Broken(said)
            found.append((claim or "assertions", int(errors[1]) > 0, int(states[1])))
            if first_only and found[-1][1]:
                break
    return found


def main():
    if not shutil.which("spin"):
        print("skipped: the system has no spin")
        return SKIPPED
    text = MODEL.read_text()
    claims = [None, *re.findall(r"^ltl (\w+)", text, re.M)]
    bugs = sorted(set(re.findall(r"#ifn?def (BUG_\w+)", text)))
    trouble = 0
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        whole = workers.submit(examine, None, claims, False)
        finders = [workers.submit(examine, bug, claims, True) for bug in bugs]
        for claim, wrong, states in whole.result():
            trouble += wrong
            print(f"{'WRONG' if wrong else 'holds':9}  {claim}, {states} states", flush=True)
        for bug, one in zip(bugs, finders):
            claim, wrong, _ = one.result()[-1]
            trouble += not wrong
            print(f"{'found' if wrong else 'NOT FOUND':9}  {bug}, by {claim if wrong else 'nothing'}", flush=True)
    print(f"{len(claims)} properties, {len(bugs)} bugs, {trouble} not as they have to be")
    return 1 if trouble or len(bugs) < 5 else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""The figures of a commit beside those of this tree, in one run: `./dev bench --against COMMIT`.

    against.py BENCHMARKS COMMIT [--turns N]

The commit's benchmarks are built in a clone, with the flags of ours. Then both run in turns, as before, after, after,
before: what the machine does meanwhile comes to both alike. The threads of bench_window, a role each, are kept apart on
two processors, as it does by itself; commits before 2026-11-30 leave it to the system, where two of them may share one
for a whole run. Of each figure it prints the median of either, by how much this tree costs more (1.03: three hundredths
more; less than 1: it costs less), and between what that was in the turns: what is told apart on this machine is no finer
than that.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

PROGRAMS = (("bench_window", "--count", "1000"), ("bench_streams", "--megabytes", "128", "--rounds", "3"))
RATE = "MB/s"


def output_of(*words, **named):
    """What a program prints; where it fails, all that it said, and the end of this."""
    done = subprocess.run([str(one) for one in words], capture_output=True, text=True, **named)
    if done.returncode != 0:
        sys.exit(f"{done.stdout}{done.stderr}{' '.join(map(str, words))}: ended with {done.returncode}")
    return done.stdout


def hash_of(commit):
    found = subprocess.run(["git", "rev-parse", "--verify", "--quiet", "--end-of-options", commit + "^{commit}"],
                           capture_output=True, text=True)
    if found.returncode != 0:
        sys.exit(f"{commit}: no commit of this repository; git log shows them")
    return found.stdout.strip()


def built(commit, folder):
    """The benchmarks' folder of a commit, built in FOLDER."""
    output_of("git", "clone", "-q", ".", folder)
    output_of("git", "checkout", "-q", "--detach", commit, cwd=folder)
    output_of("tools/get-wolfssl", cwd=folder)
    options = ["-Ddebug=false", "-Doptimization=2"]
    if "option('compiled'" in (folder / "meson_options.txt").read_text():
        options.append("-Dcompiled=true")
    output_of("meson", "setup", "build", *options, cwd=folder)
    output_of("ninja", "-C", "build", "benchmarks", cwd=folder)
    return folder / "build" / "benchmarks"


def figures(value, name=""):
    """(name, unit, quantile, figure) of what a benchmark printed with --json: medians, and p99 of times"""
    if "median" in value:
        unit = value.get("unit", "us")
        for quantile in ("median", "p99") if unit == "us" else ("median",):
            yield value.get("name", name), unit, quantile, value[quantile]
        return
    for key, inner in value.items():
        if isinstance(inner, dict):
            yield from figures(inner, f"{name} {key}".strip())


def keep_apart(process):
    """Central and server on one processor, the client on another: the threads after the first, in the order they began."""
    if (os.cpu_count() or 1) < 2:
        return
    until = time.monotonic() + 5
    while time.monotonic() < until and process.poll() is None:
        threads = sorted(int(one) for one in os.listdir(f"/proc/{process.pid}/task"))
        if len(threads) == 4:
            for thread, processor in zip(threads[1:], (0, 0, 1)):
                os.sched_setaffinity(thread, {processor})
            return
        time.sleep(0.001)


def printed_by(program, *words):
    """What a benchmark prints with --json."""
    with subprocess.Popen([program, "--json", *words], stdout=subprocess.PIPE, text=True) as process:
        if program.name == "bench_window":
            keep_apart(process)
        printed = process.communicate()[0]
    if process.returncode != 0:
        sys.exit(f"{printed}{program} {' '.join(words)}: ended with {process.returncode}")
    return printed


def measured(folder):
    """{(program, name, unit, quantile): figure} of one turn; streams' rates, which are told in parts of the floor, as rates"""
    found = {}
    for program, *words in PROGRAMS:
        printed = printed_by(folder / program, *words)
        floor = 1
        for line in printed.splitlines():
            for name, unit, quantile, figure in figures(json.loads(line)):
                if unit == RATE:
                    floor = figure
                if unit == "x":
                    unit, figure = RATE, figure * floor
                found[program, name, unit, quantile] = figure
    return found


def main():
    parser = argparse.ArgumentParser(prog="./dev bench --against", usage="%(prog)s COMMIT [--turns N]")
    parser.add_argument("benchmarks", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("commit")
    parser.add_argument("--turns", type=int, default=6, metavar="N", help="of each; by default 6")
    asked = parser.parse_args()
    if asked.turns < 1:
        parser.error(f"--turns {asked.turns}: at least 1")
    commit = hash_of(asked.commit)
    with tempfile.TemporaryDirectory() as folder:
        theirs = built(commit, pathlib.Path(folder) / "before")
        turns = {"before": [], "after": []}
        for turn in range(asked.turns):
            for which in ("before", "after") if turn % 2 == 0 else ("after", "before"):
                turns[which].append(measured(theirs if which == "before" else asked.benchmarks))
                print(f"{turn + 1} of {asked.turns}, {which}", file=sys.stderr)
    print(f"{'':<62} {'before':>9} {'after':>9} {'costs':>6}  in the turns")
    for key in turns["before"][0]:
        if key not in turns["after"][0]:
            continue
        program, name, unit, quantile = key
        before, after = ([one[key] for one in turns[which]] for which in ("before", "after"))
        each = [one / other if unit == RATE else other / one for one, other in zip(before, after)]
        print(f"{f'{program}: {name}, {unit}, {quantile}':<62} {statistics.median(before):9.1f} {statistics.median(after):9.1f} "
              f"{statistics.median(each):6.3f}  {min(each):.3f} to {max(each):.3f}")


if __name__ == "__main__":
    main()

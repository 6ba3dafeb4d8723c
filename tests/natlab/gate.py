# SPDX-License-Identifier: BSL-1.0
"""What of the lab gates a change: chosen cells of the matrix, the cases, the reflections.

    gate.py TOOLS WANLINK

Each has a lab of its own, and waits for packets on their way most of the time: they run side by side, with nothing else.
Exits 1 where one of them found something wrong, 77 where this machine can have no lab.
"""
import pathlib
import subprocess
import sys
import tempfile

import cases

HERE = pathlib.Path(__file__).resolve().parent


def main():
    tools_and_link = sys.argv[1:3]
    parts = [("matrix.py", "--cells", "chosen"), ("reflection.py",), *(("cases.py", *names) for names in cases.GROUPS)]
    running = []
    for program, *words in parts:
        told = tempfile.TemporaryFile()
        running.append((program, told, subprocess.Popen([sys.executable, HERE / program, *tools_and_link, *words],
                                                        stdout=told, stderr=subprocess.STDOUT)))
    results = set()
    for program, told, process in running:
        results.add(process.wait())
        told.seek(0)
        print(f"--- {program}\n{told.read().decode()}", flush=True)
    return 77 if results == {77} else int(results != {0})


if __name__ == "__main__":
    sys.exit(main())

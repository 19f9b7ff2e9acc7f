#!/usr/bin/env python3
"""Counts the instructions of fixed pieces of work, and compares with budgets.json.

  instructions.py PROGRAM             fails above a budget, and below 70 % of it
                                      (then it guards nothing: lower it)
  instructions.py PROGRAM --update    writes budgets: what was counted and a tenth

PROGRAM is bench_instructions, built with -O2 (build/dev). Counts, unlike times,
do not move with the machine's noise, but with the compiler: budgets are kept by
its major version, and where there is none the counts are only shown. Exits with
77 (skipped) without valgrind or without AVX2.
"""
import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

BUDGETS = pathlib.Path(__file__).with_name("budgets.json")
CASES = ("parse", "transform", "mailbox")
ROOM = 1.1
STALE = 0.7
SKIP = 77


def count(program: pathlib.Path, case: str) -> int:
    """Instructions within Measured(); 0 where the processor lacks what the case needs."""
    with tempfile.TemporaryDirectory() as folder:
        profile = pathlib.Path(folder, "profile")
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}", "--collect-atstart=no",
             "--toggle-collect=Measured", program, case],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode == SKIP:
            return 0
        if done.returncode != 0:
            raise SystemExit(f"{case}: exit code {done.returncode}\n{done.stdout}")
        found = re.search(r"^(?:totals|summary): (\d+)", profile.read_text(), re.MULTILINE)
        if not found or int(found[1]) == 0:
            raise SystemExit(f"{case}: nothing was counted")
        return int(found[1])


def verdict(counted: int, budget: int) -> str:
    """What is wrong; "" when nothing is."""
    if counted > budget:
        return f"{counted / budget:.2f} of the budget: find what became slower (callgrind_annotate)"
    if counted < STALE * budget:
        return f"{counted / budget:.2f} of the budget: it guards nothing any more (--update)"
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("--update", action="store_true")
    options = parser.parse_args()
    if not shutil.which("valgrind"):
        print("skipped: valgrind is missing")
        return SKIP
    compiler = subprocess.run([options.program, "compiler"], stdout=subprocess.PIPE, text=True,
                              check=True).stdout.strip()
    counts = {case: count(options.program, case) for case in CASES}
    if not all(counts.values()):
        print("skipped: this processor has no AVX2")
        return SKIP
    budgets = json.loads(BUDGETS.read_text())
    if options.update:
        budgets[compiler] = {case: int(counted * ROOM) for case, counted in counts.items()}
        BUDGETS.write_text(json.dumps(budgets, indent=1, sort_keys=True) + "\n")
    failed = False
    for case, counted in counts.items():
        if compiler not in budgets:
            print(f"{case:<10} {counted:>12,} instructions; no budget for {compiler}")
            continue
        budget = budgets[compiler][case]
        wrong = verdict(counted, budget)
        failed |= bool(wrong)
        print(f"{case:<10} {counted:>12,} instructions of {budget:,}  {wrong or 'ok'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Measures the rows that are named, or all, and prints one table.

A row is a module of rows/ (measuring.py says what it returns). All of them
together end within --seconds: a row that would go on longer fails, and those
behind it are shown as not run.
"""
import argparse
import contextlib
import importlib
import os
import pathlib
import signal
import sys
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "tests/process")]

import report  # noqa: E402
from measuring import Bench, Skip  # noqa: E402

# As in DESIGN.md's table; what is not named here comes behind, by name.
ORDER = ["messages", "latency", "stage_latency", "small", "bytes", "python_chain", "csv", "score", "transform", "inspect", "trees", "train",
         "pipeline", "memory", "growth", "sizes", "idle"]


def names() -> list:
    found = sorted(path.stem for path in (HERE / "rows").glob("*.py"))
    return sorted(found, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))


@contextlib.contextmanager
def limit(seconds: float):
    """Raises TimeoutError in the block when it takes longer."""
    def expired(*_):
        raise TimeoutError(f"took longer than the {seconds:.0f} s that were left")
    before = signal.signal(signal.SIGALRM, expired)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def measure(name: str, bench: Bench, seconds: float) -> report.Outcome:
    outcome = report.Outcome(name)
    started = time.monotonic()
    curves = len(bench.series)
    try:
        with limit(seconds):
            outcome.rows = importlib.import_module(f"rows.{name}").measure(bench)
    except Skip as reason:
        outcome.skipped = str(reason)
    except Exception as error:  # Whatever it was: the other rows are measured all the same.
        traceback.print_exc()
        outcome.failed = f"{type(error).__name__}: {error}"
    outcome.series = bench.series[curves:]
    outcome.seconds = time.monotonic() - started
    return outcome


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--list", action="store_true", help="names the rows")
    parser.add_argument("--full", action="store_true", help="with the largest inputs (sets TROUPE_BENCH_FULL)")
    parser.add_argument("--repeat", type=int, default=5, help="turns of a row, where it does not know better")
    parser.add_argument("--seconds", type=float, default=870, help="for all rows together")
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/release/bin")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build/bench")
    options = parser.parse_args()
    known = names()
    if unknown := [name for name in options.names if name not in known]:
        parser.error(f"no such row: {', '.join(unknown)}; there are: {', '.join(known)}")
    bench = Bench(bin=options.bin.resolve(), work=options.work.resolve(), repeat=options.repeat)
    bench.work.mkdir(parents=True, exist_ok=True)
    os.environ["TROUPE_BIN"] = str(bench.bin)
    if options.full:
        os.environ["TROUPE_BENCH_FULL"] = "1"
    if options.list:
        for name in known:
            # The docstring, without importing what the module may lack here.
            print(f"{name:<14} {report.first_line(HERE / 'rows' / f'{name}.py')}")
        return 0

    outcomes = []
    began = time.monotonic()
    for name in options.names or known:
        left = options.seconds - (time.monotonic() - began)
        if left < 1:
            outcomes.append(report.Outcome(name, failed="not run: no time was left"))
            continue
        bench.say(f"== {name}")
        outcomes.append(measure(name, bench, left))
        bench.say(f"== {name}: {outcomes[-1].seconds:.0f} s")
    print(report.text(outcomes))
    stem = "-".join(["results", *options.names])
    for path in report.write(outcomes, bench.work, stem):
        bench.say(f"wrote {path}")
    bench.say(f"{time.monotonic() - began:.0f} s in all")
    return 1 if any(outcome.failed for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())

"""Transform a CSV end to end: Troupe against Polars, DuckDB and pandas + scikit-learn.

All read the same CSV, impute by median, standardize 30 columns and write them as
CSV; Polars and DuckDB with two threads, Python in one process. What they learned
does not count. Troupe: one process per stage, from `troupe transform` to the file
beside it. With TROUPE_BENCH_BEFORE (a folder of Release programs of an earlier
version) the coordinator's CPU time is compared with that of theirs.
"""
import importlib.util
import os
import pathlib
import statistics
import subprocess
import sys

from measuring import ROOT, Row, Skip
import node
import tables

ROWS = 1_000_000
TURNS = 3
REFERENCE = ROOT / "tests/bench/reference_transform.py"


def peers(bench, train, table) -> dict:
    """By name: the goal, and what one turn takes, (seconds, CPU seconds)."""
    found = {}
    if importlib.util.find_spec("pandas") and importlib.util.find_spec("sklearn"):
        def python():
            return tuple(map(float, subprocess.run(
                [sys.executable, "-B", REFERENCE, train, table, bench.work / "theirs.csv"],
                stdout=subprocess.PIPE, text=True, check=True).stdout.split()))
        found["pandas"] = (4, python)
        try:
            node.modules(bench)
        except Skip as reason:
            bench.say(f"without Polars and DuckDB: {reason}")
        else:
            learned = node.learned(bench, train)
            for tool, goal in (("Polars", 1), ("DuckDB", 2)):
                found[tool] = (goal, lambda tool=tool: node.run(
                    bench, tool.lower(), "transform", table, bench.work / "theirs.csv", learned))
    if not found:
        raise Skip("python3-pandas or python3-sklearn is missing")
    return found


def measure(bench) -> list:
    import jobs
    table = tables.times(bench, tables.numbers(bench, ROWS // 5), 5)
    train = tables.numbers(bench, 20_000, seed=8)
    others = peers(bench, train, table)
    ours, theirs = [], {name: [] for name in others}
    before = os.environ.get("TROUPE_BENCH_BEFORE")
    old = []
    with jobs.companies(bench, [bench.bin, *([pathlib.Path(before)] if before else [])]) as teams:
        for team in teams:
            jobs.train_numbers(team, bench)
        for _ in range(TURNS):
            ours.append(jobs.timed(teams[0], "transform", table.name, bench.work / "ours.csv"))
            for team in teams[1:]:
                old.append(jobs.timed(team, "transform", table.name, bench.work / "ours.csv"))
            for name, (_, turn) in others.items():
                theirs[name].append(turn())
    for name in ("ours.csv", "theirs.csv"):
        (bench.work / name).unlink()
    seconds = [turn.seconds for turn in ours]
    rows = [Row(f"transform-{name.lower()}", "standardize a CSV of 30 columns into another", "rows/s",
                ROWS / statistics.median(seconds), ROWS / statistics.median(second for second, _ in theirs[name]), name,
                [other / mine for mine, (other, _) in zip(seconds, theirs[name])], goal,
                note=f"CPU us/row: {jobs.cpu_note(ours, ROWS)}; {name} "
                     f"{statistics.median(cpu for _, cpu in theirs[name]) / ROWS * 1e6:.2f}")
            for name, (goal, _) in others.items()]
    return rows + jobs.cpu_rows("transform", ROWS, ours, old, coordinator_goal=0.25)

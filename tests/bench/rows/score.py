"""Score a CSV end to end: Troupe against pandas + scikit-learn + XGBoost in one process.

Both read the same CSV, run two fitted steps (impute by median, standardize) and
100 trees of depth 6, and write prediction and probabilities as CSV. Python does
it in one process on all cores; Troupe with one process per stage, from `troupe
score` to the file beside it.

The fastest composition of libraries is put together here: Polars reads, computes
the features as float32 and writes as many predictions (two threads), XGBoost
predicts in place. Both times are added, as if handing over cost nothing. With
TROUPE_BENCH_BEFORE (a folder of Release programs of an earlier version) CPU times
are compared with theirs.
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


def measure(bench) -> list:
    if missing := [name for name in ("pandas", "sklearn", "xgboost") if not importlib.util.find_spec(name)]:
        raise Skip("python3-" + ", python3-".join(missing) + " is missing")
    import jobs
    table = tables.times(bench, tables.numbers(bench, ROWS // 5), 5)
    train = tables.numbers(bench, 20_000, seed=8)
    ours, theirs, composed, old = [], [], [], []
    before = os.environ.get("TROUPE_BENCH_BEFORE")
    try:
        learned = node.modules(bench) and node.learned(bench, train)
    except Skip as reason:
        bench.say(f"without Polars: {reason}")
        learned = None
    with jobs.companies(bench, [bench.bin, *([pathlib.Path(before)] if before else [])]) as teams:
        team = teams[0]
        for one in teams:
            jobs.train_numbers(one, bench)
        for _ in range(TURNS):
            ours.append(jobs.timed(team, "score", table.name, bench.work / "ours.csv"))
            for one in teams[1:]:
                old.append(jobs.timed(one, "score", table.name, bench.work / "ours.csv"))
            theirs.append(tuple(map(float, subprocess.run(
                [sys.executable, "-B", ROOT / "tests/bench/reference_score.py", train, table,
                 bench.work / "theirs.csv"], stdout=subprocess.PIPE, text=True, check=True).stdout.split())))
            if learned:
                composed.append(theirs[-1][2] + node.run(
                    bench, "polars", "features", table, bench.work / "theirs.csv", learned)[0])
        peaks = {**jobs.peaks(team), "troupe": max(turn.peak for turn in ours)}
    for name in ("ours.csv", "theirs.csv"):
        (bench.work / name).unlink()
    total = sum(peaks.values())
    seconds, their_seconds = [turn.seconds for turn in ours], [turn[0] for turn in theirs]
    their_peaks = [turn[1] for turn in theirs]
    rows = [
        Row("score", "score a CSV of 30 columns, 100 trees of depth 6", "rows/s", ROWS / statistics.median(seconds),
            ROWS / statistics.median(their_seconds), "Python",
            [other / mine for mine, other in zip(seconds, their_seconds)], 6,
            note=f"{ROWS:,} rows, {table.stat().st_size / 1e6:.0f} MB; CPU us/row: {jobs.cpu_note(ours, ROWS)}"),
        Row("score-memory", "peak memory of all processes together", "MiB", total / 2**20,
            statistics.median(their_peaks) / 2**20, "Python", [total / peak for peak in their_peaks], 0.25,
            higher_is_better=False, note=", ".join(f"{name} {jobs.mib(peak)}" for name, peak in peaks.items())),
    ]
    if composed:
        rows.append(Row("score-composed", "the same against Polars and XGBoost, put together", "rows/s",
                        ROWS / statistics.median(seconds), ROWS / statistics.median(composed), "Polars + XGBoost",
                        [other / mine for mine, other in zip(seconds, composed)], 2))
    return rows + jobs.cpu_rows("score", ROWS, ours, old, total_goal=0.8)

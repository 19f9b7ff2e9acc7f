"""Score a CSV end to end: Troupe against pandas + scikit-learn + XGBoost in one process.

Both read the same CSV, run two fitted steps (impute by median, standardize) and
100 trees of depth 6, and write prediction and probabilities as CSV. Python does
it in one process on all cores; Troupe with one process per stage, from `troupe
score` to the file beside it.
"""
import importlib.util
import statistics
import subprocess
import sys

from measuring import ROOT, Row, Skip
import tables

ROWS = 1_000_000
TURNS = 3


def measure(bench) -> list:
    if missing := [name for name in ("pandas", "sklearn", "xgboost") if not importlib.util.find_spec(name)]:
        raise Skip("python3-" + ", python3-".join(missing) + " is missing")
    import jobs
    table = tables.times(bench, tables.numbers(bench, ROWS // 5), 5)
    train = tables.numbers(bench, 20_000, seed=8)
    ours, theirs = [], []
    with jobs.company(bench) as team:
        jobs.train_numbers(team, bench)
        for _ in range(TURNS):
            ours.append(jobs.score_by_cli(team, "numbers", table.name, bench.work / "ours.csv"))
            theirs.append(tuple(map(float, subprocess.run(
                [sys.executable, "-B", ROOT / "tests/bench/reference_score.py", train, table,
                 bench.work / "theirs.csv"], stdout=subprocess.PIPE, text=True, check=True).stdout.split())))
        peaks = {**jobs.peaks(team), "troupe": max(peak for _, peak in ours)}
    for name in ("ours.csv", "theirs.csv"):
        (bench.work / name).unlink()
    total = sum(peaks.values())
    seconds, their_seconds = ([turn[0] for turn in turns] for turns in (ours, theirs))
    their_peaks = [peak for _, peak in theirs]
    return [
        Row("score", "score a CSV of 30 columns, 100 trees of depth 6", "rows/s", ROWS / statistics.median(seconds),
            ROWS / statistics.median(their_seconds), "Python",
            [other / mine for mine, other in zip(seconds, their_seconds)], 4,
            note=f"{ROWS:,} rows, {table.stat().st_size / 1e6:.0f} MB; 6 in sight"),
        Row("score-memory", "peak memory of all processes together", "MiB", total / 2**20,
            statistics.median(their_peaks) / 2**20, "Python", [total / peak for peak in their_peaks], 0.25,
            higher_is_better=False, note=", ".join(f"{name} {jobs.mib(peak)}" for name, peak in peaks.items())),
    ]

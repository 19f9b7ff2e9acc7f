"""Train from a CSV: time and memory against pandas + scikit-learn + XGBoost in one process.

Both read the same CSV, learn two steps (impute by median, standardize) and 60
trees of depth 6 on nine tenths of the rows with all cores, measure the model on
the other tenth, and store it. Time is from the job's creation to its end; memory
is the sum of the peaks of all our processes.
"""
import importlib.util
import statistics
import subprocess
import sys

from measuring import ROOT, Row, Skip
import tables

ROWS = 400_000
ROUNDS = 60
TURNS = 3


def measure(bench) -> list:
    if missing := [name for name in ("pandas", "sklearn", "xgboost") if not importlib.util.find_spec(name)]:
        raise Skip("python3-" + ", python3-".join(missing) + " is missing")
    import jobs
    table = tables.numbers(bench, ROWS)
    ours, theirs, peaks = [], [], {}
    for _ in range(TURNS):
        # A company of its own each time: a peak never falls.
        with jobs.company(bench, flags={"model": ["--threads=0"]}) as team:
            ended = jobs.train_numbers(team, bench, trees=ROUNDS, table=table)
            peaks = jobs.peaks(team)
            auc = next(found.value for found in ended.report.test.metrics if found.name == "roc_auc")
        ours.append((jobs.span([ended]), sum(peaks.values())))
        model = bench.work / "theirs.json"
        theirs.append(tuple(map(float, subprocess.run(
            [sys.executable, "-B", ROOT / "tests/bench/reference_train.py", table, str(ROUNDS), model],
            stdout=subprocess.PIPE, text=True, check=True).stdout.split())))
        model.unlink()
    seconds, total = zip(*ours)
    their_seconds, their_total, their_auc, _ = zip(*theirs)
    what = f"train on a CSV of 30 columns, {ROUNDS} trees of depth 6"
    return [
        Row("train", what, "s", statistics.median(seconds), statistics.median(their_seconds), "Python",
            [mine / other for mine, other in zip(seconds, their_seconds)], 1.15, higher_is_better=False,
            note=f"{ROWS:,} rows, {table.stat().st_size / 1e6:.0f} MB, all cores; AUC {auc:.4f} and {their_auc[0]:.4f}"),
        Row("train-memory", "peak memory of all processes together", "MiB", statistics.median(total) / 2**20,
            statistics.median(their_total) / 2**20, "Python", [mine / other for mine, other in zip(total, their_total)],
            1, higher_is_better=False, note=", ".join(f"{name} {jobs.mib(peak)}" for name, peak in peaks.items())),
    ]

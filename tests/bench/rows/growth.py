"""Growth: rows/s over input size, columns, replicas and concurrent jobs.

The goals are our own: flat means within a tenth (columns: within a quarter),
and replicas of a stage that sleeps, or computes, must help as far as there are
cores for it.
"""
import os
import statistics

from measuring import Row, Series, Skip
import tables

TURNS = 3
ROWS = 200_000
CELLS = 4_000_000
STAGE_MS = 25


def _scored(jobs, team, table: str, count: int = 1) -> float:
    """Seconds from the first to the last of `count` jobs at once."""
    ids = [team.create(kind="SCORE", pipeline="numbers", source={"path": table}).id for _ in range(count)]
    return jobs.span([team.finish(each) for each in ids])


def _medians(found: dict) -> list:
    return [(x, statistics.median(values)) for x, values in found.items()]


def _ratios(found: dict, of: int, to: int) -> list:
    return [mine / other for mine, other in zip(found[of], found[to])]


def _over_size(jobs, team, bench) -> Row:
    once = tables.numbers(bench, ROWS)
    found = {ROWS // 4: [], ROWS: [], 5 * ROWS: [], 10 * ROWS: []}
    paths = {ROWS // 4: tables.numbers(bench, ROWS // 4), ROWS: once, 5 * ROWS: tables.times(bench, once, 5),
             10 * ROWS: tables.times(bench, once, 10)}
    for turn in range(2):
        for rows, path in paths.items():
            found[rows].append(rows / _scored(jobs, team, path.name))
    bench.series.append(Series("growth-size", "scoring over the size of the input", "rows", "rows/s",
                               {"score": _medians(found)}, log_x=True))
    return Row("growth-size", f"score {10 * ROWS:,} rows / {ROWS:,} rows", "rows/s",
               statistics.median(found[10 * ROWS]), statistics.median(found[ROWS]), "at 1x",
               _ratios(found, 10 * ROWS, ROWS), 0.9,
               note=", ".join(f"{rows:,}: {value:,.0f} rows/s" for rows, value in _medians(found)))


def _over_columns(jobs, team, bench) -> Row:
    found = {10: [], 100: [], 1000: []}
    for columns in found:
        path = tables.wide(bench, columns, CELLS).name
        team.run(kind="TRAIN", spec={
            "name": f"wide-{columns}", "source": {"path": path},
            "steps": [{"impute": {"columns": {"all": True}, "strategy": "MEAN"}},
                      {"standardize": {"columns": {"all": True}}}]})
    for _ in range(TURNS):
        for columns, costs in found.items():
            job = team.run(kind="TRANSFORM", pipeline=f"wide-{columns}",
                           source={"path": tables.wide(bench, columns, CELLS).name})
            costs.append(jobs.span([job]) * 1e9 / (job.manifest.rows_ok * columns))
    bench.series.append(Series("growth-columns", "transform: read, impute, standardize, write", "columns",
                               "ns per cell", {"transform": _medians(found)}, log_x=True))
    return Row("growth-columns", "cost per cell, 1,000 columns / 10", "ns", statistics.median(found[1000]),
               statistics.median(found[10]), "at 10", _ratios(found, 1000, 10), 1.25, higher_is_better=False,
               note=", ".join(f"{columns}: {value:.0f} ns" for columns, value in _medians(found)))


def _over_jobs(jobs, team, bench) -> Row:
    path = tables.numbers(bench, ROWS).name
    found = {1: [], 2: [], 4: [], 8: []}
    for _ in range(TURNS):
        for count, speeds in found.items():
            speeds.append(count * ROWS / _scored(jobs, team, path, count))
    bench.series.append(Series("growth-jobs", "scoring by concurrent jobs", "jobs at once", "rows/s of all together",
                               {"score": _medians(found)}))
    return Row("growth-jobs", f"8 jobs at once / 1, {ROWS:,} rows each", "rows/s", statistics.median(found[8]),
               statistics.median(found[1]), "alone", _ratios(found, 8, 1), 0.9,
               note=", ".join(f"{count}: {value:,.0f} rows/s" for count, value in _medians(found)))


def _over_replicas(jobs, bench) -> list:
    """A stage that takes its time in each of about a hundred small batches, so that
    reading and writing them is little beside it."""
    rows = ROWS // 4
    path = tables.numbers(bench, rows).name
    found = {"sleep_ms": {1: [], 2: [], 4: []}, "cpu_ms": {1: [], 2: [], 4: []}}
    for _ in range(2):
        for replicas in (1, 2, 4):
            with jobs.company(bench, replicas={"work": replicas},
                              flags={"coordinator": [f"--split_bytes={128 << 10}"]}) as team:
                for kind, speeds in found.items():
                    team.run(kind="TRAIN", spec={
                        "name": kind.replace("_", "-"), "source": {"path": tables.numbers(bench, 20_000, seed=8).name},
                        "steps": [{"stage": "work", "params": {kind: STAGE_MS}}]})
                    job = team.run(kind="TRANSFORM", pipeline=kind.replace("_", "-"), source={"path": path})
                    speeds[replicas].append(rows / jobs.span([job]))
    cores = len(os.sched_getaffinity(0))
    names = {"sleep_ms": "sleeping", "cpu_ms": "computing"}
    bench.series.append(Series("growth-replicas", f"a stage of {STAGE_MS} ms per batch, {cores} cores", "replicas",
                               "rows/s", {names[kind]: _medians(speeds) for kind, speeds in found.items()}))
    lines = []
    for kind, most, goal in (("sleep_ms", 4, 3), ("cpu_ms", 2, 1.6)):
        if kind == "cpu_ms" and cores < 2:
            continue
        speeds = found[kind]
        lines.append(Row(f"growth-{names[kind]}", f"{most} replicas of a {names[kind]} stage / 1", "rows/s",
                         statistics.median(speeds[most]), statistics.median(speeds[1]), "with 1",
                         _ratios(speeds, most, 1), goal,
                         note=", ".join(f"{count}: {value:,.0f} rows/s" for count, value in _medians(speeds))))
    return lines


def measure(bench) -> list:
    if not (bench.bin / "troupe-work").exists():
        raise Skip("troupe-work is not built (target bench_work)")
    import jobs
    with jobs.company(bench) as team:
        jobs.train_numbers(team, bench)
        rows = [_over_size(jobs, team, bench), _over_columns(jobs, team, bench), _over_jobs(jobs, team, bench)]
    return rows + _over_replicas(jobs, bench)

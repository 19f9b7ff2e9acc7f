"""Memory flat in the size of the input: peak RSS of each process at 1x and 20x.

Each kind of job runs in a company of its own, once over a table of 56 MB and
once over twenty times that; with TROUPE_BENCH_FULL (run.sh --full) also over 90
times, 5 GB. What counts is the process that grows most.
"""
import os

from measuring import Row
import tables

ROWS = 200_000
TREES = 20
STEPS = [{"impute": {"columns": {"all": True}, "strategy": "MEDIAN"}}, {"standardize": {"columns": {"all": True}}}]
KINDS = ("score", "transform", "evaluate", "inspect", "fit passes")


def _run(jobs, team, bench, kind: str, table: str) -> None:
    if kind == "fit passes":
        team.run(kind="TRAIN", spec={"name": "steps", "source": {"path": table}, "roles": {"target": "y"},
                                     "steps": STEPS})
    elif kind == "inspect":
        team.run(kind="INSPECT", source={"path": table})
    elif kind == "score":
        output = bench.work / "memory.csv"
        jobs.score_by_cli(team, "numbers", table, output)
        output.unlink()
    else:
        team.run(kind=kind.upper(), pipeline="numbers", source={"path": table})


def _peaks(jobs, bench, kind: str, table: str) -> dict:
    """Peak bytes by process after that one job (and the small training before it)."""
    with jobs.company(bench) as team:
        if kind not in ("inspect", "fit passes"):
            jobs.train_numbers(team, bench, TREES)
        _run(jobs, team, bench, kind, table)
        return jobs.peaks(team)


def measure(bench) -> list:
    import jobs
    once = tables.numbers(bench, ROWS)
    sizes = [20, 90] if os.environ.get("TROUPE_BENCH_FULL") else [20]
    rows = []
    for kind in KINDS:
        before = _peaks(jobs, bench, kind, once.name)
        for size in sizes:
            large = tables.times(bench, once, size)
            after = _peaks(jobs, bench, kind, large.name)
            worst = max(after, key=lambda name: after[name] / before[name])
            rows.append(Row(
                f"memory-{kind.replace(' ', '-')}" + (f"-{size}x" if size != 20 else ""),
                f"peak RSS of {kind}, {large.stat().st_size / 1e9:.1f} GB / {once.stat().st_size / 1e6:.0f} MB",
                "MiB", after[worst] / 2**20, before[worst] / 2**20, f"at 1x ({worst})",
                [after[worst] / before[worst]], 1.25, higher_is_better=False,
                note=", ".join(f"{name} {jobs.mib(before[name])} -> {jobs.mib(after[name])}" for name in after)))
    rows[-1].note += ("\nthe budget: troupe-coordinator --job_window_bytes (256 MiB of a job's batches under way), "
                      "--job_window_batches (16) and --split_bytes (4 MiB); each stage --mailbox_bytes; "
                      "troupe-model --training_budget_bytes for training")
    return rows

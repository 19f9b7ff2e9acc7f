"""Memory flat in the size of the input: peak RSS of each process at 1x and 20x.

Each kind of job runs in a company of its own. Peaks rise until a job's window
(16 batches of --split_bytes) and a group of partial results (64) are full, and
then stay, so 1x must fill them several times: with splits of 512 KiB that is
112 MB, and 20x is 2.2 GB; with TROUPE_BENCH_FULL (run.sh --full) the splits are
the default ones, 1x is 282 MB and 20x is 5.6 GB. What the loader keeps for further
passes is full as well at 1x: 32 MiB. How many batches wait where is chance, and a
long job meets more of it: so the job over 1x runs three times. What counts is the
process that grows most.
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
        jobs.timed(team, "score", table, output)
        output.unlink()
    else:
        team.run(kind=kind.upper(), pipeline="numbers", source={"path": table})


def _peaks(jobs, bench, kind: str, table: str, flags: list, times: int) -> dict:
    """Peak bytes by process after so many such jobs (and a small training before)."""
    with jobs.company(bench, flags={"coordinator": flags, "loader": [f"--cache_bytes={32 << 20}"]}) as team:
        if kind not in ("inspect", "fit passes"):
            jobs.train_numbers(team, bench, TREES)
        for _ in range(times):
            _run(jobs, team, bench, kind, table)
        return jobs.peaks(team)


def measure(bench) -> list:
    import jobs
    full = bool(os.environ.get("TROUPE_BENCH_FULL"))
    flags = [] if full else [f"--split_bytes={512 << 10}"]
    block = tables.numbers(bench, ROWS)
    once = tables.times(bench, block, 5 if full else 2)
    large = tables.times(bench, block, 100 if full else 40)
    rows = []
    for kind in KINDS:
        before = _peaks(jobs, bench, kind, once.name, flags, times=3)
        after = _peaks(jobs, bench, kind, large.name, flags, times=1)
        worst = max(after, key=lambda name: after[name] / before[name])
        rows.append(Row(
            f"memory-{kind.replace(' ', '-')}",
            f"peak RSS of {kind}, {large.stat().st_size / 1e9:.1f} GB / {once.stat().st_size / 1e6:.0f} MB", "MiB",
            after[worst] / 2**20, before[worst] / 2**20, f"at 1x ({worst})", [after[worst] / before[worst]], 1.25,
            higher_is_better=False,
            note=", ".join(f"{name} {jobs.mib(before[name])} -> {jobs.mib(after[name])}" for name in after)))
    rows[-1].note += ("\nthe budget: troupe-coordinator --job_window_bytes (256 MiB of a job's batches under way), "
                      "--job_window_batches (16) and --split_bytes (4 MiB); each stage --mailbox_bytes; "
                      "troupe-model --training_budget_bytes and troupe-loader --cache_bytes for training")
    return rows

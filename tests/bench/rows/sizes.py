"""Sizes: scoring over --split_bytes and --job_window_batches; the defaults against the best.

A batch is a split: there is no other batch size, and 8 MiB is the largest. Stages stay up; the
coordinator starts anew for each setting, over the same state.
"""
import signal
import statistics

from measuring import Row, Series
import tables

TURNS = 2
ROWS = 200_000
SPLITS = [256 << 10, 512 << 10, 1 << 20, 2 << 20, 4 << 20, 8 << 20]
DEFAULT_SPLIT = 4 << 20
WINDOWS = [1, 2, 4, 8, 16, 32]
DEFAULT_WINDOW = 16


def _score(jobs, team, table, flags) -> float:
    """Rows per second with these flags of the coordinator."""
    team.start_coordinator(flags=flags)
    seconds = jobs.span([team.run(kind="SCORE", pipeline="numbers", source={"path": table.name})])
    team.coordinator.process.send_signal(signal.SIGTERM)
    team.coordinator.wait()
    return 3 * ROWS / seconds


def _row(name, what, default, found, label) -> Row:
    best = max(found, key=lambda size: statistics.median(found[size]))
    return Row(name, what, "rows/s", statistics.median(found[default]), statistics.median(found[best]),
               f"at {label(best)}", [mine / other for mine, other in zip(found[default], found[best])], 0.9,
               note=", ".join(f"{label(size)}: {statistics.median(speeds):,.0f} rows/s"
                              for size, speeds in found.items()))


def measure(bench) -> list:
    import jobs
    table = tables.times(bench, tables.numbers(bench, ROWS), 3)
    splits = {size: [] for size in SPLITS}
    windows = {count: [] for count in WINDOWS}
    with jobs.company(bench, start_coordinator=False) as team:
        team.start_coordinator()
        jobs.train_numbers(team, bench)
        team.coordinator.process.send_signal(signal.SIGTERM)
        team.coordinator.wait()
        for _ in range(TURNS):
            for size, speeds in splits.items():
                speeds.append(_score(jobs, team, table, [f"--split_bytes={size}"]))
            for count, speeds in windows.items():
                speeds.append(_score(jobs, team, table, [f"--job_window_batches={count}"]))

    def points(found, unit):
        return [(size / unit, statistics.median(speeds)) for size, speeds in found.items()]
    bench.series.append(Series("sizes-split", "scoring over the size of a split", "--split_bytes, MiB", "rows/s",
                               {"score": points(splits, 1 << 20)}, log_x=True))
    bench.series.append(Series("sizes-window", "scoring over a job's window", "--job_window_batches", "rows/s",
                               {"score": points(windows, 1)}, log_x=True))
    return [_row("sizes-split", "split of 4 MiB (the default) / the best size", DEFAULT_SPLIT, splits,
                 lambda size: f"{size >> 10} KiB"),
            _row("sizes-window", "window of 16 batches (the default) / the best", DEFAULT_WINDOW, windows, str)]

"""Inspect a CSV: `troupe inspect` against the time in which Polars and DuckDB read it.

They read the file into memory with two threads and infer its types; Troupe infers
types over all rows, counts what is missing and shows the first rows.
"""
import statistics

from measuring import Row
import node
import tables

ROWS = 1_000_000
TURNS = 3


def measure(bench) -> list:
    import jobs
    table = tables.times(bench, tables.numbers(bench, ROWS // 5), 5)
    node.modules(bench)
    ours, theirs = [], {"Polars": [], "DuckDB": []}
    with jobs.company(bench) as team:
        for _ in range(TURNS):
            ours.append(jobs.timed(team, "inspect", table.name))
            for tool, turns in theirs.items():
                turns.append(node.run(bench, tool.lower(), "read", table))
    seconds = [turn.seconds for turn in ours]
    return [Row(f"inspect-{tool.lower()}", "types, missing values and first rows of a CSV", "rows/s",
                ROWS / statistics.median(seconds), ROWS / statistics.median(second for second, _ in turns), tool,
                [other / mine for mine, (other, _) in zip(seconds, turns)], goal,
                note=f"{table.stat().st_size / 1e6:.0f} MB; CPU us/row: {jobs.cpu_note(ours, ROWS)}; {tool} "
                     f"{statistics.median(cpu for _, cpu in turns) / ROWS * 1e6:.2f}")
            for (tool, turns), goal in zip(theirs.items(), (1, 2.5))]

"""What a row of the table is, and what its program is given.

A row's module, rows/NAME.py, has a docstring whose first line says what is
compared, and `measure(bench)`, which returns a list of Row. Both sides run in
turn in one run, `repeat` times, so that the machine's noise meets both; each
turn yields one ratio. A module that lacks a package of the other side raises
Skip with the name of the package.
"""
import dataclasses
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Skip(Exception):
    """The row cannot be measured here; the text says what is missing."""


@dataclasses.dataclass
class Row:
    """One line of the table. `ours` and `other` are medians, in `unit`; without
    another side (a goal of its own, such as 100,000 items/s) `other` is the goal
    and each ratio is ours over it. `ratios`: one per turn, at least 1."""
    name: str
    what: str
    unit: str
    ours: float
    other: float
    other_name: str
    ratios: list
    goal: float
    # Whether a ratio at or above the goal reaches it, or one at or below.
    higher_is_better: bool = True
    # Shown under the table: percentiles, counts, why a goal is missed.
    note: str = ""

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    @property
    def spread(self) -> tuple:
        return min(self.ratios), max(self.ratios)

    @property
    def reached(self) -> bool:
        return self.ratio >= self.goal if self.higher_is_better else self.ratio <= self.goal


@dataclasses.dataclass
class Series:
    """Points of a curve, drawn into the picture NAME.png: growth and sizes."""
    name: str
    what: str
    x_label: str
    y_label: str
    # Name of a line: its points (x, y).
    lines: dict
    log_x: bool = False


@dataclasses.dataclass
class Bench:
    """`bin`: the Release programs, among them those of this folder. `work`: a
    folder for tables, kept between runs (build/bench). `series`: where rows put
    their curves."""
    bin: pathlib.Path
    work: pathlib.Path
    repeat: int = 5
    series: list = dataclasses.field(default_factory=list)

    def say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def program(self, name: str, *arguments) -> str:
        """What a program of this folder prints."""
        return subprocess.run([str(self.bin / name), *map(str, arguments)],
                              check=True, stdout=subprocess.PIPE, text=True).stdout

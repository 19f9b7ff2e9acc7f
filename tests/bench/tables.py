"""Tables to measure with, made once and kept under build/bench/tables."""
import contextlib
import fcntl
import pathlib
import subprocess
import sys

from measuring import ROOT


def folder(bench) -> pathlib.Path:
    """Where they lie: a root for the loader."""
    path = bench.work / "tables"
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextlib.contextmanager
def _new(bench, name: str):
    """A file to write, which gets its name when the block ends; None where the
    table is there."""
    path = folder(bench) / name
    with open(folder(bench) / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():
            yield None
            return
        bench.say(f"making {name}")
        new = path.with_name(f"{name}.new")
        with open(new, "wb") as out:
            yield out
        new.rename(path)


def _make(out, *arguments) -> None:
    subprocess.run([sys.executable, ROOT / "deploy/examples/make_mixed.py", *map(str, arguments)], stdout=out,
                   check=True)


def numbers(bench, rows: int, seed: int = 7) -> pathlib.Path:
    """30 columns of numbers and a target `y`, about 280 bytes a row."""
    name = f"numbers-{rows}-{seed}.csv"
    with _new(bench, name) as out:
        if out:
            _make(out, "--numbers", "--rows", rows, "--seed", seed)
    return folder(bench) / name


def customers(bench, rows: int, seed: int = 7) -> pathlib.Path:
    """Numbers, words and missing values; the target is `churned`."""
    name = f"customers-{rows}-{seed}.csv"
    with _new(bench, name) as out:
        if out:
            _make(out, "--rows", rows, "--seed", seed)
    return folder(bench) / name


def wide(bench, columns: int, cells: int) -> pathlib.Path:
    """About so many `cells`, fractions, in so many columns."""
    import numpy
    name = f"wide-{columns}-{cells}.csv"
    with _new(bench, name) as out:
        if out:
            random = numpy.random.default_rng(5)
            header = ",".join(f"w{number}" for number in range(columns)) + "\n"
            form = ",".join(["%.6f"] * columns) + "\n"
            # A tenth of the rows, ten times: numpy is slow at making text.
            values = random.normal(0, 1, (max(1, cells // columns // 10), columns))
            block = "".join(form % tuple(row) for row in values.tolist())
            out.write((header + block * 10).encode())
    return folder(bench) / name


def times(bench, table: pathlib.Path, count: int) -> pathlib.Path:
    """The rows of `table`, `count` times."""
    name = f"{table.stem}-x{count}.csv"
    with _new(bench, name) as out:
        if out:
            text = table.read_bytes()
            out.write(text)
            for _ in range(count - 1):
                out.write(memoryview(text)[text.index(b"\n") + 1:])
    return table.with_name(name)

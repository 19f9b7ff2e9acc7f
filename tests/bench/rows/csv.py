"""Typed CSV parse, per core: our loader against the goal, its scalar reader, and pandas."""
import json
import statistics
import time

from measuring import Row
import tables

MEGABYTES = 24


def _pandas(bench) -> str:
    """GB/s of pandas.read_csv on like text, for the note."""
    try:
        import pandas
    except ImportError:
        return "pandas: python3-pandas is missing"
    path = tables.numbers(bench, MEGABYTES * 3_500)
    speeds = []
    for _ in range(2):
        started = time.process_time()
        pandas.read_csv(path)
        speeds.append(path.stat().st_size / (time.process_time() - started) / 1e9)
    return f"pandas.read_csv {max(speeds):.3f} GB/s"


def measure(bench) -> list:
    found = {}
    for kind in ("floats", "digits", "mixed"):
        turns = [json.loads(bench.program("bench_csv", f"--input={kind}", f"--megabytes={MEGABYTES}",
                                          "--repetitions=3")) for _ in range(3 if kind == "floats" else 1)]
        found[kind] = turns
    floats = found["floats"]

    def median(value):
        return statistics.median(value(turn) for turn in floats)
    speed = [turn["load"]["ours"] for turn in floats]
    other = "; ".join(f"{kind}: load {turns[0]['load']['ours']:.3f}, plan with inference "
                      f"{turns[0]['plan']['ours']:.3f}, scan {turns[0]['scan']['ours']:.3f} GB/s"
                      for kind, turns in found.items())
    scan = [turn["scan_over_load"] for turn in floats]
    return [
        Row("csv", "typed CSV parse, 30 floats a row, file to wire", "GB/s per core", statistics.median(speed), 0.35,
            "goal", [each / 0.35 for each in speed], 1.0, note=f"{_pandas(bench)}. {other}"),
        Row("csv-simd", "the same, block reader / scalar machine", "GB/s per core", statistics.median(speed),
            median(lambda turn: turn["load"]["scalar"]), "scalar", [turn["load"]["ratio"] for turn in floats], 1.0,
            note="; ".join(f"{kind} {turns[0]['load']['ratio']:.2f}" for kind, turns in found.items())),
        Row("csv-scan", "planning scan / load, CPU time", "GB/s per core",
            median(lambda turn: turn["scan"]["ours"]), statistics.median(speed), "load", scan, 0.1,
            higher_is_better=False,
            note=f"without the digest of the input (SHA-256, {floats[0]['digest']:.2f} GB/s), which the scan makes "
                 f"on its way: {median(lambda turn: turn['scan_without_digest_over_load']):.3f}"),
    ]

"""The message chain against the same in Python: grpc.aio, 4 processes, queue and worker in each stage."""
import importlib.util
import json
import subprocess
import sys

from measuring import ROOT, Row, Skip
import chains

TURNS = 3


def measure(bench) -> list:
    if not importlib.util.find_spec("grpc"):
        raise Skip("python3-grpcio is missing")
    import company
    program = [sys.executable, "-B", str(ROOT / "tests/bench/aio_chain.py"), f"--stubs={company.STUBS}"]
    rows = []
    with chains.stages([chains.ours(bench), program]) as (our_stages, python_stages):
        for concurrency in (16, 128):
            turns = []
            for _ in range(TURNS):
                mine = chains.send(bench, our_stages, "dispatch", concurrency=concurrency)
                said = subprocess.run([*program, f"--stages={python_stages}", f"--concurrency={concurrency}"],
                                      stdout=subprocess.PIPE, text=True, check=True).stdout
                turns.append((mine, json.loads(said)))
            mine, theirs = ([pair[side] for pair in turns] for side in (0, 1))
            rows.append(Row(
                f"python_chain-{concurrency}", f"64 B, {concurrency} at once", "messages/s",
                chains.median(mine, "messages_per_s"), chains.median(theirs, "messages_per_s"), "Python grpc.aio",
                [own["messages_per_s"] / other["messages_per_s"] for own, other in turns], 8,
                note=f"p50/p95/p99 us: {chains.percentiles(mine)}, Python {chains.percentiles(theirs)}"))
    return rows

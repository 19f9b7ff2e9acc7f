"""Tables through three hops: MB/s against a bare relay that hands on the bytes unparsed."""
from measuring import Row
import chains

TURNS = 5
TEXT = 1000


def measure(bench) -> list:
    rows = []
    with chains.both(bench) as turn:
        for name, size in (("256K", 256 << 10), ("1M", 1 << 20), ("4M", 4 << 20)):
            turns = [turn(link=("dispatch", "raw"), concurrency=4, rows=size // TEXT, bytes=TEXT, time="1s")
                     for _ in range(TURNS)]
            speeds = [[sent["messages_per_s"] * sent["table_bytes"] / 1e6 for sent in pair] for pair in turns]
            middle = [sorted(side)[TURNS // 2] for side in zip(*speeds)]
            rows.append(Row(f"bytes-{name}", f"tables of {name}iB, 4 at once", "MB/s", middle[0], middle[1],
                            "bare relay of bytes", [mine / other for mine, other in speeds], 0.8))
    return rows

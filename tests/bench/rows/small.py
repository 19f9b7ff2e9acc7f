"""Small messages, 64 to a call: items/s through three stages."""
from measuring import Row
import chains

GOAL = 100_000
BATCH = 64
TURNS = 5


def measure(bench) -> list:
    with chains.both(bench) as turn:
        turns = [turn(concurrency=16, rows=BATCH) for _ in range(TURNS)]
    items = [[BATCH * sent["messages_per_s"] for sent in pair] for pair in turns]
    middle = [sorted(side)[TURNS // 2] for side in zip(*items)]
    return [Row("small", f"items of 64 B, {BATCH} to a call, 16 calls at once", "items/s", middle[0], GOAL, "the goal",
                [mine / GOAL for mine, _ in items], 1,
                note=f"bare chain {middle[1]:,.0f} items/s, ours / bare {middle[0] / middle[1]:.2f}")]

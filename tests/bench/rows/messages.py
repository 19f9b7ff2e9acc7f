"""Messages through three stages in 4 processes: ours against the same chain in bare gRPC.

Ours: stages with mailbox and actor, chained by the coordinator's dispatcher and
client. Bare: stages that answer on gRPC's own thread and a client that sends on
what it receives; the same completion queues, messages and allocator settings.
The latencies of the turn with the median p50 are drawn, a picture each.
"""
from measuring import Row, Series
import chains

TURNS = 5


def measure(bench) -> list:
    rows = []
    with chains.both(bench) as turn:
        for concurrency in (1, 16, 128):
            turns = [turn(concurrency=concurrency) for _ in range(TURNS)]
            mine, theirs = ([pair[side] for pair in turns] for side in (0, 1))
            bench.series.append(Series(
                f"latency-{concurrency}", f"one message through three stages, {concurrency} at once",
                "percent of the messages", "at most so many us",
                {name: sorted(side, key=lambda sent: sent["p50_us"])[TURNS // 2]["percentiles"]
                 for name, side in (("ours", mine), ("bare gRPC", theirs))}))
            rows.append(Row(
                f"messages-{concurrency}", f"64 B, {concurrency} at once", "messages/s",
                chains.median(mine, "messages_per_s"), chains.median(theirs, "messages_per_s"), "bare gRPC",
                [own["messages_per_s"] / other["messages_per_s"] for own, other in turns], 0.85,
                note=f"p50/p95/p99 us: {chains.percentiles(mine)}, bare {chains.percentiles(theirs)}"))
    return rows

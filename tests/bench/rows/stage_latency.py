"""What one stage adds to a call: mailbox, actor and host against a bare unary echo, one message at a time."""
from measuring import Row
import chains

GOAL_US = 100
TURNS = 7


def measure(bench) -> list:
    with chains.both(bench, hops=1) as turn:
        # The same client on both sides: what is left is the stage.
        turns = [turn(link=("bare", "bare"), concurrency=1, time="600ms") for _ in range(TURNS)]
        mine, theirs = ([pair[side] for pair in turns] for side in (0, 1))
    added = [own["mean_us"] - other["mean_us"] for own, other in turns]
    return [Row("stage_latency", "added by one stage, concurrency 1, mean", "us", sorted(added)[len(added) // 2],
                GOAL_US, "the goal", [each / GOAL_US for each in added], 1, higher_is_better=False,
                note=f"mean us {chains.median(mine, 'mean_us'):.0f}, bare {chains.median(theirs, 'mean_us'):.0f}; "
                     f"p50/p95/p99 {chains.percentiles(mine)}, bare {chains.percentiles(theirs)}")]

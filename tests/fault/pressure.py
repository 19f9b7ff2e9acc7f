"""More load than the stages can take, and consumers that are slow."""
import concurrent.futures
import json
import pathlib
import statistics
import subprocess
import sys
import time

from fleet import Fleet, coordinator_pb2

MB = 1 << 20


def test_slow_consumer(run):
    """10: a stage far slower than the others: memory stays bounded."""
    rows, window, finer = 1_000_000, 32 * MB, run.count(1, 16)  # The stage takes its time for each batch.
    with Fleet(run.state, split_bytes=MB // finer, flags={"coordinator": [
            f"--job_window_bytes={window}", f"--job_window_batches={16 * finer}"]}) as fleet:
        fleet.launch()
        job = fleet.score("slower", rows)
        fleet.progressing(job)
        begin, most = {actor: actor.rss_mb() for actor in fleet.actors}, {}
        middle = {}
        seconds = run.count(15, 600)
        start = time.monotonic()
        while time.monotonic() - start < seconds and fleet.get(job).state not in (
                coordinator_pb2.SUCCEEDED, coordinator_pb2.FAILED):
            for actor in fleet.actors:
                most[actor] = max(most.get(actor, 0), actor.rss_mb())
            if time.monotonic() - start > seconds / 2 and not middle:
                middle = {actor: actor.rss_mb() for actor in fleet.actors}
            time.sleep(0.2)
        lanes = [lane for actor in fleet.actors if actor is not fleet.coordinator for lane in actor.stats().lanes]
        refused, taken = sum(sum(lane.rejected.values()) for lane in lanes), sum(lane.accepted for lane in lanes)
        fleet.verify(job, rows, run.golden(rows), patience_s=600)
        worst = max(most, key=most.get)
        assert most[worst] <= window / MB + 256, f"{worst.name} grew to {most[worst]:.0f} MB"
        assert refused <= 0.1 * max(1, taken), f"{refused} of {taken} dispatches were refused"
        drift = max((most[actor] / middle[actor] - 1 for actor in middle), default=0)
        return (f"{worst.name} at most {most[worst]:.0f} MB of {window // MB + 256}; "
                f"from {max(begin.values()):.0f} MB, second half +{100 * drift:.0f} %; "
                f"{refused} refused of {taken + refused}")


# Capacity of the overloaded stage: one message in 50 ms.
WORK_MS = 50
CAPACITY = 1000 / WORK_MS


def _fire(address, rate, seconds, processes=2):
    """Calls at a steady rate from several client processes; their counts put together."""
    client = pathlib.Path(__file__).with_name("overload_client.py")
    command = [sys.executable, "-B", client, address, str(rate / processes), str(seconds), str(WORK_MS)]
    with concurrent.futures.ThreadPoolExecutor(processes) as pool:
        outputs = list(pool.map(lambda _: subprocess.run(command, capture_output=True, text=True, check=True,
                                                         timeout=seconds + 120).stdout, range(processes)))
    counts = [json.loads(text) for text in outputs]
    return {key: sum((count[key] for count in counts), [] if isinstance(counts[0][key], list) else 0)
            for key in counts[0]}


def _percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else 0.0


def test_overload(run):
    """11: a hundred times the load that a stage can carry, from many clients."""
    seconds = run.count(8, 60)
    with Fleet(run.state, flags={"faulty": ["--mailbox_messages=8"]}) as fleet:
        stage = fleet.running("faulty")[0]
        peak = _fire(stage.address, 1.5 * CAPACITY, seconds)
        storm = _fire(stage.address, 100 * CAPACITY, seconds)
        begin, calm = time.monotonic(), {"ok": [], "refused": [9]}
        while calm["refused"] or not calm["ok"] or statistics.median(calm["ok"]) > 3 * WORK_MS / 1000:
            assert time.monotonic() - begin < 20, "not back to normal 10 s after"
            calm = _fire(stage.address, CAPACITY / 4, 1, 1)
        normal = time.monotonic() - begin
        good, refusal = len(storm["ok"]) / len(peak["ok"]), 1000 * _percentile(storm["refused"], 0.99)
        assert storm["other"] == 0 and peak["other"] == 0, f"{storm['other']} other errors, {storm['first_other']}"
        assert storm["bare"] == 0, f"{storm['bare']} rejections without RetryInfo or MAILBOX_FULL"
        assert len(storm["refused"]) > 10 * len(storm["ok"]), "that was no overload"
        waited = max(storm["ok"])
        assert good >= 0.9, f"goodput {100 * good:.0f} % of the peak"
        assert refusal < 50, f"p99 of rejections {refusal:.0f} ms"
        assert waited <= 11 * WORK_MS / 1000 + 0.5, f"an accepted call took {waited:.2f} s"
        assert normal <= 10, f"normal only {normal:.1f} s after"
        return (f"{len(storm['refused']) + len(storm['ok'])} calls in {seconds} s; goodput {100 * good:.0f} % of the "
                f"peak, rejections p99 {refusal:.1f} ms, accepted at most {1000 * waited:.0f} ms, normal "
                f"after {normal:.1f} s")

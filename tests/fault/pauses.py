"""Processes that stand still and networks that swallow packets."""
import signal
import time

from company import wait_for
from fleet import DONE, ENDED, Fleet, coordinator_pb2, cut_off, state_name

ROWS = 300_000
SOME = 150_000


def test_stopped_replica(run):
    """5: SIGSTOP of one of two replicas."""
    golden, pause = run.golden(ROWS), run.count(20, 60)
    with Fleet(run.state, replicas={"faulty": 2}) as fleet:
        fleet.launch()
        job = fleet.score("slow", ROWS)
        fleet.progressing(job)
        alone = fleet.rate(job, 8) / 2
        victim = fleet.running("faulty")[0]
        victim.signal(signal.SIGSTOP)
        begin, recovered, best = time.monotonic(), None, 0.0
        try:
            while time.monotonic() - begin < pause:
                rate = fleet.rate(job, 4)
                best = max(best, rate)
                if rate >= 0.9 * alone and recovered is None:
                    recovered = time.monotonic() - begin
        finally:
            victim.signal(signal.SIGCONT)
        done = fleet.verify(job, ROWS, golden)
        assert recovered is not None and recovered <= 35, (
            f"{best:.0f} rows/s at best during {pause} s, one replica alone makes {alone:.0f}")
        return (f"{pause} s; 90 % of {alone:.0f} rows/s again after {recovered:.0f} s at the latest; "
                f"{done.progress.retries} retries")


def test_stopped_coordinator(run):
    """6: SIGSTOP of the coordinator."""
    golden, pause = run.golden(100_000), run.count(10, 60)
    with Fleet(run.state) as fleet:
        fleet.launch()
        job = fleet.score("paced", 100_000)
        fleet.progressing(job)
        fleet.coordinator.signal(signal.SIGSTOP)
        try:
            time.sleep(pause)
        finally:
            fleet.coordinator.signal(signal.SIGCONT)
        begin = time.monotonic()
        fleet.verify(job, 100_000, golden)
        assert all(actor.process.poll() is None for actor in fleet.actors), "a process ended"
        return f"{pause} s; done {time.monotonic() - begin:.1f} s later, no process ended"


def test_partition_of_one(run):
    """7: one of two replicas cannot be reached: no stall."""
    golden, pause = run.golden(SOME), run.count(12, 30)
    with Fleet(run.state, replicas={"faulty": 2}) as fleet:
        fleet.launch()
        job = fleet.score("slow", SOME)
        fleet.progressing(job)
        quiet = 0.0
        with cut_off(fleet.running("faulty")[0].port):
            begin = last = time.monotonic()
            rows = fleet.rows_ok(job)
            while time.monotonic() - begin < pause:
                now = fleet.get(job)
                assert now.state != coordinator_pb2.STALLED, "the job is stalled, and one replica serves"
                if now.progress.rows_ok > rows:
                    quiet, last, rows = max(quiet, time.monotonic() - last), time.monotonic(), now.progress.rows_ok
                time.sleep(0.1)
            quiet = max(quiet, time.monotonic() - last)
        done = fleet.verify(job, SOME, golden)
        assert quiet <= 10, f"{quiet:.1f} s without a row"
        return f"{pause} s; at most {quiet:.1f} s without a row, {done.progress.retries} retries"


def test_partition_of_all(run):
    """7: no replica of a stage can be reached: STALLED, and on by itself."""
    golden = run.golden(SOME)
    with Fleet(run.state, replicas={"faulty": 2}) as fleet:
        fleet.launch()
        job = fleet.score("slow", SOME)
        fleet.progressing(job)
        with cut_off(*(actor.port for actor in fleet.running("faulty"))):
            begin = time.monotonic()
            stalled = wait_for(lambda: (now := fleet.get(job)).state in (coordinator_pb2.STALLED, *ENDED) and now,
                               "the job is stalled", 60)
            seen = time.monotonic() - begin
            assert stalled.state == coordinator_pb2.STALLED, f"{state_name(stalled)} {stalled.error.message}"
            time.sleep(run.count(0, 30))
            rows = fleet.rows_ok(job)
        begin = time.monotonic()
        wait_for(lambda: (now := fleet.get(job)).progress.rows_ok > rows or now.state in DONE, "it goes on", 60)
        healed = time.monotonic() - begin
        done = fleet.verify(job, SOME, golden)
        assert seen <= 35 and healed <= 5, f"STALLED after {seen:.1f} s (35), on {healed:.1f} s after (5)"
        assert done.progress.retries == 0, f"{done.progress.retries} attempts charged"
        return f"STALLED after {seen:.1f} s, on again {healed:.1f} s after the healing, 0 attempts charged"

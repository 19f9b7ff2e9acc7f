"""What operators do, and what must not disturb: restarts, scaling, clocks, doubled submits and coordinators."""
import concurrent.futures
import contextlib
import pathlib
import signal
import subprocess
import time

import grpc

import company
from company import wait_for
from fleet import ENDED, STAGES, Fleet, Skipped, coordinator_pb2, state_name, strace
from relay import Relay

ROWS = 100_000
TWO = {stage: 2 for stage in STAGES}


def _leave(actor):
    """SIGTERM; seconds until the exit code 0."""
    actor.port  # pylint: disable=pointless-statement
    begin = time.monotonic()
    actor.signal(signal.SIGTERM)
    code = actor.process.wait(30)
    assert code == 0, f"{actor.name} ended with {code}:\n{actor.tail()}"
    return time.monotonic() - begin


def _serving(fleet, count):
    def all_serve():
        return sum(replica.serving for stage in fleet.topology().stages for replica in stage.replicas) == count
    wait_for(all_serve, f"{count} replicas serve", 30)


def test_rolling_restart(run):
    """19: SIGTERM and a new start of every stage's replicas, one after the other, under load."""
    rows, slowest, stopped = 300_000, 0.0, 0
    golden = run.golden(rows)
    with Fleet(run.state, replicas=TWO) as fleet:
        fleet.launch()
        job, retries, jobs = fleet.score("paced", rows), 0, 1
        fleet.progressing(job)
        for actor in [actor for _ in range(run.count(1, 5)) for actor in fleet.actors if actor.name in STAGES]:
            if fleet.get(job).state in ENDED:
                retries += fleet.verify(job, rows, golden).progress.retries
                job, jobs = fleet.score("paced", rows), jobs + 1
            slowest, stopped = max(slowest, _leave(actor)), stopped + 1
            actor.start()
            assert actor.serving(), actor.tail()
            _serving(fleet, 2 * len(STAGES))
        retries += fleet.verify(job, rows, golden).progress.retries
        assert slowest < 10, f"a drain took {slowest:.1f} s"
        assert retries == 0, f"{retries} attempts charged"
        return f"{stopped} restarts in {jobs} jobs, each exit code 0 within {slowest:.1f} s, 0 attempts charged"


def test_scale(run):
    """20: from one sleeping replica to four, and back."""
    rows = run.count(200_000, 400_000)
    golden, window = run.golden(rows), run.count(6, 20)
    with Fleet(run.state, split_bytes=32768) as fleet:
        fleet.launch()
        job = fleet.score("slow", rows)
        fleet.progressing(job)
        one = fleet.rate(job, window)
        begin = time.monotonic()
        added = [fleet.add("faulty") for _ in range(3)]
        first = {}
        while len(first) < 3 and time.monotonic() - begin < 30:
            for actor in added:
                if actor not in first and sum(lane.rows for lane in actor.stats().lanes):
                    first[actor] = time.monotonic() - begin
            time.sleep(0.05)
        assert len(first) == 3 and max(first.values()) <= 10, f"first batches after {list(first.values())}"
        four = fleet.rate(job, window)
        for actor in added:
            _leave(actor)
        fleet.publish()
        done = fleet.verify(job, rows, golden)
        assert four >= 3 * one, f"{four:.0f} rows/s with four, {one:.0f} with one"
        return (f"first batches within {max(first.values()):.1f} s, {four / one:.1f} x the throughput, "
                f"{done.progress.retries} attempts charged on the way back")


def test_clock(run):
    """18: the coordinator's wall clock jumps by an hour and a day, both ways."""
    libraries = sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not libraries:
        raise Skipped("no libfaketime here")
    golden = run.golden(ROWS)
    with Fleet(run.state) as fleet:
        clock = fleet.directory / "clock"
        clock.write_text("+0\n")
        fleet.launch(environment={"LD_PRELOAD": str(libraries[0]), "FAKETIME_TIMESTAMP_FILE": str(clock),
                                  "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                                  "DONT_FAKE_MONOTONIC": "1"})
        jobs = []
        for jump in ("+1h", "-1h", "+1d", "-1d"):
            clock.write_text("+0\n")
            job = fleet.score("paced", ROWS)
            fleet.progressing(job)
            clock.write_text(jump + "\n")
            done = fleet.verify(job, ROWS, golden)
            lasted = done.end_time.seconds - done.start_time.seconds
            assert done.progress.retries == 0, f"{jump}: {done.progress.retries} attempts charged"
            assert lasted >= 0, f"{jump}: the job lasted {lasted} s by its own account"
            jobs.append(jump)
        return f"{', '.join(jobs)}: no attempt charged, no negative duration"


def test_submit_once(run):
    """27: a hundred equal submits at once, and kills between commit and reply."""
    rows = 20_000
    golden = run.golden(rows)
    with Fleet(run.state, split_bytes=32768) as fleet:
        fleet.table(rows)
        fleet.launch()
        with concurrent.futures.ThreadPoolExecutor(100) as pool:
            ids = {future.result() for future in
                   [pool.submit(fleet.score, "plain", rows, "same") for _ in range(100)]}
        assert len(ids) == 1, f"{len(ids)} jobs from equal submits"
        fleet.verify(ids.pop(), rows, golden)
        kills = 0
        for k in run.count((1, 2, 3), range(1, 13)):
            request, known = f"killed-{k}", set()
            fleet.coordinator.kill()
            # The first syncs are those of the start; the next is that of the submit.
            fleet.launch(before=strace("/dev/null", "trace=fdatasync",
                                       f"inject=fdatasync:signal=SIGKILL:when={k}+"), wait=False)
            if fleet.coordinator.serving():
                with contextlib.suppress(grpc.RpcError):
                    known.add(fleet.score("plain", rows, request))
                wait_for(lambda: fleet.coordinator.process.poll() is not None, "it is killed", 30)
            kills += 1
            fleet.relaunch()
            known.add(wait_for(lambda: _submit(fleet, rows, request), "the submit is taken", 30))
            assert len(known) == 1, f"{known} from one request"
            fleet.verify(known.pop(), rows, golden)
        listed = fleet.stub.ListJobs(coordinator_pb2.ListJobsRequest(), timeout=30).jobs
        requests = [fleet.get(job.id).request.request_id for job in listed]
        doubled = {request for request in requests if request and requests.count(request) > 1}
        assert not doubled, f"several jobs of one request: {doubled}"
        return f"100 submits, 1 job; {kills} kills around the commit, 1 job each"


def _submit(fleet, rows, request):
    try:
        return fleet.score("plain", rows, request)
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.UNAVAILABLE, error
        return ""


def test_cancel_and_resume(run):
    """27: cancel at random times: at rest within 2 s, nothing published; resumed to the same bytes."""
    golden, slowest, times = run.golden(ROWS), 0.0, run.count(3, 10)
    with Fleet(run.state) as fleet:
        fleet.launch()
        for _ in range(times):
            job = fleet.score("paced", ROWS)
            time.sleep(run.random.uniform(0, 1.2))
            begin = time.monotonic()
            fleet.stub.CancelJob(coordinator_pb2.CancelJobRequest(id=job), timeout=30)
            ended = fleet.ended(job)
            slowest = max(slowest, time.monotonic() - begin)
            assert ended.state == coordinator_pb2.CANCELLED, state_name(ended)
            assert not fleet.directory_of(job).exists() and not ended.manifest.parts, "something was published"
            fleet.stub.ResumeJob(coordinator_pb2.ResumeJobRequest(id=job), timeout=30)
            wait_for(lambda: fleet.get(job).state != coordinator_pb2.CANCELLED, "it goes on", 30)
            fleet.verify(job, ROWS, golden)
        assert slowest <= 2, f"a cancel took {slowest:.1f} s"
        return f"{times} times; at rest within {slowest:.2f} s, nothing published, resumed to the same bytes"


def test_second_coordinator(run):
    """28: a second coordinator on the same state directory."""
    with Fleet(run.state) as fleet:
        fleet.launch()
        first = fleet.coordinator
        begin = time.monotonic()
        second = subprocess.run(
            [company.BIN / "troupe-coordinator", "--port", "0", f"--state_dir={fleet.state}"],
            capture_output=True, text=True, timeout=30, check=False)
        took = time.monotonic() - begin
        assert second.returncode != 0 and took <= 2, f"exit code {second.returncode} after {took:.1f} s"
        assert "another coordinator works in" in second.stderr, second.stderr
        fleet.verify(fleet.score("plain", 20_000), 20_000, run.golden(20_000))
        assert first.process.poll() is None, "the first one ended"
        return f"refused with exit code {second.returncode} after {took:.2f} s; the first one works on"


def stale_replies(run, program=None):
    """One of two replicas stands behind a network that repeats old replies; says what came through."""
    golden = run.golden(ROWS)
    with (Fleet(run.state, replicas={"faulty": 2}, program=program) as fleet,
          Relay(fleet.running("faulty")[0].address) as relay):
        fleet.extra_targets = {"faulty": [relay.address, fleet.running("faulty")[1].address]}
        fleet.publish()
        fleet.launch()
        fleet.verify(fleet.score("paced", ROWS), ROWS, golden)
        assert relay.stale, "no old reply was sent"
        return f"{relay.stale} old replies, none counted"


def test_stale_replies(run):
    """28: replies to another attempt, another batch and another epoch are dropped."""
    return stale_replies(run)

"""kill -9: of the stages, of the coordinator, of all at once, and at every system call of a commit."""
import collections
import pathlib
import re
import tempfile
import time

import grpc

from fleet import DONE, STAGES, Fleet, coordinator_pb2, spec, state_name, strace

ROWS = 300_000
TWO = {stage: 2 for stage in STAGES}
# What a commit and the end of a job do to the disk.
CALLS = ("fdatasync", "fsync", "rename", "pwrite64", "write", "writev", "ftruncate", "unlink", "mkdir")


def _rest(run, least, most):
    time.sleep(run.random.uniform(least, most))


def test_kill_stages(run):
    """1: each stage's replicas at random instants."""
    golden, kills, jobs = run.golden(ROWS), run.count(12, 80), 0
    with Fleet(run.state, replicas=TWO) as fleet:
        fleet.launch()
        begin = time.monotonic()
        fleet.verify(fleet.score("paced", ROWS), ROWS, golden)
        calm = time.monotonic() - begin
        left = [stage for stage in STAGES for _ in range(kills // len(STAGES))]
        run.random.shuffle(left)
        longest, hits = 0.0, 0
        while left:
            begin, job, jobs = time.monotonic(), fleet.score("paced", ROWS), jobs + 1
            for stage in [left.pop() for _ in range(min(4, len(left)))]:
                _rest(run, 0.05, 0.5)
                run.random.choice(fleet.running(stage)).restart()
                hits += fleet.get(job).state not in DONE
            done = fleet.verify(job, ROWS, golden)
            longest = max(longest, time.monotonic() - begin)
        assert hits >= kills / 2, f"only {hits} of {kills} kills met a running job"
        assert longest < 2 * calm + 10, f"a job took {longest:.1f} s, undisturbed {calm:.1f} s"
        return (f"{kills} kills in {jobs} jobs, {hits} of them under way; the slowest {longest:.1f} s, undisturbed {calm:.1f} s; "
                f"last one: {done.progress.retries} retries")


def test_kill_coordinator_scoring(run):
    """2: the coordinator at random instants of score jobs."""
    golden, kills, redone, restart = run.golden(ROWS), run.count(6, 20), [], []
    with Fleet(run.state) as fleet:
        fleet.launch()
        while len(redone) < kills:
            job = fleet.score("paced", ROWS)
            for _ in range(min(3, kills - len(redone))):
                _rest(run, 0.1, 0.8)
                before = fleet.get(job)
                fleet.coordinator.kill()
                begin = time.monotonic()
                fleet.launch()
                after = fleet.get(job)
                while after.state not in DONE and after.progress.rows_ok <= before.progress.rows_ok:
                    after = fleet.get(job)
                    assert time.monotonic() - begin < 30, f"no progress after 30 s: {state_name(after)}"
                restart.append(time.monotonic() - begin)
                redone.append(before.progress.rows_ok)
            fleet.verify(job, ROWS, golden)
        assert max(restart) <= 5, f"only {max(restart):.1f} s after the kill there was progress"
        return f"{kills} kills; beyond the old place after {max(restart):.1f} s at most"


def test_kill_coordinator_training(run):
    """2: the coordinator at random instants of train jobs."""
    kills, training = run.count(4, 20), _training("paced", "trained")
    with Fleet(run.state) as fleet:
        fleet.launch()
        fleet.table(30_000, "train.csv")
        calm = fleet.run(kind="TRAIN", spec=training)
        for kill in range(kills):
            job = fleet.create(kind="TRAIN", spec=training).id
            _rest(run, 0.05, 2.0)
            fleet.relaunch()
            done = fleet.ended(job)
            assert done.state == coordinator_pb2.SUCCEEDED, f"{state_name(done)}: {done.error.message}"
            assert done.pipeline == f"trained@{kill + 2}", f"stored {done.pipeline}, not trained@{kill + 2}"
            assert done.report == calm.report, "the report is not that of the undisturbed training"
        return f"{kills} kills, {kills} versions stored, each with the undisturbed report"


def test_kill_stages_training(run):
    """1: the only replica of each stage at random instants of train jobs."""
    kills, hits, training = run.count(6, 30), 0, _training("paced", "trained")
    with Fleet(run.state) as fleet:
        fleet.launch()
        fleet.table(30_000, "train.csv")
        calm = fleet.run(kind="TRAIN", spec=training)
        victims = [stage for stage in STAGES for _ in range(kills // len(STAGES))]
        run.random.shuffle(victims)
        for stage in victims:
            job = fleet.create(kind="TRAIN", spec=training).id
            _rest(run, 0.05, 2.0)
            run.random.choice(fleet.running(stage)).restart()
            hits += fleet.get(job).state not in DONE
            done = fleet.ended(job)
            assert done.state == coordinator_pb2.SUCCEEDED, f"{stage}: {state_name(done)}: {done.error.message}"
            assert done.report == calm.report, f"{stage}: the report is not that of the undisturbed training"
        assert hits >= kills / 2, f"only {hits} of {kills} kills met a running job"
        return f"{kills} kills, {hits} of them under way, each with the undisturbed report"


def _training(pipeline, name):
    return {**spec(pipeline), "name": name, "split": {"test": 0.2}}


def test_kill_all(run):
    """4: every process at once."""
    golden, kills = run.golden(ROWS), run.count(3, 10)
    with Fleet(run.state) as fleet:
        fleet.launch()
        job = fleet.score("paced", ROWS)
        for kill in range(kills):
            _rest(run, 0.2, 1.2)
            for actor in fleet.actors:
                actor.port  # pylint: disable=pointless-statement
                actor.killed = True
                actor.process.kill()
            for actor in fleet.actors:
                actor.process.wait()
                actor.start()
            for actor in fleet.actors:
                assert actor.serving(), actor.tail()
            if fleet.get(job).state in DONE:
                fleet.verify(job, ROWS, golden)
                job = fleet.score("paced", ROWS) if kill + 1 < kills else job
        fleet.verify(job, ROWS, golden)
        return f"{kills} times"


COMMITS = 20_000


def _counted(run, log):
    """How often one thread of the coordinator makes each of CALLS while it starts and runs a job, at most."""
    with Fleet(run.state, split_bytes=32768) as fleet:
        fleet.launch(before=strace(log, f"trace={','.join(CALLS)}"))
        fleet.ended(fleet.score("plain", COMMITS))
    by_thread = collections.Counter(re.findall(r"^(\d+)\s+(\w+)\(", log.read_text(), re.M))
    most = collections.Counter()
    for (_, call), times in by_thread.items():  # strace's when= counts for each thread.
        most[call] = max(most[call], times)
    return most


def test_kill_at_commit_calls(run):
    """3: at the k-th of each system call, then again without."""
    golden = run.golden(COMMITS)
    with tempfile.TemporaryDirectory() as scratch:
        counted = _counted(run, pathlib.Path(scratch) / "calls")
    struck, missed = collections.Counter(), 0
    for call, most in sorted(counted.items()):
        wanted = min(most, run.count(5, most))
        for k in sorted({1 + round(index * (most - 1) / max(1, wanted - 1)) for index in range(wanted)}):
            if _strike(run, call, k, golden):
                struck[call] += 1
            else:
                missed += 1
    assert struck, "no system call was struck"
    return (f"{sum(struck.values())} kills ({', '.join(f'{call} {n} of {counted[call]}' for call, n in struck.items())}); "
            f"{missed} times the job ended before the k-th call")


def _strike(run, call, k, golden):
    """Whether the coordinator died of it."""
    with Fleet(run.state, split_bytes=32768) as fleet:
        fleet.table(COMMITS)
        request = {"kind": "SCORE", "pipeline": "plain", "source": {"path": "big.csv"}, "request_id": "one"}
        fleet.launch(before=strace("/dev/null", f"trace={call}", f"inject={call}:signal=SIGKILL:when={k}"), wait=False)
        coordinator = fleet.coordinator
        if coordinator.process.poll() is None:
            try:
                job = fleet.create(**request).id
                while coordinator.process.poll() is None and fleet.stub.GetJob(
                        coordinator_pb2.GetJobRequest(id=job), timeout=20).state not in DONE:
                    time.sleep(0.01)
            except grpc.RpcError:
                pass
        time.sleep(0.05)
        died = coordinator.process.poll() is not None
        coordinator.kill()
        fleet.again()
        fleet.verify(fleet.create(**request).id, COMMITS, golden)
        return died

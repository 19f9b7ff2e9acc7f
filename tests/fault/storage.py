"""Disks that are full, fail or lie."""
import contextlib
import re
import shutil
import signal
import subprocess
import time

import grpc

from company import wait_for
from fleet import (DONE, ENDED, Fleet, coordinator_pb2, fill, need_isolation, small_disk, state_name, strace)

ROWS = 100_000


def _full(run, fleet, disk, leave, job_rows, golden):
    """Fills `disk` under a running job; how long until DISK_FULL, then on to the end."""
    fleet.launch()
    job = fleet.score("paced", job_rows)
    fleet.progressing(job)
    begin = time.monotonic()
    ballast = fill(disk, leave)
    try:
        full = wait_for(lambda: (now := fleet.get(job)).state in ENDED and now, "the disk is full", 60)
        seen = time.monotonic() - begin
        assert full.state == coordinator_pb2.DISK_FULL, f"{state_name(full)}: {full.error.message}"
        assert not fleet.directory_of(job).exists(), "output was published"
        assert not full.manifest.parts, "the job has a manifest"
    finally:
        ballast.unlink()
    fleet.stub.ResumeJob(coordinator_pb2.ResumeJobRequest(id=job), timeout=30)
    wait_for(lambda: fleet.get(job).state != coordinator_pb2.DISK_FULL, "it goes on", 30)
    fleet.verify(job, job_rows, golden)
    assert seen <= 5, f"DISK_FULL only after {seen:.1f} s"
    return f"DISK_FULL after {seen:.1f} s, nothing published, resumed to the same bytes"


def test_disk_full_output(run):
    """14: the output's disk."""
    golden = run.golden(ROWS)
    with Fleet(run.state) as fleet, small_disk(fleet.state / "output") as disk:
        try:
            return _full(run, fleet, disk, 64 << 10, ROWS, golden)
        finally:
            _stop(fleet)


def test_disk_full_journal(run):
    """14: the journal's disk, while the output has space."""
    golden = run.golden(ROWS)
    need_isolation()
    with Fleet(run.state) as fleet, contextlib.ExitStack() as mounts:
        kept = fleet.directory / "kept"
        shutil.move(fleet.state, kept)
        disk = mounts.enter_context(small_disk(fleet.state))
        shutil.copytree(kept, disk, dirs_exist_ok=True)
        (fleet.directory / "wide").mkdir()
        (disk / "output").mkdir(exist_ok=True)
        subprocess.run(["mount", "--bind", fleet.directory / "wide", disk / "output"], check=True)
        mounts.callback(subprocess.run, ["umount", "--lazy", disk / "output"], check=True)
        mounts.callback(_stop, fleet)
        return _full(run, fleet, disk, 16 << 10, ROWS, golden)


def _stop(fleet):
    """The coordinator, before its disk goes."""
    if fleet.coordinator and fleet.coordinator.process.poll() is None:
        fleet.coordinator.signal(signal.SIGTERM)
        fleet.coordinator.wait()


def test_failing_sync(run):
    """15: the k-th fdatasync or fsync says EIO."""
    golden, struck, codes = run.golden(ROWS // 5), 0, set()
    for call in ("fdatasync", "fsync"):
        for k in run.count((1, 4, 9, 20), range(1, 41)):
            with Fleet(run.state, split_bytes=32768) as fleet:
                fleet.launch(before=strace("/dev/null", f"trace={call}", f"inject={call}:error=EIO:when={k}"),
                             wait=False)
                code, job = None, None
                if fleet.coordinator.process.poll() is None:
                    with contextlib.suppress(grpc.RpcError):
                        job = fleet.score("plain", ROWS // 5, "one")
                        while fleet.coordinator.process.poll() is None:
                            now = fleet.stub.GetJob(coordinator_pb2.GetJobRequest(id=job), timeout=20)
                            if now.state in ENDED:
                                break
                            time.sleep(0.01)
                    time.sleep(0.3)
                code = fleet.coordinator.process.poll()
                if code is None:  # Never so many calls: the job must be right.
                    fleet.verify(job, ROWS // 5, golden)
                    fleet.coordinator.kill()
                    continue
                struck += 1
                codes.add(code)
                assert code not in (0, None), f"exit code {code} after EIO at {call} {k}"
                fleet.coordinator.killed = True
                fleet.again()
                fleet.verify(fleet.score("plain", ROWS // 5, "one"), ROWS // 5, golden)
    assert struck, "no call was struck"
    return f"{struck} times EIO: the coordinator ended with {sorted(codes)}, and its next start finished the job"


def _interrupt(fleet, rows):
    """Kills the coordinator in the middle of a job; the job."""
    fleet.launch()
    job = fleet.score("paced", rows, "one")
    fleet.progressing(job, rows // 3)
    fleet.coordinator.kill()
    return job


def _flip(path, random):
    """One bit."""
    content = bytearray(path.read_bytes())
    place = random.randrange(len(content))
    content[place] ^= 1 << random.randrange(8)
    path.write_bytes(content)


def _cut(path, random):
    with open(path, "r+b") as file:
        file.truncate(random.randrange(path.stat().st_size))


NAMED = re.compile(r"JOURNAL_DAMAGED|DATABASE_BEHIND|OUTPUT_DAMAGED|STORAGE_FAILED|ARTIFACT_|is damaged")


def _after_damage(fleet, job, rows, golden):
    """What came of it: one of the outcomes that are allowed."""
    fleet.coordinator.log.write_text("")
    fleet.launch(wait=False)
    if not fleet.coordinator.serving():
        fleet.coordinator.killed = True
        assert fleet.coordinator.process.returncode != 0 and NAMED.search(fleet.coordinator.tail()), (
            f"no start, and no named error:\n{fleet.coordinator.tail()}")
        return "refused"
    try:
        found = fleet.ended(job)
    except grpc.RpcError as error:
        if error.code() == grpc.StatusCode.NOT_FOUND:
            return "lost"
        found = str(error)
    if not isinstance(found, str) and found.state in DONE:
        fleet.verify(job, rows, golden)
        return "same bytes"
    words = found if isinstance(found, str) else f"{state_name(found)} {found.error}"
    assert NAMED.search(words + fleet.coordinator.tail()), f"no named error: {words}"
    fleet.coordinator.killed = True
    return "named error"


def _damage(run, rows, strikes, files):
    """Strikes a copy of one interrupted job's state, again and again; counts what came of it."""
    golden, outcomes = run.golden(rows), {}
    flags = {"coordinator": ["--max_part_bytes=200000"]}
    with Fleet(run.state, split_bytes=32768, flags=flags) as fleet:
        job, saved = _interrupt(fleet, rows), fleet.directory / "saved"
        fleet.state.rename(saved)
        for strike in strikes:
            shutil.copytree(saved, fleet.state)
            path = run.random.choice(files(fleet.state, job))
            strike(path, run.random)
            outcome = _after_damage(fleet, job, rows, golden)
            outcomes.setdefault(outcome, []).append(f"{strike.__name__[1:]} {path.name}")
            fleet.coordinator.kill()
            shutil.rmtree(fleet.state)
    return outcomes


def _told(outcomes):
    return ", ".join(f"{len(which)} x {what}" for what, which in sorted(outcomes.items()))


def test_damaged_journal(run):
    """16: bit flips and truncations of the database and its log."""
    def files(state, _):
        return [path for path in (state / "troupe.db", state / "troupe.db-wal") if path.stat().st_size]
    strikes = [_flip] * run.count(10, 100) + [_cut] * run.count(4, 20)
    outcomes = _damage(run, 40_000, strikes, files)
    assert not outcomes.get("lost"), f"the job was forgotten after: {outcomes['lost']}"
    return f"{len(strikes)} strikes: {_told(outcomes)}"


def test_damaged_parts(run):
    """17: bit flips and truncations of what was committed, before the job goes on."""
    def files(state, job):
        return sorted((state / "output" / f"{job}.tmp").glob("part-*"))
    strikes = [_flip, _cut] * run.count(4, 20)
    outcomes = _damage(run, 40_000, strikes, files)
    assert not outcomes.get("lost"), "the job was forgotten"
    return f"{len(strikes)} strikes: {_told(outcomes)}"

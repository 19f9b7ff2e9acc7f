"""The order in which a coordinator makes a job durable: as strace sees it, and at a kill in its last steps."""
import contextlib
import pathlib
import tempfile
import time

import grpc

import syscalls
from fleet import DONE, ENDED, Fleet, strace

ROWS = 60_000
RENAMES = "renameat"  # Those that publish: see output_writer.cc.


def commit_order(run, program=None):
    """Every commit and the end of a job, by the strace log."""
    with tempfile.TemporaryDirectory(prefix="troupe-strace-") as scratch, Fleet(
            run.state, split_bytes=32768, program=program) as fleet:
        log = pathlib.Path(scratch) / "calls"
        fleet.launch(before=[*strace(log, f"trace={','.join(syscalls.CALLS)}"), "-y"])
        fleet.verify(fleet.score("paced", ROWS), ROWS, run.golden(ROWS))
        time.sleep(0.2)
        wrong, commits, published = syscalls.problems(log.read_text(errors="replace"))
    assert not wrong, f"{len(wrong)} times: {'; '.join(wrong[:10])}"
    return f"{commits} commits and {published} publishing in order"


def rename_crash(run, program=None):
    """kill -9 at each rename that publishes: an output directory is there complete, or not at all."""
    golden, kills = run.golden(ROWS // 3), 0
    for k in range(1, 5):
        with Fleet(run.state, program=program) as fleet:
            fleet.launch(before=strace("/dev/null", f"trace={RENAMES}", f"inject={RENAMES}:signal=SIGKILL:when={k}"),
                         wait=False)
            served = fleet.coordinator.process.poll() is None
            if served:
                with contextlib.suppress(grpc.RpcError):
                    job = fleet.score("plain", ROWS // 3, "one")
                    while fleet.coordinator.process.poll() is None and fleet.get_once(job).state not in ENDED:
                        time.sleep(0.01)
            time.sleep(0.1)
            died = fleet.coordinator.process.poll() is not None
            kills += died
            fleet.coordinator.kill()
            root = fleet.state / "output"
            half = [entry.name for entry in root.iterdir() if not entry.name.endswith(".tmp")
                    and not (entry / "manifest.json").is_file()] if root.is_dir() else []
            assert not half, f"killed at rename {k}: {half} is visible without its manifest"
            fleet.again()
            done = fleet.verify(fleet.score("plain", ROWS // 3, "one"), ROWS // 3, golden)
            assert done.state in DONE
            if not died:
                break
    assert kills, "no rename was seen"
    return f"{kills} kills, nothing half was visible"


def test_commit_order(run):
    """Data, then journal; manifest, rename, directory, then SUCCEEDED."""
    return commit_order(run)


def test_new_directories(run):
    """A start on a path that is not there: whatever it makes is durable before what is in it."""
    with tempfile.TemporaryDirectory(prefix="troupe-strace-") as scratch, Fleet(run.state) as fleet:
        log = pathlib.Path(scratch) / "calls"
        fleet.launch(before=[*strace(log, f"trace={','.join(syscalls.CALLS)}"), "-y"],
                     flags=[f"--state_dir={fleet.directory}/new/state"])
        fleet.coordinator.kill()
        time.sleep(0.2)
        found = list(syscalls.events(log.read_text(errors="replace")))
    wrong, made = list(syscalls.directories(found)), [event for event in found if event.verb == "make"]
    assert len(made) >= 5, f"only {made} were seen"
    assert not wrong, f"{len(wrong)} times, first: {wrong[0]}"
    return f"{len(made)} directories"


def test_kill_at_rename(run):
    """3: at the rename that publishes."""
    return rename_crash(run)

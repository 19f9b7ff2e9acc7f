"""A Fleet is a Company whose processes can be started again on their ports, one
that tests strike: kill, stop, cut off, trace, starve of disk.

It begins with pipelines that were trained once (see Templates), so that all
fleets of a run score with the very same model.
"""
import contextlib
import functools
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import grpc

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "process"))
import company  # noqa: E402
from company import Actor, Company, coordinator_pb2, wait_for  # noqa: E402
import oracle  # noqa: E402

DONE = (coordinator_pb2.SUCCEEDED, coordinator_pb2.PARTIALLY_SUCCEEDED)
ENDED = {*company.TERMINAL, coordinator_pb2.DISK_FULL}
STAGES = ("loader", "faulty", "preprocessor", "model")
# Long enough for a busy machine of two cores.
JOB_PATIENCE_S = 180


class Skipped(Exception):
    """What this machine lacks."""


def need(*programs):
    for program in programs:
        if shutil.which(program) is None:
            raise Skipped(f"no {program} here")


def need_isolation():
    """Mounts and firewall rules are made only where they vanish with the run."""
    if os.environ.get("TROUPE_FAULT_NAMESPACES") != "1":
        raise Skipped("needs root and namespaces of its own (start it by run.sh)")


@functools.lru_cache
def table(rows: int) -> bytes:
    """A CSV of an id, six numbers and a label, about 50 bytes a row."""
    rng = random.Random(1)
    tails = []
    for _ in range(5000):
        values = [rng.gauss(0, 1) for _ in range(6)]
        label = int(values[0] * values[1] + values[2] > 0)
        tails.append(",".join(f"{value:.4f}" for value in values) + f",{label}\n")
    lines = (f"{row},{tails[row % 5000]}" for row in range(rows))
    return ("id,a,b,c,d,e,f,label\n" + "".join(lines)).encode()


class Process(Actor):
    """An actor that can be started again on the same port."""

    def __init__(self, name, directory, number, flags, before=(), program=None, environment=None):
        # pylint: disable=super-init-not-called  (that one would start it at once, on any port)
        self.name, self.killed = name, False
        self.log = directory / f"{name}-{number}.log"
        self._port_file = directory / f"{name}-{number}.port"
        self._flags, self._port = flags, 0
        self._program = program or company.BIN / f"troupe-{name}"
        self._channel = None
        self.start(before, environment)

    def start(self, before=(), environment=None, program=None, flags=()):
        """`before`: words in front of the command, such as strace's."""
        self.killed = False
        self._port_file.unlink(missing_ok=True)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*map(str, before), str(program or self._program), "--port", str(self._port), "--port_file",
                 str(self._port_file), *map(str, self._flags), *map(str, flags)],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, env={**os.environ, **(environment or {})})

    @property
    def port(self) -> int:
        if not self._port:
            self._port = super().port
        return self._port

    def serving(self, patience_s=30) -> bool:
        """Waits until it serves (True) or has ended (False)."""
        def known():
            text = self._port_file.read_text() if self._port_file.exists() else ""
            return (text and "yes") or (self.process.poll() is not None and "no")
        return wait_for(known, f"{self.name} serves or ends", patience_s) == "yes"

    def restart(self, **how):
        """kill -9, and again on the same port."""
        self.port  # pylint: disable=pointless-statement
        self.kill()
        self.start(**how)

    def forget(self):
        self._channel = None

    def signal(self, number):
        self.process.send_signal(number)

    def rss_mb(self) -> float:
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        return 0.0


class Fleet(Company):
    stages = STAGES

    def __init__(self, template=None, replicas=None, flags=None, program=None, split_bytes=65536):
        flags = dict(flags or {})
        flags["coordinator"] = [f"--split_bytes={split_bytes}", *flags.get("coordinator", ())]
        super().__init__(replicas, flags, start_coordinator=False)
        self._template, self._program, self.extra_targets = template, program, {}

    def __enter__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="troupe-fault-"))
        self.data, self.state = self.directory / "data", self.directory / "state"
        self.data.mkdir()
        try:
            if self._template:
                shutil.copytree(self._template, self.state)
            for stage in self.stages:
                for _ in range(self._replicas.get(stage, 1)):
                    self.add(stage, publish=False)
            self.publish()
        except BaseException:
            self._end(check=False)
            raise
        return self

    def add(self, stage, publish=True, flags=()):
        own = {"loader": [f"--roots={self.data}"], "model": [f"--scratch_dir={self.directory}"]}.get(stage, [])
        actor = Process(stage, self.directory, len(self.actors), [*own, *self._flags.get(stage, ()), *flags])
        self.actors.append(actor)
        if publish:
            self.publish()
        return actor

    def publish(self):
        for stage in self.stages:
            addresses = self.extra_targets.get(stage) or [actor.address for actor in self.running(stage)]
            temporary = self._target(stage).with_suffix(".new")
            temporary.write_text("".join(address + "\n" for address in addresses))
            temporary.rename(self._target(stage))

    def launch(self, before=(), environment=None, program=None, flags=(), wait=True):
        """Starts the coordinator, for the first time or again on its port."""
        if self.coordinator is None:
            stages = ",".join(f"{stage}=file:{self._target(stage)}" for stage in self.stages)
            self.coordinator = Process(
                "coordinator", self.directory, len(self.actors),
                [f"--state_dir={self.state}", f"--stage={stages}", *self._flags.get("coordinator", ()), *flags],
                before, program or self._program, environment)
            self.actors.append(self.coordinator)
            if not wait and not self.coordinator.serving():
                return self.coordinator
        else:
            self.coordinator.start(before, environment, program, flags)
            self.coordinator.close()  # What remembers the one before.
            self.coordinator.forget()
            if wait:
                assert self.coordinator.serving(), f"the coordinator ended at its start:\n{self.coordinator.tail()}"
        try:
            channel = self.coordinator.channel
        except AssertionError:  # It served, and has ended since.
            if wait:
                raise
            return self.coordinator
        self.stub = company.coordinator_pb2_grpc.CoordinatorStub(channel)
        return self.coordinator

    def relaunch(self, **how):
        self.coordinator.kill()
        return self.launch(**how)

    def again(self):
        """A coordinator on the same state, also where the first one never served."""
        if not hasattr(self, "stub"):
            self.coordinator = None
        return self.launch()

    # --- work ----------------------------------------------------------------

    def get(self, job_id):
        """GetJob, over restarts."""
        end = time.monotonic() + 60
        while True:
            try:
                return self.stub.GetJob(coordinator_pb2.GetJobRequest(id=job_id), timeout=20, wait_for_ready=True)
            except grpc.RpcError as error:
                if error.code() == grpc.StatusCode.NOT_FOUND or time.monotonic() > end:
                    raise
                time.sleep(0.05)

    def get_once(self, job_id):
        """GetJob; an error where the coordinator is gone."""
        return self.stub.GetJob(coordinator_pb2.GetJobRequest(id=job_id), timeout=20)

    def table(self, rows, name="big.csv"):
        path = self.data / name
        if not path.exists():
            path.write_bytes(table(rows))
        return name

    def score(self, pipeline, rows, request_id="", **more):
        """Submits a score job over `rows` rows and returns its id."""
        return self.create(kind="SCORE", pipeline=pipeline, source={"path": self.table(rows)},
                           request_id=request_id, **more).id

    def ended(self, job_id, patience_s=JOB_PATIENCE_S):
        return wait_for(lambda: (job := self.get(job_id)).state in ENDED and job, f"job {job_id} ends", patience_s)

    def progressing(self, job_id, beyond=0, patience_s=30):
        """Waits until more than `beyond` rows are done; the seconds it took."""
        begin = time.monotonic()
        def moved():
            job = self.get(job_id)
            assert job.state not in ENDED, f"the job was over too soon: {state_name(job)} {job.error.message}"
            return job.progress.phase == "score" and job.progress.rows_ok > beyond
        wait_for(moved, f"job {job_id} gets beyond {beyond} rows", patience_s)
        return time.monotonic() - begin

    def rows_ok(self, job_id):
        return self.get(job_id).progress.rows_ok

    def rate(self, job_id, seconds):
        """Rows per second over a window."""
        first, begin = self.rows_ok(job_id), time.monotonic()
        time.sleep(seconds)
        return (self.rows_ok(job_id) - first) / (time.monotonic() - begin)

    def directory_of(self, job_id):
        return self.state / "output" / job_id

    def published(self):
        """Jobs that have output by the coordinator's word."""
        listed = self.stub.ListJobs(coordinator_pb2.ListJobsRequest(), timeout=30)
        return {job.id for job in listed.jobs if self.get(job.id).manifest.parts}

    def verify(self, job_id, rows, golden, rejected=(), patience_s=JOB_PATIENCE_S):
        """Waits for the end; the oracle. Returns the job."""
        job = self.ended(job_id, patience_s)
        expected = coordinator_pb2.PARTIALLY_SUCCEEDED if rejected else coordinator_pb2.SUCCEEDED
        assert job.state == expected, f"job {job_id} is {state_name(job)}: {job.error.message} {job.state_message}"
        problems = oracle.check(self.directory_of(job_id), rows, golden, rejected,
                                {"big.csv": (self.data / "big.csv").read_bytes()}, self.published())
        assert not problems, f"ORACLE: {'; '.join(problems)}"
        return job


def state_name(job):
    return coordinator_pb2.JobState.Name(job.state)


def strace(log, *expressions):
    """Words before a command that trace it; the traced process keeps its pid."""
    need("strace")
    return ["strace", "-D", "-f", "-qq", "-o", log, *(word for each in expressions for word in ("-e", each))]


SPEC = {
    "source": {"path": "train.csv"},
    "roles": {"target": "label", "carry": ["id"]},
    "model": {"xgboost": {"objective": "binary", "rounds": 10, "max_depth": 4}},
    "output": {"probabilities": True},
}
PREPARE = [{"impute": {"columns": {"all": True}, "strategy": "MEAN"}}, {"standardize": {"columns": {"all": True}}}]
POISON = {"crash": [100_003], "hang": [50_001], "oom": [20_002]}
# Faulty's params by pipeline name.
PIPELINES = {"plain": None, "paced": {"sleep_ms": 20}, "slow": {"sleep_ms": 200}, "slower": {"sleep_ms": 600},
             "poison": POISON}


def spec(name):
    params = PIPELINES[name]
    faulty = [] if params is None else [{"stage": "faulty", "params": params}]
    source = {**SPEC["source"], **({"on_bad_row": "REJECT", "max_rejects": 0.01} if name == "poison" else {})}
    return {**SPEC, "name": name, "source": source, "steps": [*faulty, *PREPARE]}


class Templates:
    """State directories with the pipelines trained, and the outputs of undisturbed runs."""

    def __init__(self, directory):
        self.state = pathlib.Path(directory) / "state"
        self._golden = {}
        with Fleet() as fleet:
            fleet.launch()
            fleet.table(2000, "train.csv")
            for name in PIPELINES:
                fleet.run(kind="TRAIN", spec=spec(name))
            fleet.coordinator.signal(signal.SIGTERM)
            assert fleet.coordinator.wait() == 0, fleet.coordinator.tail()
            shutil.copytree(fleet.state, self.state)

    def golden(self, rows, without=()):
        """SHA-256 of the output of an undisturbed run over `rows` rows."""
        if rows not in self._golden:
            with Fleet(self.state) as fleet:
                fleet.launch()
                job = fleet.score("plain", rows)
                fleet.verify(job, rows, None)
                self._golden[rows] = oracle.output_bytes(fleet.directory_of(job))
        kept = self._golden[rows]
        if without:
            header, *lines = kept.splitlines(keepends=True)
            kept = header + b"".join(line for row, line in enumerate(lines) if row not in set(without))
        return oracle.sha256(kept)


@contextlib.contextmanager
def small_disk(path, megabytes=64):
    """Mounts an empty disk of that size at `path`, in this run's own namespace."""
    need_isolation()
    need("mount", "umount")
    path.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", path], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)


def fill(path, leave_bytes):
    """Takes the free space of a disk but for so much; the file that holds it."""
    ballast = path / "ballast"
    free = os.statvfs(path).f_bavail * os.statvfs(path).f_frsize
    with open(ballast, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(4096, free - leave_bytes))
    return ballast


@contextlib.contextmanager
def cut_off(*ports):
    """Drops every packet from and to these ports of loopback, silently."""
    need_isolation()
    need("iptables")
    rules = [[chain, "-p", "tcp", way, str(port), "-j", "DROP"]
             for port in ports for chain in ("INPUT",) for way in ("--dport", "--sport")]
    made = []
    try:
        for rule in rules:
            subprocess.run(["iptables", "-w", "-I", *rule], check=True)
            made.append(rule)
        yield
    finally:
        for rule in made:
            subprocess.run(["iptables", "-w", "-D", *rule], check=True)

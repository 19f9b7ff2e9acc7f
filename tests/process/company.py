"""A Company is a set of real Troupe processes on loopback, for one test.

    with Company() as company:
        job = company.run(kind="TRAIN", spec=SPEC)

Every process listens on an ephemeral port. Stages are found through target
files, so replicas can be added and killed. Leaving the `with` block drains
everything and fails when a process does not end with exit code 0, unless the
test killed it; nothing is left behind.
"""
import contextlib
import hashlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import grpc
from google.protobuf import json_format

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("TROUPE_BIN", ROOT / "build/dev/bin"))
EXAMPLES = ROOT / "deploy/examples"
# Whether the programs are a sanitizer's: slower by four.
CACHE = BIN.parent / "CMakeCache.txt"
SANITIZED = CACHE.exists() and "-fsanitize=" in CACHE.read_text()
STAGES = ("loader", "preprocessor", "model")
# How long a condition may take on a slow machine under a sanitizer.
PATIENCE_S = 120


def _generated() -> tempfile.TemporaryDirectory:
    """The Python stubs of our protos, in a directory that ends with the process."""
    out = tempfile.TemporaryDirectory(prefix="troupe-stubs-")
    subprocess.run(
        [os.environ.get("PROTOC", "protoc"), "-I", ROOT / "proto", f"--python_out={out.name}",
         f"--grpc_python_out={out.name}",
         f"--plugin=protoc-gen-grpc_python={shutil.which('grpc_python_plugin')}",
         *sorted((ROOT / "proto/troupe").rglob("*.proto"))], check=True)
    # google.rpc is not a package on every machine, so it comes from our own protos.
    subprocess.run([os.environ.get("PROTOC", "protoc"), "-I", ROOT / "proto", f"--python_out={out.name}",
                    *sorted((ROOT / "proto/google").rglob("*.proto"))], check=True)
    sys.path.insert(0, out.name)
    import google
    google.__path__.append(f"{out.name}/google")
    return out


_GENERATED = _generated()
STUBS = _GENERATED.name
from google.rpc import error_details_pb2, status_pb2  # noqa: E402
from troupe.v1 import (actor_pb2, actor_pb2_grpc, coordinator_pb2,  # noqa: E402
                       coordinator_pb2_grpc, loader_pb2, loader_pb2_grpc,
                       table_pb2)

TERMINAL = {coordinator_pb2.SUCCEEDED, coordinator_pb2.PARTIALLY_SUCCEEDED, coordinator_pb2.FAILED,
            coordinator_pb2.CANCELLED}


def free_port() -> int:
    """A port that nobody has now, for a process that ends and comes back to it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def wait_for(condition, what: str, patience_s: float = PATIENCE_S):
    """Polls until `condition()` is true and returns its value."""
    end = time.monotonic() + patience_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {patience_s} s in vain until {what}")
        time.sleep(0.02)


def error_info(error: grpc.RpcError):
    """(reason, metadata) of an error that an actor sent."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for detail in status_pb2.Status.FromString(value).details:
                found = error_details_pb2.ErrorInfo()
                if detail.Unpack(found):
                    return found.reason, dict(found.metadata)
    return "", {}


class Actor:
    """One process."""

    def __init__(self, name: str, directory: pathlib.Path, number: int, flags):
        self.name = name
        self.killed = False
        self.log = directory / f"{name}-{number}.log"
        self._port_file = directory / f"{name}-{number}.port"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [BIN / f"troupe-{name}", "--port", "0", "--port_file", self._port_file, *flags],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self._channel = None

    @property
    def port(self) -> int:
        def started():
            if self.process.poll() is not None:
                raise AssertionError(f"{self.name} ended with {self.process.returncode}:\n{self.tail()}")
            return self._port_file.exists() and int(self._port_file.read_text())
        return wait_for(started, f"{self.name} serves")

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def channel(self) -> grpc.Channel:
        if self._channel is None:
            self._channel = grpc.insecure_channel(self.address, options=[
                ("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1),
                ("grpc.use_local_subchannel_pool", 1)])
        return self._channel

    def stats(self):
        return actor_pb2_grpc.ActorStub(self.channel).GetStats(actor_pb2.GetStatsRequest(), timeout=PATIENCE_S)

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-4000:]

    def kill(self) -> None:
        """kill -9."""
        self.killed = True
        self.process.kill()
        self.process.wait()

    def wait(self) -> int:
        """The exit code."""
        return self.process.wait(PATIENCE_S)

    def close(self) -> None:
        if self._channel is not None:
            self._channel.close()


class Company:
    def __init__(self, replicas=None, flags=None, start_coordinator=True):
        """`replicas`: how many of a stage (default 1; any other name is a further
        stage); `flags`: by process name."""
        self._replicas = replicas or {}
        self._stages = (*STAGES, *(name for name in self._replicas if name not in STAGES))
        self._flags = flags or {}
        self._start_coordinator = start_coordinator
        self.actors = []
        self.coordinator = None

    def __enter__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="troupe-test-"))
        self.data = self.directory / "data"
        self.data.mkdir()
        self.state = self.directory / "state"
        try:
            for stage in self._stages:
                self._target(stage).write_text("")
                for _ in range(self._replicas.get(stage, 1)):
                    self.add(stage, publish=False)
            self.publish()
            if self._start_coordinator:
                self.start_coordinator()
        except BaseException:
            self._end(check=False)
            raise
        return self

    def __exit__(self, kind, value, traceback):
        if kind is not None:
            for actor in self.actors:
                print(f"--- {actor.name} said last\n{actor.tail()}", file=sys.stderr)
        self._end(check=kind is None)

    # --- processes -----------------------------------------------------------

    def add(self, stage: str, publish=True, flags=()) -> Actor:
        """Starts one more replica of a stage."""
        own = {"loader": [f"--roots={self.data},{EXAMPLES}"],
               "model": [f"--scratch_dir={self.directory}"]}.get(stage, [])
        actor = Actor(stage, self.directory, len(self.actors), [*own, *self._flags.get(stage, ()), *flags])
        self.actors.append(actor)
        if publish:
            self.publish()
        return actor

    def publish(self) -> None:
        """Tells the coordinator, through its target files, who is running."""
        for stage in self._stages:
            addresses = [actor.address for actor in self.running(stage)]
            temporary = self._target(stage).with_suffix(".new")
            temporary.write_text("".join(address + "\n" for address in addresses))
            temporary.rename(self._target(stage))

    def running(self, name: str):
        return [actor for actor in self.actors if actor.name == name and actor.process.poll() is None]

    def start_coordinator(self, flags=(), state=None) -> Actor:
        stages = ",".join(f"{stage}=file:{self._target(stage)}" for stage in self._stages)
        actor = Actor("coordinator", self.directory, len(self.actors),
                      [f"--state_dir={state or self.state}", f"--stage={stages}", "--reflection",
                       *self._flags.get("coordinator", ()), *flags])
        self.actors.append(actor)
        self.coordinator = actor
        self.stub = coordinator_pb2_grpc.CoordinatorStub(actor.channel)
        return actor

    def _target(self, stage: str) -> pathlib.Path:
        return self.directory / f"{stage}.targets"

    def _end(self, check: bool) -> None:
        problems = []
        for actor in reversed(self.actors):  # The coordinator before its stages.
            actor.close()
            if actor.process.poll() is None:
                actor.process.send_signal(signal.SIGTERM)
            try:
                code = actor.process.wait(60)
            except subprocess.TimeoutExpired:
                actor.process.kill()
                code = actor.process.wait()
                problems.append(f"{actor.name} did not stop within 60 s")
            if code != 0 and not actor.killed:
                problems.append(f"{actor.name} ended with {code}:\n{actor.tail()}")
        shutil.rmtree(self.directory, ignore_errors=True)
        if check and problems:
            raise AssertionError("\n".join(problems))

    # --- work ----------------------------------------------------------------

    def write(self, name: str, content) -> str:
        """Writes a file below the loader's root, and returns its name there."""
        (self.data / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return name

    def create(self, **fields):
        """CreateJob; dicts become messages, `kind` is a name. A test says which rows it holds out."""
        if isinstance(fields.get("spec"), dict):
            fields["spec"] = {**fields["spec"], "split": {"test": 0, **fields["spec"].get("split", {})}}
        request = json_format.ParseDict(fields, coordinator_pb2.CreateJobRequest())
        return self.stub.CreateJob(request, timeout=PATIENCE_S)

    def upload(self, name: str, content: bytes, piece: int = 1 << 20):
        """Sends a file, with the last word that makes it an upload."""
        pieces = [coordinator_pb2.UploadRequest(content=content[at:at + piece])
                  for at in range(0, len(content), piece)]
        end = coordinator_pb2.UploadEnd(bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
        return self.stub.Upload(iter([coordinator_pb2.UploadRequest(name=name), *pieces,
                                      coordinator_pb2.UploadRequest(end=end)]), timeout=PATIENCE_S)

    def get(self, job_id: str):
        return self.stub.GetJob(coordinator_pb2.GetJobRequest(id=job_id), timeout=PATIENCE_S)

    def finish(self, job_id: str, patience_s: float = 4 * PATIENCE_S):
        """Waits for the end of a job and returns it."""
        return wait_for(lambda: (job := self.get(job_id)).state in TERMINAL and job, f"job {job_id} ends",
                        patience_s)

    def run(self, **fields):
        """Runs a job to its end; fails with its error."""
        job = self.finish(self.create(**fields).id)
        if job.state not in (coordinator_pb2.SUCCEEDED, coordinator_pb2.PARTIALLY_SUCCEEDED):
            raise AssertionError(f"job {job.id}: {coordinator_pb2.JobState.Name(job.state)} {job.error}")
        return job

    def fail(self, **fields):
        """The (code name, message, reason, metadata) with which a job is refused or fails."""
        try:
            job = self.finish(self.create(**fields).id)
        except grpc.RpcError as error:
            return (error.code().name, error.details(), *error_info(error))
        if job.state != coordinator_pb2.FAILED:
            raise AssertionError(f"job {job.id} should have failed: {job}")
        found = error_details_pb2.ErrorInfo()
        for detail in job.error.details:
            detail.Unpack(found)
        code = next(code.name for code in grpc.StatusCode if code.value[0] == job.error.code)
        return code, job.error.message, found.reason, dict(found.metadata)

    def output(self, job, part=None) -> bytes:
        """All output bytes of a finished job, or those of one part."""
        parts = [part] if part else list(job.manifest.parts)
        text = b""
        for each in parts:
            request = coordinator_pb2.ReadOutputRequest(id=job.id, part=each.name)
            content = b"".join(piece.content for piece in self.stub.ReadOutput(request, timeout=PATIENCE_S))
            assert len(content) == each.bytes, f"{each.name}: {len(content)} bytes, manifest says {each.bytes}"
            text += content
        return text

    def topology(self):
        return self.stub.GetTopology(coordinator_pb2.GetTopologyRequest(), timeout=PATIENCE_S)

    def troupe(self, *words, code=0, cwd=None, text=True):
        """Runs the CLI; fails when its exit code is another."""
        environment = {**os.environ, "TROUPE_COORDINATOR": self.coordinator.address}
        done = subprocess.run([BIN / "troupe", *map(str, words)], capture_output=True, text=text, check=False,
                              env=environment, cwd=cwd or self.directory, timeout=4 * PATIENCE_S,
                              stdin=subprocess.DEVNULL)
        assert done.returncode == code, (f"troupe {words}: exit code {done.returncode}, not {code}\n"
                                         f"{done.stdout}\n{done.stderr}")
        return done


@contextlib.contextmanager
def scratch_directory():
    with tempfile.TemporaryDirectory(prefix="troupe-test-") as name:
        yield pathlib.Path(name)

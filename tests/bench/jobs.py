"""A company of Release programs over build/bench/tables, and jobs timed in it.

Import this only inside measure(): it needs grpc and protoc, and raises Skip
where they are missing.
"""
import contextlib
import dataclasses
import os
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from unittest import mock

from measuring import Row, Skip
import tables

for _program in ("protoc", "grpc_python_plugin"):
    if not shutil.which(_program):
        raise Skip(f"{_program} is missing (protobuf-compiler-grpc)")
try:
    import company as _company
    from company import BIN, Company
except ImportError as error:
    raise Skip(f"python3-grpcio or python3-protobuf is missing ({error})") from error


def company(bench, replicas=None, flags=None, start_coordinator=True) -> Company:
    """`flags`: by process name, besides the loader's roots. Trainings use one thread:
    they are not what is measured, and XGBoost's threads spin for each other on a
    machine that does something else."""
    flags = dict(flags or {})
    flags["model"] = ["--threads=1", *flags.get("model", ())]
    flags["loader"] = [f"--roots={tables.folder(bench)}", *flags.get("loader", ())]
    return Company(replicas=replicas, flags=flags, start_coordinator=start_coordinator)


@contextlib.contextmanager
def companies(bench, programs: list):
    """One company of each folder of Release programs."""
    with contextlib.ExitStack() as stack:
        teams = []
        for folder in programs:
            with mock.patch.object(_company, "BIN", folder):
                teams.append(stack.enter_context(company(bench)))
            teams[-1].bin = folder
        yield teams


def span(ended) -> float:
    """Seconds from the first CreateJob to the last end, by the coordinator's clock."""
    def at(time_stamp):
        return time_stamp.seconds + time_stamp.nanos * 1e-9
    return max(at(job.end_time) for job in ended) - min(at(job.create_time) for job in ended)


def train_numbers(team, bench, trees: int = 100, name: str = "numbers", table=None):
    """A pipeline over the tables of tables.numbers: impute, standardize, trees of
    depth 6. Learns from `table`, by default a small one. Returns the job."""
    table = table or tables.numbers(bench, 20_000, seed=8)
    return team.run(kind="TRAIN", spec={
        "name": name, "source": {"path": table.name}, "roles": {"target": "y"},
        "steps": [{"impute": {"columns": {"all": True}, "strategy": "MEDIAN"}},
                  {"standardize": {"columns": {"all": True}}}],
        "model": {"xgboost": {"objective": "binary", "rounds": trees, "max_depth": 6, "seed": 7}},
        "split": {"test": 0.1, "seed": 7}, "output": {"format": "CSV", "probabilities": True}})


def peak_bytes(pid: int) -> int:
    """Peak resident bytes so far of a process that runs; 0 when it has ended. Not
    ru_maxrss: that begins with the peak of the process that started it."""
    try:
        with open(f"/proc/{pid}/status") as status:
            return next((int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:")), 0)
    except FileNotFoundError:
        return 0


def peaks(team) -> dict:
    """Peak resident bytes by process."""
    return {actor.name: peak_bytes(actor.process.pid) for actor in team.actors}


@dataclasses.dataclass
class Timed:
    """One command: its seconds, the CPU seconds by process, and the peak bytes of the CLI."""
    seconds: float
    cpu: dict
    peak: int


def timed(team, job: str, table: str, output=None) -> Timed:
    """One `troupe score`, `transform` (of the pipeline `numbers`, to a file here) or `inspect`."""
    words = [table] if job == "inspect" else ["numbers", "--input", table, "--output", output]
    before = {actor.name: cpu_seconds(actor) for actor in team.actors}
    with tempfile.TemporaryFile() as said:
        started = time.monotonic()
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        cli = subprocess.Popen([getattr(team, "bin", BIN) / "troupe", job, *words, "--remote"],
                               stdout=subprocess.DEVNULL, stderr=said,
                               env={**os.environ, "TROUPE_COORDINATOR": team.coordinator.address})
        peak = 0
        while cli.poll() is None:
            peak = max(peak, peak_bytes(cli.pid))
            time.sleep(0.01)
        seconds = time.monotonic() - started
        if cli.returncode != 0:
            said.seek(0)
            raise RuntimeError(said.read().decode())
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = {actor.name: cpu_seconds(actor) - before[actor.name] for actor in team.actors}
    cpu["troupe"] = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    return Timed(seconds, cpu, peak)


def cpu_note(turns: list, rows: int) -> str:
    """Medians of CPU microseconds a row, by process."""
    return ", ".join(f"{name} {statistics.median(turn.cpu[name] for turn in turns) / rows * 1e6:.2f}"
                     for name in turns[0].cpu)


def cpu_rows(job: str, rows: int, ours: list, before: list, coordinator_goal=None, total_goal=None) -> list:
    """CPU time a row beside that of an earlier version; nothing where none was measured."""
    found = []
    for name, goal, cpu in (("coordinator", coordinator_goal, lambda turn: turn.cpu["coordinator"]),
                            ("total", total_goal, lambda turn: sum(turn.cpu.values()))):
        if before and goal:
            found.append(Row(
                f"{job}-cpu-{name}", f"CPU time of {job}: " + ("the coordinator" if name != "total" else "all processes"),
                "us/row", statistics.median(map(cpu, ours)) / rows * 1e6, statistics.median(map(cpu, before)) / rows * 1e6,
                "before", [cpu(mine) / cpu(other) for mine, other in zip(ours, before)], goal, higher_is_better=False,
                note=f"now {cpu_note(ours, rows)}; before {cpu_note(before, rows)}"))
    return found


def cpu_seconds(actor) -> float:
    """CPU time of a process so far."""
    fields = open(f"/proc/{actor.process.pid}/stat").read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def mib(count: float) -> str:
    return f"{count / 2**20:,.0f} MiB"

"""A company of Release programs over build/bench/tables, and jobs timed in it.

Import this only inside measure(): it needs grpc and protoc, and raises Skip
where they are missing.
"""
import os
import shutil
import subprocess
import tempfile
import time

from measuring import Skip
import tables

for _program in ("protoc", "grpc_python_plugin"):
    if not shutil.which(_program):
        raise Skip(f"{_program} is missing (protobuf-compiler-grpc)")
try:
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


def score_by_cli(team, pipeline: str, table: str, output) -> tuple:
    """Seconds of one `troupe score` to a file here, and the peak bytes of the CLI."""
    with tempfile.TemporaryFile() as said:
        started = time.monotonic()
        cli = subprocess.Popen([BIN / "troupe", "score", pipeline, "--remote", "--input", table, "--output", output],
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
        return seconds, peak


def cpu_seconds(actor) -> float:
    """CPU time of a process so far."""
    fields = open(f"/proc/{actor.process.pid}/stat").read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def mib(count: float) -> str:
    return f"{count / 2**20:,.0f} MiB"

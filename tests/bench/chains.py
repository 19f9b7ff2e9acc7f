"""Rows of stages that echo, ours and bare, and messages sent through them."""
import contextlib
import json
import subprocess
import tempfile
import time
import pathlib
import statistics

from measuring import Skip

HOPS = 3


def _wait_for(path: pathlib.Path, process) -> str:
    until = time.monotonic() + 20
    while not (path.exists() and path.read_text().strip()):
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"{process.args[0]} did not come up")
        time.sleep(0.01)
    return path.read_text().strip()


@contextlib.contextmanager
def stages(commands, hops: int = HOPS):
    """Starts each command `hops` times with --port_file; yields, for each command,
    the addresses as bench_chain takes them."""
    processes = []
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        log = stack.enter_context(open(pathlib.Path(folder) / "log", "w"))
        try:
            rows = []
            for number, command in enumerate(commands):
                ports = [pathlib.Path(folder) / f"port-{number}-{hop}" for hop in range(hops)]
                started = [subprocess.Popen([*map(str, command), f"--port_file={port}"], stdout=log, stderr=log)
                           for port in ports]
                processes += started
                rows.append((ports, started))
            yield [",".join(f"127.0.0.1:{_wait_for(port, process)}" for port, process in zip(*row)) for row in rows]
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait()


def ours(bench, *flags) -> list:
    """A stage on our runtime, as a command for stages()."""
    return [_built(bench, "bench_stage"), "--listen=127.0.0.1", "--port=0", *flags]


def bare(bench) -> list:
    """The same stage in bare gRPC."""
    return [_built(bench, "bench_bare_stage")]


def _built(bench, name: str) -> pathlib.Path:
    if not (bench.bin / name).exists():
        raise Skip(f"{name} is not built")
    return bench.bin / name


def send(bench, addresses: str, link: str, **flags) -> dict:
    """What bench_chain measured."""
    arguments = [f"--{name}={value}" for name, value in flags.items()]
    said = subprocess.run([str(bench.bin / "bench_chain"), f"--stages={addresses}", f"--link={link}", *arguments],
                          check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return json.loads(said.stdout)


def median(turns: list, key: str) -> float:
    return statistics.median(turn[key] for turn in turns)


def percentiles(turns: list) -> str:
    return "/".join(f"{median(turns, key):,.0f}" for key in ("p50_us", "p95_us", "p99_us"))


@contextlib.contextmanager
def both(bench, hops: int = HOPS):
    """Yields turn(**flags): one measurement of ours and one of bare, in turn."""
    with stages([ours(bench), bare(bench)], hops) as (our_stages, bare_stages):
        def turn(link=("dispatch", "bare"), **flags) -> tuple:
            return send(bench, our_stages, link[0], **flags), send(bench, bare_stages, link[1], **flags)
        yield turn

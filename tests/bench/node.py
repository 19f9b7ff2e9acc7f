"""Peers that come from npm: node_peer.cjs, run beside its modules."""
import json
import pathlib
import platform
import shutil
import subprocess
import sys

from measuring import ROOT, Skip


def modules(bench) -> pathlib.Path:
    """A folder with the packages of package.json, installed once below build/bench.
    Skip where node, npm or a package is missing."""
    for program in ("node", "npm"):
        if not shutil.which(program):
            raise Skip(f"{program} is missing (nodejs, npm)")
    folder = bench.work / "node"
    if not (folder / "installed").exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "tests/bench/package.json", folder)
        version = json.loads((folder / "package.json").read_text())["dependencies"]["nodejs-polars"]
        machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
        # Named, since npm leaves it out where it asks for a newer node than it needs.
        for packages in ([], ["--no-save", f"nodejs-polars-linux-{machine}-gnu@{version}"]):
            done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent", *packages], cwd=folder,
                                  capture_output=True, text=True, check=False)
            if done.returncode:
                raise Skip("npm cannot install nodejs-polars and @duckdb/node-api")
        (folder / "installed").touch()
    return folder


def learned(bench, train) -> pathlib.Path:
    """What imputing and standardizing learn from a table, for node_peer.cjs."""
    path = bench.work / f"learned-{train.stem}.json"
    subprocess.run([sys.executable, "-B", ROOT / "tests/bench/reference_transform.py", train, "--parameters", path],
                   check=True)
    return path


def run(bench, *arguments) -> tuple:
    """Seconds and CPU seconds of one job."""
    said = subprocess.run(["node", ROOT / "tests/bench/node_peer.cjs", modules(bench), *map(str, arguments)],
                          stdout=subprocess.PIPE, text=True, check=True).stdout
    seconds, cpu = map(float, said.split())
    return seconds, cpu

#!/usr/bin/env python3
"""Fails when a folder includes a folder that it may not know.

The tables below are the architecture; the DEPS in each folder's CMakeLists.txt
repeat it for the linker.   usage: layers.py ROOT
"""
import pathlib
import re
import sys

MAY_INCLUDE = {
    "services/base": set(),
    "services/actor": {"services/base"},
    "services/table": {"services/base"},
    "services/host": {"services/base", "services/actor", "services/table"},
    "client/rpc": {"services/base", "services/table", "services/host"},
    "client/spec": {"services/base", "services/table"},
}
# A stage knows the shared folders and no other stage.
STAGE = {"services/base", "services/actor", "services/table", "services/host"}
# A client knows the shared folders but no actor, no stage and no other client.
CLIENT = {"services/base", "services/table", "services/host", "client/rpc", "client/spec"}
# The rooms of the coordinator; what stands in none of them puts them together.
COORDINATOR = "client/coordinator"
ROOMS = {
    "state": set(),
    "output": {"state"},
    "stages": {"state"},
    "passes": {"stages", "state"},
    "jobs": {"passes", "output", "stages", "state"},
    "online": {"jobs", "passes", "stages", "state"},
}
# These two know no proto: they are about messages of any kind, or none.
NO_PROTO = {"services/base", "services/actor"}
TOP_LEVEL = {"CMakeLists.txt", "CMakePresets.json", "README.md", "LICENSE", "docker-compose.yml",
             "proto", "services", "client", "deploy", "tests", "build"}
INCLUDE = re.compile(r'\s*#\s*include\s+["<]([^">]+)[">]')


def folder_of(path: str) -> str:
    """Two parts of a path, or three in a room of the coordinator."""
    parts = path.split("/")
    return "/".join(parts[:3 if path.startswith(COORDINATOR + "/") and len(parts) > 3 else 2])


def allowed_for(folder: str) -> set:
    if folder in MAY_INCLUDE:
        return MAY_INCLUDE[folder] | {folder}
    if folder.startswith(COORDINATOR):
        room = folder.removeprefix(COORDINATOR).strip("/")
        rooms = ROOMS[room] | {room} if room else set(ROOMS)
        return CLIENT | {folder} | {f"{COORDINATOR}/{one}" for one in rooms}
    return (STAGE if folder.startswith("services/") else CLIENT) | {folder}


def violations_in(root: pathlib.Path, path: pathlib.Path):
    name = path.relative_to(root)
    folder = folder_of(name.as_posix())
    if folder.startswith(COORDINATOR + "/") and folder.rsplit("/", 1)[1] not in ROOMS:
        yield f"{name}: {folder} is no room of the coordinator"
        return
    allowed = allowed_for(folder)
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        found = INCLUDE.match(line)
        if not found:
            continue
        header = found.group(1)
        if header.startswith(("services/", "client/")):
            if folder_of(header) not in allowed:
                yield f"{name}:{number}: {folder} may not include {header}"
        elif header.startswith("tests/"):
            yield f"{name}:{number}: only tests may include {header}"
        elif folder in NO_PROTO and (header.startswith("troupe/v1/") or header == "proto/pb.h"):
            yield f"{name}:{number}: {folder} may not know the protos ({header})"
        elif folder == "services/actor" and header.startswith("grpc"):
            yield f"{name}:{number}: {folder} may not know gRPC ({header})"


def main() -> int:
    root = pathlib.Path(sys.argv[1])
    bad = [f"{entry.name}: does not belong to the top level" for entry in sorted(root.iterdir())
           if not entry.name.startswith(".") and entry.name not in TOP_LEVEL]
    sources = [path for top in ("services", "client") for path in sorted((root / top).rglob("*"))
               if path.suffix in {".h", ".cc"}]
    if not sources:
        bad.append(f"{root}: no sources found")
    for path in sources:
        bad.extend(violations_in(root, path))
    print("\n".join(bad))
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())

"""What must hold of a finished job's output, whatever happened on the way.

`check` returns the problems it finds, as sentences; none means:
  * ids 0 .. rows-1 stand exactly once in the parts and the rejects together;
  * the parts together are, byte for byte, those of an undisturbed run;
  * the manifest says the truth about every file;
  * no other file lies below the output directory.
"""
import csv
import hashlib
import io
import json
import pathlib
import re


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _file_problems(directory, entry):
    path = directory / entry["name"]
    if not path.is_file():
        return [f"{entry['name']} is in the manifest and not on disk"]
    content = path.read_bytes()
    problems = []
    if len(content) != int(entry["bytes"]):
        problems.append(f"{path.name} has {len(content)} bytes, the manifest says {entry['bytes']}")
    if sha256(content) != entry["sha256"]:
        problems.append(f"{path.name} has another SHA-256 than the manifest says")
    return problems


def output_bytes(directory) -> bytes:
    """The output: all parts, one after the other."""
    return b"".join(path.read_bytes() for path in sorted(pathlib.Path(directory).glob("part-*")))


def _ids(directory):
    """The ids in each part, by its name, and those in the rejects file."""
    names = sorted(path.name for path in directory.glob("part-*"))
    parts, header = {}, None
    for name in names:
        text = (directory / name).read_text(errors="replace")
        records = list(csv.reader(io.StringIO(text)))
        if header is None and records:
            header = records.pop(0)
        column = header.index("id") if header and "id" in header else 0
        parts[name] = [record[column] if column < len(record) else "" for record in records]
    rejects = directory / "rejects.jsonl"
    rejected = []
    if rejects.exists():
        for line in rejects.read_text(errors="replace").splitlines():
            rejected.append(str(json.loads(line)["row"]))
    return parts, rejected


def _account_problems(rows, ids):
    problems = []
    seen = set(ids)
    expected = {str(number) for number in range(rows)}
    if missing := expected - seen:
        problems.append(f"{len(missing)} rows are missing, first {min(missing, key=int)}")
    if len(ids) != len(seen):
        problems.append(f"{len(ids) - len(seen)} rows stand there more than once")
    if foreign := seen - expected:
        problems.append(f"{len(foreign)} rows were not in the input, for instance {sorted(foreign)[0]!r}")
    return problems


def _manifest_problems(directory, manifest, rows, parts, rejected):
    problems = []
    read, good, bad = (int(manifest[key]) for key in ("rows_read", "rows_ok", "rows_rejected"))
    if read != good + bad:
        problems.append(f"rows_read {read} is not rows_ok {good} + rows_rejected {bad}")
    if read != rows:
        problems.append(f"rows_read is {read}, the input has {rows}")
    if bad != len(rejected):
        problems.append(f"rows_rejected is {bad}, the rejects file has {len(rejected)}")
    if good != sum(len(ids) for ids in parts.values()):
        problems.append(f"rows_ok is {good}, the parts have {sum(len(ids) for ids in parts.values())}")
    for entry in manifest["parts"]:
        problems += _file_problems(directory, entry)
        if int(entry["rows"]) != len(parts.get(entry["name"], [])):
            problems.append(f"{entry['name']} has {len(parts.get(entry['name'], []))} rows, "
                            f"the manifest says {entry['rows']}")
    rejects = manifest.get("rejects")
    if rejects:
        problems += _file_problems(directory, rejects)
    return problems


def _input_problems(manifest, inputs):
    """`inputs`: decompressed content by name, in order."""
    said = [(entry["name"], int(entry["bytes"]), entry["sha256"]) for entry in manifest.get("inputs", ())]
    true = [(name, len(content), sha256(content)) for name, content in inputs.items()]
    return [] if said == true else [f"the manifest's inputs are {said}, they were {true}"]


def stray_files(output_root, published):
    """Whatever lies below the output root and is no published job's file."""
    strays = []
    for entry in pathlib.Path(output_root).iterdir():
        if entry.name not in published or not entry.is_dir():
            strays.append(entry.name)
            continue
        strays += [f"{entry.name}/{path.name}" for path in entry.iterdir()
                   if not re.fullmatch(r"part-\d{5}\.csv|manifest\.json|rejects\.jsonl", path.name)]
    return sorted(strays)


def check(directory, rows, golden=None, rejected=(), inputs=None, published=None):
    """`golden`: SHA-256 of the undisturbed output; `rejected`: the very rows that must be
    in the rejects; `published`: every job with output, to look for strays beside this one."""
    directory = pathlib.Path(directory)
    if not (directory / "manifest.json").is_file():
        return [f"no manifest in {directory.name}"]
    try:
        manifest = json.loads((directory / "manifest.json").read_text())
        parts, found = _ids(directory)
    except (ValueError, KeyError, TypeError) as error:
        return [f"cannot be read: {error!r}"]
    problems = _account_problems(rows, [row for ids in parts.values() for row in ids] + found)
    problems += _manifest_problems(directory, manifest, rows, parts, found)
    if sorted(map(int, found)) != sorted(rejected):
        problems.append(f"rejected were {sorted(map(int, found))[:20]}, not {sorted(rejected)[:20]}")
    listed = {entry["name"] for entry in manifest["parts"]} | {"manifest.json"}
    listed |= {manifest["rejects"]["name"]} if manifest.get("rejects") else set()
    if strays := sorted({path.name for path in directory.iterdir()} - listed):
        problems.append(f"files that the manifest does not name: {strays}")
    if golden and sha256(output_bytes(directory)) != golden:
        problems.append("the output is not that of the undisturbed run")
    if inputs is not None:
        problems += _input_problems(manifest, inputs)
    if published is not None and (strays := stray_files(directory.parent, published)):
        problems.append(f"stray files: {strays}")
    return problems

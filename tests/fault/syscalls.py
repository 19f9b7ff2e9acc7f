"""What a strace log says about the order in which a coordinator makes things durable.

    strace -f -y -o LOG -e trace=write,pwrite64,fdatasync,fsync,rename,... troupe-coordinator

`problems(log)` are sentences; none means, for every job in the log:
  * a commit is: parts and rejects synced, then the journal written and synced, by the same thread;
  * nothing written stays unsynced when the output is published;
  * the end is: manifest written, synced, its directory synced, renamed, the parent
    synced, then the journal written and synced;
  * a directory that is made is synced into the one above it, before what is in it.
"""
import collections
import re

CALLS = ("write", "pwrite64", "writev", "fdatasync", "fsync", "rename", "renameat", "renameat2", "mkdir")
LINE = re.compile(r"^(?P<thread>\d+)\s+(?P<call>\w+)\((?P<rest>.*)$")
RESUMED = re.compile(r"^(?P<thread>\d+)\s+<\.\.\. (?P<call>\w+) resumed>(?P<rest>.*)$")
DESCRIPTOR = re.compile(r"^\d+<(?P<path>[^>]*)>")

Event = collections.namedtuple("Event", "thread verb path target")


def events(text):
    """Calls in the order in which they returned."""
    unfinished = {}
    for line in text.splitlines():
        if resumed := RESUMED.match(line):
            begun = unfinished.pop(resumed["thread"], None)
            if begun is None:
                continue
            thread, call, rest = resumed["thread"], resumed["call"], begun + resumed["rest"]
        elif found := LINE.match(line):
            thread, call, rest = found["thread"], found["call"], found["rest"]
            if "<unfinished ...>" in rest:
                unfinished[thread] = rest.split("<unfinished ...>")[0]
                continue
        else:
            continue
        if re.search(r"= -1 ", rest):
            continue
        if call.startswith("rename"):
            paths = re.findall(r'"([^"]*)"', rest)
            if len(paths) == 2:
                yield Event(thread, "rename", *paths)
        elif call == "mkdir":
            yield Event(thread, "make", rest.split('"')[1].rstrip("/"), "")
        elif path := DESCRIPTOR.match(rest):
            verb = "sync" if call in ("fdatasync", "fsync") else "write"
            yield Event(thread, verb, path["path"], "")


def _kind(path):
    name = path.rsplit("/", 1)[-1]
    if name.endswith("-wal"):
        return "journal"
    if name == "manifest.json":
        return "manifest"
    if "/output/" in path and (name.startswith("part-") or name == "rejects.jsonl"):
        return "rows"
    if path.endswith("/output"):
        return "parent"
    if "/output/" in path and "." in name and name.endswith(".tmp"):
        return "directory"
    return ""


def _commits(found):
    """Every commit's order, thread by thread."""
    problems, commits = [], 0
    threads = collections.defaultdict(list)
    for event in found:
        threads[event.thread].append((event.verb, _kind(event.path), event.path))
    for story in threads.values():
        unsynced, owed = set(), False
        for verb, kind, path in story:
            if verb == "write" and kind == "rows":
                if owed:
                    problems.append(f"{path} is written after a sync that no journal entry followed")
                unsynced.add(path)
                owed = False
            elif verb == "sync" and kind == "rows":
                owed = path in unsynced or owed
                unsynced.discard(path)
            elif verb == "sync" and kind == "journal" and owed:
                if unsynced:
                    problems.append(f"the journal is synced while {sorted(unsynced)} are not")
                owed, commits = False, commits + 1
            elif kind == "manifest":
                owed = False
    return problems, commits


def _published(found, place):
    """The order of the end, whose rename stands at `place`."""
    final = found[place].target
    temporary = found[place].path
    before = [(event.verb, event.path) for event in found[:place]]
    after = [(event.verb, event.path) for event in found[place + 1:] if event.thread == found[place].thread]

    def last(verb, path):
        return max((index for index, event in enumerate(before) if event == (verb, path)), default=-1)
    problems = []
    manifest = f"{temporary}/manifest.json"
    if last("write", manifest) < 0:
        problems.append(f"{final} appears without its manifest")
    for path in {path for verb, path in before if verb == "write" and path.startswith(f"{temporary}/")}:
        if last("sync", path) < last("write", path):
            problems.append(f"{path} is not synced when it is published")
    if last("sync", temporary) < max(0, last("sync", manifest)):
        problems.append(f"{temporary} is not synced between its manifest and the rename")
    steps = [(verb, _kind(path)) for verb, path in after]
    parent = steps.index(("sync", "parent")) if ("sync", "parent") in steps else -1
    journal = steps.index(("write", "journal")) if ("write", "journal") in steps else -1
    if parent < 0:
        problems.append(f"the directory above {final} is not synced after the rename")
    elif 0 <= journal < parent:
        problems.append("the journal says SUCCEEDED before the rename is durable")
    if journal < 0 or ("sync", "journal") not in steps[journal:]:
        problems.append("no synced journal entry follows the rename")
    return problems


def directories(found):
    """Those that a power failure could take away with what is durable in them."""
    for place, event in enumerate(found):
        if event.verb != "make":
            continue
        parent = event.path.rsplit("/", 1)[0]
        synced = [later.path for later in found[place:] if later.verb == "sync"]
        inside = [path for path in synced if f"{path}/".startswith(f"{event.path}/")]
        if parent not in synced or inside and synced.index(inside[0]) < synced.index(parent):
            yield f"{event.path} is not synced into {parent} before what is in it"


def problems(text):
    """All of them, and how many commits and published outputs were seen."""
    found = list(events(text))
    renames = [place for place, event in enumerate(found)
               if event.verb == "rename" and _kind(event.path) == "directory"]
    wrong, commits = _commits(found)
    wrong += directories(found)
    for place in renames:
        wrong += _published(found, place)
    if not renames:
        wrong.append("nothing was published")
    if not commits:
        wrong.append("no commit syncs its rows and then the journal")
    return wrong, commits, len(renames)

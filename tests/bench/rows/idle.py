"""CPU of a whole company that has nothing to do, and the first message after 3 s without one."""
import time

from measuring import Row
import chains

SECONDS = 10


def measure(bench) -> list:
    import jobs
    with jobs.company(bench) as team:
        time.sleep(2)  # What starting up left to do.
        before = {actor.name: jobs.cpu_seconds(actor) for actor in team.actors}
        began = time.monotonic()
        time.sleep(SECONDS)
        passed = time.monotonic() - began
        shares = {actor.name: 100 * (jobs.cpu_seconds(actor) - before[actor.name]) / passed for actor in team.actors}
    rows = [Row("idle", f"CPU of a company, {SECONDS} s without work", "% of a core", sum(shares.values()), 1, "1 %",
                [sum(shares.values())], 1, higher_is_better=False,
                note=", ".join(f"{name} {share:.2f} %" for name, share in shares.items()))]
    with chains.both(bench) as turn:
        slow, bare = turn(gap="3s", time="8s")
        busy = chains.median([turn()[0] for _ in range(3)], "p50_us")
    rows.append(Row("idle-first", "first message after 3 s, the slowest of 3", "ms", slow["max_us"] / 1000, 100,
                    "100 ms", [slow["max_us"] / 100_000], 1, higher_is_better=False,
                    note=f"bare {bare['max_us'] / 1000:.1f} ms; without pause {busy / 1000:.1f} ms"))
    return rows

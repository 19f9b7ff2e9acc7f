"""Rows that kill what touches them."""
from fleet import POISON, Fleet

ROWS = 150_000
REASONS = {"crash": "STAGE_CRASH", "hang": "STAGE_TIMEOUT", "oom": "STAGE_CRASH"}


def test_poison_rows(run):
    """21: one row crashes, one hangs, one eats all memory: exactly those are rejected."""
    guilty = sorted(row for rows in POISON.values() for row in rows)
    golden = run.golden(ROWS, without=guilty)
    with Fleet(run.state, replicas={"faulty": 2}, flags={"coordinator": ["--work_limit=3s"]}) as fleet:
        fleet.launch()
        job = fleet.score("poison", ROWS)
        done = fleet.verify(job, ROWS, golden, rejected=guilty, patience_s=400)
        found = {row.row: row.reason for row in done.report.rejected}
        expected = {row: REASONS[what] for what, rows in POISON.items() for row in rows}
        assert found == expected, f"rejected {found}, not {expected}"
        died = [actor for actor in fleet.actors if actor.process.poll() is not None]
        for actor in died:
            actor.killed = True
        return f"{found}; {len(died)} of 2 replicas died, {done.progress.retries} retries"

"""Rows that kill what touches them."""
import company
from fleet import ENDED, POISON, Fleet

ROWS = 150_000
REASONS = {"crash": "STAGE_CRASH", "hang": "STAGE_TIMEOUT", "oom": "STAGE_CRASH"}


def test_poison_rows(run):
    """21: one row crashes, one hangs, one eats all memory: exactly those are rejected."""
    guilty = sorted(row for rows in POISON.values() for row in rows)
    golden = run.golden(ROWS, without=guilty)
    deaths = []
    with Fleet(run.state, replicas={"faulty": 2}, flags={"coordinator": ["--work_limit=2s"]}) as fleet:
        fleet.launch()
        job = fleet.score("poison", ROWS)

        def ended():
            """Starts again what died, as a container engine does."""
            for actor in fleet.actors:
                if actor.name == "faulty" and actor.process.poll() is not None:
                    deaths.append(actor.process.returncode)
                    actor.start()
            return fleet.get(job).state in ENDED

        company.wait_for(ended, f"job {job} ends", 240)
        done = fleet.verify(job, ROWS, golden, rejected=guilty)
        found = {row.row: row.reason for row in done.report.rejected}
        expected = {row: REASONS[what] for what, rows in POISON.items() for row in rows}
        assert found == expected, f"rejected {found}, not {expected}"
        return f"{found}; replicas ended with {deaths}, {done.progress.retries} retries"

"""Rows that kill, hang or starve a stage end in the rejects; all others in the output."""
import json
import resource
import signal
import unittest

from company import SANITIZED, TERMINAL, Company, coordinator_pb2, wait_for

ROWS = 5000
CRASH, HANG, OOM = 1777, 2903, 4111
STUCK = 70  # The exit code of a process whose handler does not end.
LOST = {CRASH: "STAGE_CRASH", HANG: "STAGE_TIMEOUT", OOM: "STAGE_CRASH"}
# About 40 rows a batch, and limits that are short beside nothing but a hang.
FLAGS = {"coordinator": ["--split_bytes=512", "--work_limit=2s"],
         "faulty": ["--stuck_exit_after=1s"]}


def table(rows: int) -> str:
    lines = [f"{i},{i % 97},{(i * i) % 101},{int(i % 97 > 40)}\n" for i in range(rows)]
    return "id,a,b,label\n" + "".join(lines)


def spec(name: str, faults) -> dict:
    return {
        "name": name,
        "source": {"path": "train.csv"},
        "roles": {"target": "label", "carry": ["id"]},
        "steps": [{"stage": "faulty", "params": faults}, {"standardize": {"columns": {"all": True}}}],
        "model": {"xgboost": {"objective": "binary", "rounds": 5, "max_depth": 3}},
        "output": {"probabilities": True},
    }


class Isolate(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # Crashes are meant here.

    def nurse(self, company, job_id: str):
        """Starts what died anew until the job has ended; returns it and the exit codes."""
        ends = []

        def ended():
            for actor in company.actors:
                if actor.name == "faulty" and not actor.killed and actor.process.poll() is not None:
                    actor.killed = True
                    ends.append(actor.process.returncode)
                    company.add("faulty")
            return (job := company.get(job_id)).state in TERMINAL and job
        return wait_for(ended, f"job {job_id} ends", patience_s=300), ends

    def assert_suspects(self, company, number: int) -> None:
        """So many calls were repeated in isolation: none that only waited where another one killed."""
        lines = company.coordinator.log.read_text(errors="replace").splitlines()
        suspects = [line for line in lines if "isolated=1" in line]
        self.assertEqual(len(suspects), number, "\n".join(suspects))

    def score(self, company, name: str, **source):
        return company.create(kind="SCORE", pipeline=name, source={"path": "big.csv", **source}).id

    def test_only_the_guilty_rows_are_lost(self):
        with Company(replicas={"faulty": 2}, flags=FLAGS) as company:
            company.write("train.csv", table(400))
            company.write("big.csv", table(ROWS))
            # The two pipelines learn the same: none of the rows is in the training file.
            company.run(kind="TRAIN", spec=spec("clean", {}))
            company.run(kind="TRAIN", spec=spec("faulty", {"crash": [CRASH], "hang": [HANG], "oom": [OOM]}))
            clean = company.finish(self.score(company, "clean"))
            job, ends = self.nurse(company, self.score(company, "faulty", on_bad_row="REJECT", max_rejects=0.01))

            self.assertEqual(job.state, coordinator_pb2.PARTIALLY_SUCCEEDED, job)
            self.assertEqual((job.manifest.rows_read, job.manifest.rows_ok, job.manifest.rows_rejected),
                             (ROWS, ROWS - len(LOST), len(LOST)))
            rejects = [json.loads(line) for line in company.output(job, job.manifest.rejects).splitlines()]
            self.assertEqual({reject["row"]: reject["reason"] for reject in rejects}, LOST)
            self.assertEqual(len(rejects), len(LOST))
            messages = {reject["row"]: reject["message"] for reject in rejects}
            self.assertIn("SIGABRT", messages[CRASH])
            self.assertIn("limit of 2s", messages[HANG])
            # A sanitizer's shadow is larger than any limit of memory: such a build sets
            # none, and the row is ended as the kernel would.
            self.assertIn("SIGKILL" if SANITIZED else "ran out of memory", messages[OOM])
            header, *lines = company.output(clean).decode().splitlines()
            self.assertEqual(company.output(job).decode().splitlines(),
                             [header, *(line for line in lines if int(line.split(",")[0]) not in LOST)])

            # Each fault ended a process, the hanging one by itself.
            self.assertEqual(set(ends), {-signal.SIGABRT, -signal.SIGKILL, STUCK})
            self.assert_suspects(company, len(LOST))

    def test_what_waited_behind_a_stuck_handler_is_not_suspect(self):
        """One replica, so that nothing else can take what waits until the process ends."""
        with Company(replicas={"faulty": 1}, flags=FLAGS) as company:
            company.write("train.csv", table(400))
            company.write("big.csv", table(ROWS))
            company.run(kind="TRAIN", spec=spec("faulty", {"hang": [HANG]}))
            job, ends = self.nurse(company, self.score(company, "faulty", on_bad_row="REJECT", max_rejects=0.01))
            self.assertEqual(job.manifest.rows_ok, ROWS - 1, job)
            self.assertEqual(ends, [STUCK])
            self.assert_suspects(company, 1)


if __name__ == "__main__":
    unittest.main()

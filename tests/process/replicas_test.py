"""Replicas come, go and die during a job: same bytes."""
import functools
import hashlib
import signal
import unittest

import grpc
import numpy

from company import SANITIZED, Company, coordinator_pb2, error_info, wait_for


@functools.lru_cache
def big_table(rows: int) -> bytes:
    """A CSV of six numbers and a label, about 50 bytes a row."""
    values = numpy.random.default_rng(1).normal(0, 1, (10_000, 6))
    lines = [",".join(f"{value:.4f}" for value in row) + f",{int(row[0] * row[1] + row[2] > 0)}\n"
             for row in values]
    block = "".join(lines)
    whole, rest = divmod(rows, len(lines))
    return ("a,b,c,d,e,f,label\n" + block * whole + "".join(lines[:rest])).encode()


TRAINED = {
    "name": "numbers",
    "source": {"path": "train.csv"},
    "roles": {"target": "label"},
    "steps": [{"impute": {"columns": {"all": True}, "strategy": "MEAN"}},
              {"standardize": {"columns": {"all": True}}}],
    "model": {"xgboost": {"objective": "binary", "rounds": 150, "max_depth": 6}},
    "split": {"test": 0.2},
    "output": {"probabilities": True},
}
ROWS = 250_000 if SANITIZED else 1_000_000  # A second of work, and more.
# Batches of 128 KiB, so that there are hundreds of them to disturb.
SMALL = {"coordinator": ["--split_bytes=131072"]}


def train(company) -> None:
    company.write("train.csv", big_table(10_000))
    company.run(kind="TRAIN", spec=TRAINED)


class Replicas(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """What an undisturbed run with one replica of everything writes."""
        with Company(flags=SMALL) as company:
            cls.expected = cls.digest(company, cls.begin(company))

    @staticmethod
    def begin(company) -> str:
        train(company)
        company.write("big.csv", big_table(ROWS))
        return company.create(kind="SCORE", pipeline="numbers", source={"path": "big.csv"}).id

    @staticmethod
    def digest(company, job_id) -> str:
        job = company.finish(job_id)
        assert job.state == coordinator_pb2.SUCCEEDED, job
        assert (job.manifest.rows_read, job.manifest.rows_ok) == (ROWS, ROWS), job.manifest
        return hashlib.sha256(company.output(job)).hexdigest()

    def at_work(self, company, job_id):
        wait_for(lambda: company.get(job_id).progress.rows_ok > 0 or company.get(job_id).end_time.seconds,
                 "the job is at work")
        self.assertEqual(company.get(job_id).end_time.seconds, 0, "the job was over too soon to disturb it")

    def test_three_replicas_write_the_same_bytes(self):
        with Company(replicas={"loader": 2, "preprocessor": 3, "model": 2}, flags=SMALL) as company:
            self.assertEqual(self.digest(company, self.begin(company)), self.expected)

    def test_a_killed_replica_of_each_stage_changes_nothing(self):
        with Company(replicas={"loader": 2, "preprocessor": 2, "model": 2}, flags=SMALL) as company:
            job = self.begin(company)
            self.at_work(company, job)
            for stage in ("model", "preprocessor", "loader"):
                company.running(stage)[0].kill()
            self.assertEqual(self.digest(company, job), self.expected)

    def test_the_only_replica_killed_and_started_again_changes_nothing(self):
        with Company(flags=SMALL) as company:
            job = self.begin(company)
            self.at_work(company, job)
            company.running("model")[0].kill()
            company.add("model")
            self.assertEqual(self.digest(company, job), self.expected)

    def test_a_drained_replica_changes_nothing(self):
        with Company(replicas={"preprocessor": 2}, flags=SMALL) as company:
            job = self.begin(company)
            self.at_work(company, job)
            leaver = company.running("preprocessor")[0]
            leaver.process.send_signal(signal.SIGTERM)
            self.assertEqual(leaver.wait(), 0)
            self.assertEqual(self.digest(company, job), self.expected)
            self.assertEqual(company.get(job).progress.retries, 0, "an orderly end was charged")

    def test_a_replica_added_during_a_job_gets_work(self):
        with Company(flags=SMALL) as company:
            job = self.begin(company)
            self.at_work(company, job)
            added = company.add("model")
            wait_for(lambda: [replica.serving for stage in company.topology().stages
                              for replica in stage.replicas if stage.name == "model"] == [True, True],
                     "the new replica is seen", patience_s=10)
            self.assertEqual(self.digest(company, job), self.expected)

            def worked():
                again = company.create(kind="SCORE", pipeline="numbers", source={"path": "train.csv"})
                company.finish(again.id)
                return sum(lane.rows for lane in added.stats().lanes)
            wait_for(worked, "the new replica has worked")

    def test_without_a_model_the_job_is_stalled_and_goes_on_later(self):
        with Company(flags=SMALL) as company:
            train(company)
            company.write("big.csv", big_table(ROWS))
            company.running("model")[0].kill()
            company.publish()
            job = company.create(kind="SCORE", pipeline="numbers", source={"path": "big.csv"}).id
            stalled = wait_for(lambda: (found := company.get(job)).state == coordinator_pb2.STALLED and found,
                               "the job is stalled")
            self.assertIn("model", stalled.state_message)
            company.add("model")
            self.assertEqual(self.digest(company, job), self.expected)

    def test_jobs_of_a_coordinator_that_ended_run_at_the_next_start(self):
        for end in (signal.SIGTERM, signal.SIGKILL):
            with self.subTest(end=end.name), Company(flags=SMALL) as company:
                job = self.begin(company)
                self.at_work(company, job)
                company.coordinator.killed = end == signal.SIGKILL
                company.coordinator.process.send_signal(end)
                company.coordinator.wait()
                company.start_coordinator()
                self.assertEqual(self.digest(company, job), self.expected)

    def test_an_input_that_changes_during_a_job_fails_it(self):
        with Company(flags=SMALL) as company:
            job = self.begin(company)
            self.at_work(company, job)
            with open(company.data / "big.csv", "r+b") as file:
                file.seek(-2, 2)
                file.write(b"7")
            ended = company.finish(job)
            self.assertEqual(ended.state, coordinator_pb2.FAILED, ended)
            self.assertIn("changed", ended.error.message)
            self.assertFalse(list((company.state / "output").glob("*/manifest.json")))

    def test_a_cancelled_job_publishes_nothing_and_resume_goes_on(self):
        with Company(flags=SMALL) as company:
            job = self.begin(company)
            self.at_work(company, job)
            company.stub.CancelJob(coordinator_pb2.CancelJobRequest(id=job))
            self.assertEqual(company.finish(job).state, coordinator_pb2.CANCELLED)
            self.assertFalse((company.state / "output" / job).exists())
            company.stub.ResumeJob(coordinator_pb2.ResumeJobRequest(id=job))
            self.assertEqual(self.digest(company, job), self.expected)
            events = company.stub.GetJournal(coordinator_pb2.GetJournalRequest(id=job)).events
            self.assertIn("RESUMED", [event.kind for event in events])
            # What an earlier run wrote is to be read and compared before it is believed.
            with self.assertRaises(grpc.RpcError) as refused:
                company.stub.LocateOutput(coordinator_pb2.LocateOutputRequest(id=job, part="part-00000.csv"))
            self.assertEqual(error_info(refused.exception)[0], "OUTPUT_TO_BE_CHECKED")

    def test_two_jobs_share_the_stages(self):
        with Company(flags=SMALL) as company:
            first = self.begin(company)
            company.write("small.csv", big_table(1_000))
            second = company.create(kind="SCORE", pipeline="numbers", source={"path": "small.csv"}).id
            self.assertEqual(company.finish(second).state, coordinator_pb2.SUCCEEDED)
            self.assertEqual(self.digest(company, first), self.expected)


if __name__ == "__main__":
    unittest.main()

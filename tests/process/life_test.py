"""A job's life on real processes: what it pins, what it can be asked, how soon it listens."""
import os
import signal
import time
import unittest

import grpc

from company import (PATIENCE_S, SANITIZED, Company, coordinator_pb2, error_info, wait_for)

# Said by the clock, so with room for a slow machine; what went wrong took a minute.
SOON_S = 20 if SANITIZED else 5


def table(rows: int) -> str:
    return "x,z,y\n" + "".join(f"{i % 97},{(i * i) % 101},{i % 2}\n" for i in range(rows))


def spec(*steps) -> dict:
    return {"name": "n", "source": {"path": "train.csv"}, "roles": {"target": "y"},
            "steps": list(steps) or [{"standardize": {"columns": {"all": True}}}],
            "model": {"xgboost": {"objective": "binary", "rounds": 2, "max_depth": 2}}}


def delete_version(company, name: str) -> None:
    company.stub.DeletePipeline(coordinator_pb2.DeletePipelineRequest(pipeline=name), timeout=PATIENCE_S)


def refusal(call) -> tuple:
    """(code name, reason, metadata) of what `call` is refused with."""
    try:
        call()
    except grpc.RpcError as error:
        return (error.code().name, *error_info(error))
    raise AssertionError("nothing was refused")


def threads_of(actor) -> int:
    return len(os.listdir(f"/proc/{actor.process.pid}/task"))


class Version(unittest.TestCase):
    def test_a_version_stays_while_a_job_needs_it_also_over_a_kill(self):
        with Company(flags={"coordinator": ["--split_bytes=65536"]}) as company:
            company.write("train.csv", table(500))
            company.write("big.csv", table(400_000))
            company.run(kind="TRAIN", spec=spec())
            job = company.create(kind="SCORE", pipeline="n", source={"path": "big.csv"}).id
            code, reason, metadata = refusal(lambda: delete_version(company, "n@1"))
            self.assertEqual((code, reason), ("FAILED_PRECONDITION", "PIPELINE_IN_USE"))
            self.assertEqual(metadata["jobs"], job)
            company.coordinator.kill()
            company.start_coordinator()
            self.assertEqual(company.finish(job).state, coordinator_pb2.SUCCEEDED)
            delete_version(company, "n@1")
            self.assertEqual(
                refusal(lambda: company.create(kind="SCORE", pipeline="n@1", source={"path": "big.csv"}))[1],
                "PIPELINE_NOT_FOUND")


class Validate(unittest.TestCase):
    """validate_only."""

    def validate(self, company, timeout=PATIENCE_S, **fields):
        return company.stub.CreateJob(
            coordinator_pb2.CreateJobRequest(validate_only=True, **fields), timeout=timeout)

    def test_a_missing_stage_is_named_at_once_and_a_stop_is_not_held_up(self):
        with Company(replicas={"model": 0}) as company:
            company.write("train.csv", table(500))
            begin = time.monotonic()
            code, reason, metadata = refusal(
                lambda: company.create(kind="TRAIN", spec=spec(), validate_only=True))
            self.assertEqual((code, reason, metadata), ("UNAVAILABLE", "NO_REPLICA", {"stage": "model"}))
            self.assertLess(time.monotonic() - begin, SOON_S)
            self.assertEqual(len(company.stub.ListJobs(coordinator_pb2.ListJobsRequest()).jobs), 0)

    def test_the_callers_deadline_ends_it_and_nothing_stays(self):
        with Company() as company:
            company.write("train.csv", table(500))
            stuck = company.running("loader")[0]
            company.create(kind="TRAIN", spec=spec(), validate_only=True)
            threads = threads_of(company.coordinator)
            stuck.process.send_signal(signal.SIGSTOP)  # It serves, and does not answer.
            try:
                for _ in range(10):
                    with self.assertRaises(grpc.RpcError):
                        self.validate(company, timeout=0.3, kind=coordinator_pb2.INSPECT,
                                      source={"path": "train.csv"})
                wait_for(lambda: threads_of(company.coordinator) <= threads + 2, "the callers' threads end")
            finally:
                stuck.process.send_signal(signal.SIGCONT)

    def test_every_hop_is_asked_also_of_a_foreign_stage(self):
        with Company(replicas={"faulty": 1}) as company:
            company.write("train.csv", table(500))
            first = {"standardize": {"columns": {"all": True}}}
            for steps, field in (([{"stage": "faulty", "params": {"nonsense": 1}}], "steps[0].params.nonsense"),
                                 ([first, {"stage": "faulty", "params": {"nonsense": 1}}],
                                  "steps[1].params.nonsense")):
                code, _, reason, metadata = company.fail(kind="TRAIN", spec=spec(*steps), validate_only=True)
                self.assertEqual((code, reason, metadata["field"]), ("INVALID_ARGUMENT", "BAD_SPEC", field))
            job = company.create(kind="TRAIN", validate_only=True,
                                 spec=spec(first, {"stage": "faulty", "params": {"sleep_ms": 0}}, first))
            said = "\n".join(job.report.warnings)
            for part in ("steps[1] (stage faulty) was checked in part", "steps[2] was checked in part",
                         "model was checked against the file's columns", "other rows were not looked at"):
                self.assertIn(part, said)
            company.run(kind="TRAIN", spec=spec({"stage": "faulty", "params": {"sleep_ms": 0}}, first))
            company.running("faulty")[0].kill()
            company.publish()
            for kind in ("SCORE", "EVALUATE", "TRANSFORM"):
                begin = time.monotonic()
                self.assertEqual(
                    refusal(lambda: company.create(kind=kind, pipeline="n", source={"path": "train.csv"},
                                                   validate_only=True))[1:], ("NO_REPLICA", {"stage": "faulty"}))
                self.assertLess(time.monotonic() - begin, SOON_S)


if __name__ == "__main__":
    unittest.main()

"""A job's life on real processes: what it pins, what it can be asked, how soon it listens."""
import os
import signal
import time
import unittest

import grpc

from company import (PATIENCE_S, SANITIZED, Company, coordinator_pb2, error_details_pb2, error_info, status_pb2,
                     wait_for)

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


def retry_delay_s(error: grpc.RpcError) -> float:
    """What the google.rpc.RetryInfo of an error says; 0 without one."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for detail in status_pb2.Status.FromString(value).details:
                found = error_details_pb2.RetryInfo()
                if detail.Unpack(found):
                    return found.retry_delay.ToTimedelta().total_seconds()
    return 0


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


class Admission(unittest.TestCase):
    def test_so_many_jobs_are_taken_and_the_next_is_told_when_to_ask_again(self):
        flags = {"coordinator": ["--max_running_jobs=1", "--max_unfinished_jobs=2"]}
        with Company(flags=flags) as company:
            company.write("train.csv", table(500))
            loader = company.running("loader")[0]
            loader.process.send_signal(signal.SIGSTOP)
            jobs = [company.create(kind="TRAIN", spec=spec(), request_id=str(i)).id for i in range(2)]
            self.assertEqual(company.create(kind="TRAIN", spec=spec(), request_id="1").id, jobs[1])
            with self.assertRaises(grpc.RpcError) as caught:
                company.create(kind="TRAIN", spec=spec())
            self.assertEqual(caught.exception.code().name, "RESOURCE_EXHAUSTED")
            self.assertEqual(error_info(caught.exception)[0], "TOO_MANY_JOBS")
            self.assertGreater(retry_delay_s(caught.exception), 0)
            cancelled = company.stub.CancelJob(coordinator_pb2.CancelJobRequest(id=jobs[1]), timeout=PATIENCE_S)
            self.assertEqual(cancelled.state, coordinator_pb2.CANCELLED)
            third = company.create(kind="TRAIN", spec=spec()).id
            loader.process.send_signal(signal.SIGCONT)
            for job in (jobs[0], third):
                self.assertEqual(company.finish(job).state, coordinator_pb2.SUCCEEDED)

    def test_requests_are_bounded(self):
        with Company() as company:
            for call, request in ((company.stub.CreateJob, coordinator_pb2.CreateJobRequest(
                    kind=coordinator_pb2.INSPECT, source={"path": "x" * (3 << 20)})),
                                  (company.stub.GetJob, coordinator_pb2.GetJobRequest(id="x" * (1 << 17)))):
                code, reason, _ = refusal(lambda: call(request, timeout=PATIENCE_S))
                self.assertEqual((code, reason), ("RESOURCE_EXHAUSTED", "MESSAGE_TOO_LARGE"))


class Short(unittest.TestCase):
    def test_short_jobs_do_not_wait_behind_long_ones(self):
        with Company(flags={"coordinator": ["--max_running_jobs=1"]}) as company:
            company.write("train.csv", table(500))
            company.write("big.csv", table(4_000_000))
            company.run(kind="TRAIN", spec=spec())
            long = [company.create(kind="SCORE", pipeline="n", source={"path": "big.csv"}).id for _ in range(2)]
            wait_for(lambda: company.get(long[0]).progress.rows_ok > 0, "the long one works")
            begin = time.monotonic()
            for short in (dict(kind="INSPECT"), dict(kind="EVALUATE", pipeline="n")):
                job = company.run(source={"path": "train.csv"}, **short)
                self.assertEqual(job.state, coordinator_pb2.SUCCEEDED)
            self.assertLess(time.monotonic() - begin, SOON_S)
            self.assertEqual(company.get(long[1]).state, coordinator_pb2.QUEUED)
            for job in reversed(long):
                company.stub.CancelJob(coordinator_pb2.CancelJobRequest(id=job), timeout=PATIENCE_S)
            self.assertEqual(company.finish(long[0]).state, coordinator_pb2.CANCELLED)


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

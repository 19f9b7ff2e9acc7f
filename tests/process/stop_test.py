"""Stop, SIGTERM and full mailboxes, idle and under load; who may start where."""
import concurrent.futures
import contextlib
import os
import signal
import socket
import subprocess
import unittest

import grpc

from company import (BIN, STAGES, Actor, Company, actor_pb2, actor_pb2_grpc, coordinator_pb2,
                     error_info, loader_pb2, loader_pb2_grpc, scratch_directory, wait_for)
from replicas_test import ROWS, SMALL, big_table, train


class Start(unittest.TestCase):
    def test_port_in_use_is_a_plain_message(self):
        with socket.socket() as taken, scratch_directory() as directory:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            for name, flags in {"loader": [f"--roots={directory}"], "preprocessor": [],
                                "model": [f"--scratch_dir={directory}"],
                                "coordinator": [f"--state_dir={directory / 'state'}"]}.items():
                with self.subTest(name=name):
                    done = subprocess.run([BIN / f"troupe-{name}", f"--port={port}", *flags], timeout=60,
                                          capture_output=True, text=True, check=False)
                    self.assertEqual(done.returncode, 1, done.stderr)
                    self.assertIn(str(port), done.stderr)
                    self.assertIn("in use", done.stderr)

    def test_flags_come_from_the_environment_too(self):
        with scratch_directory() as directory:
            os.environ["TROUPE_LOG_JSON"] = "true"
            try:
                actor = Actor("preprocessor", directory, 0, [])
                self.assertGreater(actor.port, 0)
                actor.process.terminate()
                self.assertEqual(actor.wait(), 0)
            finally:
                del os.environ["TROUPE_LOG_JSON"]
            self.assertTrue(actor.tail().startswith("{"), actor.tail())

    def test_a_wrong_flag_is_refused(self):
        done = subprocess.run([BIN / "troupe-model", "--prot=1"], timeout=60, capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("prot", done.stderr)

    def test_health_subcommand(self):
        with Company(start_coordinator=False) as company:
            for actor in company.actors:
                command = [BIN / f"troupe-{actor.name}", "health", f"--port={actor.port}"]
                self.assertEqual(subprocess.run(command, timeout=60, check=False).returncode, 0)
            port = company.actors[0].port
            company.actors[0].process.terminate()
            company.actors[0].wait()
            command = [BIN / "troupe-loader", "health", f"--port={port}"]
            self.assertEqual(subprocess.run(command, timeout=60, check=False, stderr=subprocess.DEVNULL,
                                            stdout=subprocess.DEVNULL).returncode, 1)

    def test_the_second_coordinator_on_a_state_directory_refuses(self):
        with Company() as company:
            self.assertGreater(company.coordinator.port, 0)
            done = subprocess.run([BIN / "troupe-coordinator", "--port=0", f"--state_dir={company.state}"],
                                  timeout=60, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(str(company.state), done.stderr)

    def test_natively_only_loopback_listens(self):
        with Company(start_coordinator=False) as company:
            port = company.actors[1].port
            listening = [line.split()[1] for table in ("tcp", "tcp6")
                         for line in open(f"/proc/net/{table}", encoding="ascii").readlines()[1:]
                         if line.split()[3] == "0A" and line.split()[1].endswith(f":{port:04X}")]
            # 127.0.0.1, as itself or as an IPv6 address.
            self.assertIn(listening, ([f"0100007F:{port:04X}"],
                                      [f"0000000000000000FFFF00000100007F:{port:04X}"]))


class Stop(unittest.TestCase):
    def test_sigterm_ends_every_idle_process_with_zero(self):
        with Company() as company:
            self.assertGreater(company.coordinator.port, 0)
            for actor in company.actors:
                self.assertGreater(actor.port, 0)
                actor.process.send_signal(signal.SIGTERM)
            self.assertEqual([actor.wait() for actor in company.actors], [0, 0, 0, 0])

    def test_sigint_too(self):
        with Company(start_coordinator=False) as company:
            for actor in company.actors:
                self.assertGreater(actor.port, 0)
                actor.process.send_signal(signal.SIGINT)
            self.assertEqual([actor.wait() for actor in company.actors], [0, 0, 0])

    def test_stop_is_idempotent_and_acknowledged_at_once(self):
        with Company(start_coordinator=False) as company:
            actor = company.running("model")[0]
            stub = actor_pb2_grpc.ActorStub(actor.channel)
            self.assertTrue(stub.Stop(actor_pb2.StopRequest()).began)
            with contextlib.suppress(grpc.RpcError):  # It may be gone already.
                self.assertFalse(stub.Stop(actor_pb2.StopRequest()).began)
            self.assertEqual(actor.wait(), 0)

    def test_company_stop_reaches_every_replica(self):
        with Company(replicas={"preprocessor": 2, "model": 2}) as company:
            wait_for(lambda: sum(replica.serving for stage in company.topology().stages
                                 for replica in stage.replicas) == 5, "all replicas are seen")
            company.stub.Stop(coordinator_pb2.StopCompanyRequest())
            self.assertEqual([actor.wait() for actor in company.actors], [0] * 6)

    def test_troupe_stop_does_the_same(self):
        with Company() as company:
            company.troupe("stop")
            self.assertEqual([actor.wait() for actor in company.actors], [0] * 4)

    def test_stop_under_load_ends_everything_with_zero(self):
        for mode in (actor_pb2.DRAIN, actor_pb2.NOW):
            with self.subTest(mode=actor_pb2.StopMode.Name(mode)), Company(flags=SMALL) as company:
                job = start_long_job(company)
                company.stub.Stop(coordinator_pb2.StopCompanyRequest(mode=mode))
                self.assertEqual([actor.wait() for actor in company.actors], [0] * 4)
                self.assertTrue(job)

    def test_sigterm_to_all_under_load_ends_everything_with_zero(self):
        with Company(flags=SMALL) as company:
            start_long_job(company)
            for actor in company.actors:
                actor.process.send_signal(signal.SIGTERM)
            self.assertEqual([actor.wait() for actor in company.actors], [0] * 4)

    def test_a_cancelled_job_publishes_nothing(self):
        with Company(flags=SMALL) as company:
            job = start_long_job(company)
            company.stub.CancelJob(coordinator_pb2.CancelJobRequest(id=job))
            company.stub.CancelJob(coordinator_pb2.CancelJobRequest(id=job))
            ended = company.finish(job)
            self.assertEqual(ended.state, coordinator_pb2.CANCELLED)
            self.assertFalse(ended.manifest.parts)


def start_long_job(company) -> str:
    """A score job that is at work when this returns."""
    train(company)
    company.write("big.csv", big_table(ROWS))
    job = company.create(kind="SCORE", pipeline="numbers", source={"path": "big.csv"})
    wait_for(lambda: company.get(job.id).progress.rows_ok > 0 or company.get(job.id).end_time.seconds,
             "the job is at work")
    return job.id


class FullMailbox(unittest.TestCase):
    def test_rejects_with_a_reason_and_loses_nothing(self):
        with Company(start_coordinator=False,
                     flags={"loader": ["--mailbox_messages=2"]}) as company:
            company.write("some.csv", big_table(50_000))
            loader = company.running("loader")[0]
            stub = loader_pb2_grpc.LoaderStub(loader.channel)
            request = loader_pb2.PlanRequest()
            request.source.path = "some.csv"

            def plan(_):
                try:
                    return stub.Plan(request, timeout=120).rows
                except grpc.RpcError as error:
                    self.assertEqual(error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
                    return error_info(error)[0]
            with concurrent.futures.ThreadPoolExecutor(32) as pool:
                answers = list(pool.map(plan, range(64)))
            lane = next(lane for lane in loader.stats().lanes if lane.name == "batch")
            self.assertEqual(answers.count(50_000), lane.succeeded)
            self.assertEqual(answers.count("MAILBOX_FULL"), lane.rejected["MAILBOX_FULL"])
            self.assertEqual(lane.succeeded + lane.rejected["MAILBOX_FULL"], 64)
            self.assertGreater(lane.rejected["MAILBOX_FULL"], 0)

    def test_stop_while_full_answers_everybody(self):
        with Company(start_coordinator=False,
                     flags={"loader": ["--mailbox_messages=4"]}) as company:
            company.write("some.csv", big_table(100_000))
            loader = company.running("loader")[0]
            stub = loader_pb2_grpc.LoaderStub(loader.channel)
            request = loader_pb2.PlanRequest()
            request.source.path = "some.csv"
            calls = [stub.Plan.future(request, timeout=120) for _ in range(32)]
            wait_for(lambda: any(lane.accepted for lane in loader.stats().lanes), "a message is accepted")
            actor_pb2_grpc.ActorStub(loader.channel).Stop(actor_pb2.StopRequest(mode=actor_pb2.NOW))
            codes = {call.code() for call in calls}
            self.assertLessEqual(codes, {grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE,
                                         grpc.StatusCode.CANCELLED, grpc.StatusCode.RESOURCE_EXHAUSTED})
            self.assertEqual(loader.wait(), 0)

    def test_a_job_gets_through_tiny_mailboxes(self):
        tiny = ["--mailbox_messages=1"]
        with Company(flags={stage: tiny for stage in STAGES}) as company:
            train(company)
            company.write("big.csv", big_table(100_000))
            job = company.run(kind="SCORE", pipeline="numbers", source={"path": "big.csv"})
            self.assertEqual(job.manifest.rows_ok, 100_000)


if __name__ == "__main__":
    unittest.main()

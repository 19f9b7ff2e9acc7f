"""Ends that cross each other, and ends in a slow world: always 0, and in time."""
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

import grpc

from company import Company, actor_pb2, actor_pb2_grpc, coordinator_pb2, scratch_directory, wait_for
from replicas_test import SMALL, big_table, train

ROWS = 400_000
DRAIN_S = 7
# What a process needs to be scheduled, beside everything else on the machine.
LATE_S = 3 if "asan" not in os.environ.get("TROUPE_BIN", "") else 15


class SlowWorld:
    """slow_world.c, in the environment of the processes that start meanwhile."""

    def __enter__(self):
        self._scratch = contextlib.ExitStack()
        directory = self._scratch.enter_context(scratch_directory())
        library = directory / "slow_world.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library,
                        pathlib.Path(__file__).with_name("slow_world.c"), "-ldl"], check=True)
        self._disk = directory / "slow"
        os.environ.update({"LD_PRELOAD": str(library), "SLOW_WORLD": str(self._disk)})
        return self

    def slow_disk(self):
        self._disk.touch()

    def __exit__(self, *_):
        del os.environ["LD_PRELOAD"], os.environ["SLOW_WORLD"]
        self._scratch.close()


@contextlib.contextmanager
def busy_cores():
    """Something else that keeps every core busy."""
    burners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count())]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def load(company, jobs=4):
    train(company)
    company.write("big.csv", big_table(ROWS))
    created = [company.create(kind="SCORE", pipeline="numbers", source={"path": "big.csv"}).id for _ in range(jobs)]
    wait_for(lambda: company.get(created[0]).progress.rows_ok > 0 or company.get(created[0]).end_time.seconds,
             "a job is at work")


class Ends(unittest.TestCase):
    def ends(self, actor, within_s=DRAIN_S + LATE_S):
        begin = time.monotonic()
        code = actor.wait()
        took = time.monotonic() - begin
        self.assertEqual(code, 0, actor.tail())
        self.assertLess(took, within_s, actor.tail())
        return took

    def stop(self, company, mode=actor_pb2.DRAIN):
        with contextlib.suppress(grpc.RpcError):  # It may be gone already.
            company.stub.Stop(coordinator_pb2.StopCompanyRequest(mode=mode), timeout=20)

    def test_stop_beside_sigterm(self):
        for gap_s in (0, 0.005, 0.1):
            with self.subTest(gap_s=gap_s), Company(flags=SMALL) as company, busy_cores():
                load(company)
                self.stop(company)
                time.sleep(gap_s)
                company.coordinator.process.send_signal(signal.SIGTERM)
                self.ends(company.coordinator)
                for stage in company.actors:
                    self.ends(stage)

    def test_sigterm_beside_stop_and_both_twice(self):
        with Company(flags=SMALL) as company, busy_cores():
            load(company)
            for _ in range(2):
                company.coordinator.process.send_signal(signal.SIGTERM)
                self.stop(company)
            self.ends(company.coordinator)

    def test_now_after_drain_ends_at_once(self):
        # A model that is stopped for good does not acknowledge anything.
        with Company(flags=SMALL) as company:
            load(company)
            model = company.running("model")[0]
            model.process.send_signal(signal.SIGSTOP)
            try:
                self.stop(company)
                self.stop(company, actor_pb2.NOW)
                self.ends(company.coordinator, within_s=4)
            finally:
                model.process.send_signal(signal.SIGCONT)

    def test_now_after_a_drain_without_end_ends_a_stage(self):
        with Company(start_coordinator=False) as company:
            loader = company.running("loader")[0]
            company.write("big.csv", big_table(ROWS))
            stub = actor_pb2_grpc.ActorStub(loader.channel)
            request = actor_pb2.StopRequest()
            request.deadline.seconds = 3600
            stub.Stop(request)
            with contextlib.suppress(grpc.RpcError):
                stub.Stop(actor_pb2.StopRequest(mode=actor_pb2.NOW))
            self.ends(loader, within_s=4)

    def test_a_silent_name_server_holds_up_no_end(self):
        for by_stop in (False, True):
            with self.subTest(by_stop=by_stop), SlowWorld(), Company() as company:
                other = company.start_coordinator(
                    state=company.directory / "other", flags=["--stage=loader=dns:silent:50051"])
                self.assertGreater(other.port, 0)
                if by_stop:
                    self.stop(company)
                else:
                    other.process.send_signal(signal.SIGTERM)
                self.assertLess(self.ends(other), DRAIN_S)

    def test_a_slow_disk_holds_up_no_end(self):
        with SlowWorld() as world, Company(flags=SMALL) as company:
            load(company, jobs=2)
            world.slow_disk()
            time.sleep(0.5)  # They meet it.
            company.coordinator.process.send_signal(signal.SIGTERM)
            self.ends(company.coordinator)


if __name__ == "__main__":
    unittest.main()

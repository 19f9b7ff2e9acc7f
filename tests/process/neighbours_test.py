"""What a peer at the port may do to a process: nothing that lasts."""
import threading
import unittest

import grpc

from company import Company, coordinator_pb2, coordinator_pb2_grpc, wait_for

SPEC = {"name": "n", "source": {"path": "train.csv"}, "roles": {"target": "y"},
        "model": {"xgboost": {"objective": "binary", "rounds": 2, "max_depth": 2}}}
ROWS = "x,y\n" + "".join(f"{i % 97},{i % 2}\n" for i in range(200))


def threads(actor) -> int:
    with open(f"/proc/{actor.process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("Threads:"))


def own_channel(actor):
    return grpc.insecure_channel(actor.address, options=[("grpc.use_local_subchannel_pool", 1)])


class Watching(unittest.TestCase):
    def test_no_watcher_has_a_thread_and_only_the_first_message_the_request(self):
        with Company(replicas={"model": 0}) as company:
            company.write("train.csv", ROWS)
            job = company.create(kind="TRAIN", spec=SPEC)
            wait_for(lambda: company.get(job.id).state == coordinator_pb2.STALLED, "it waits for a model")
            before = threads(company.coordinator)
            channels = [own_channel(company.coordinator) for _ in range(4)]
            watches = [coordinator_pb2_grpc.CoordinatorStub(channels[i % 4]).WatchJob(
                coordinator_pb2.WatchJobRequest(id=job.id)) for i in range(400)]
            first = [next(watch) for watch in watches]
            self.assertTrue(all(each.HasField("request") for each in first))
            self.assertLess(threads(company.coordinator), before + 10)
            company.stub.CancelJob(coordinator_pb2.CancelJobRequest(id=job.id))
            rest = [list(watch) for watch in watches]
            self.assertTrue(all(each[-1].state == coordinator_pb2.CANCELLED for each in rest))
            self.assertFalse(any(later.HasField("request") for each in rest for later in each))
            for channel in channels:
                channel.close()


class Uploading(unittest.TestCase):
    def test_slow_uploads_hold_nobody_up(self):
        with Company() as company:
            def slow():
                yield coordinator_pb2.UploadRequest(name="slow.csv", content=b"x")
                go_on.wait(60)
            go_on = threading.Event()
            before = threads(company.coordinator)
            channel = own_channel(company.coordinator)
            stub = coordinator_pb2_grpc.CoordinatorStub(channel)
            slow_ones = [stub.Upload.future(slow()) for _ in range(100)]
            content = ROWS.encode()
            uploaded = company.stub.Upload(iter([
                coordinator_pb2.UploadRequest(name="train.csv", content=content)]), timeout=60)
            self.assertEqual(uploaded.bytes, len(content))
            self.assertLess(threads(company.coordinator), before + 10)
            go_on.set()
            for each in slow_ones:
                self.assertEqual(each.result(60).bytes, 1)
            channel.close()


if __name__ == "__main__":
    unittest.main()

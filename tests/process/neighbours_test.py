"""What a peer at the port may do to a process: nothing that lasts."""
import contextlib
import hashlib
import os
import resource
import socket
import threading
import unittest

import grpc

import http2
from company import SANITIZED, Company, actor_pb2, actor_pb2_grpc, coordinator_pb2, coordinator_pb2_grpc, wait_for

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
                yield coordinator_pb2.UploadRequest(end=coordinator_pb2.UploadEnd(
                    bytes=1, sha256=hashlib.sha256(b"x").hexdigest()))
            go_on = threading.Event()
            before = threads(company.coordinator)
            channel = own_channel(company.coordinator)
            stub = coordinator_pb2_grpc.CoordinatorStub(channel)
            slow_ones = [stub.Upload.future(slow()) for _ in range(100)]
            content = ROWS.encode()
            uploaded = company.upload("train.csv", content)
            self.assertEqual(uploaded.bytes, len(content))
            self.assertLess(threads(company.coordinator), before + 10)
            go_on.set()
            for each in slow_ones:
                self.assertEqual(each.result(60).bytes, 1)
            channel.close()


def peak_mib(actor) -> int:
    with open(f"/proc/{actor.process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) >> 10


class Compressing(unittest.TestCase):
    def test_what_is_compressed_is_refused_by_every_role_and_not_inflated(self):
        with Company() as company:
            for actor, method in ((company.coordinator, "Coordinator/GetJob"),
                                  (company.running("loader")[0], "Loader/Plan"),
                                  (company.running("preprocessor")[0], "Stage/Process"),
                                  (company.running("model")[0], "Stage/Process")):
                before = peak_mib(actor)
                call = actor.channel.unary_unary(f"/troupe.v1.{method}")
                with self.assertRaises(grpc.RpcError) as caught:
                    call(bytes(64 << 20), compression=grpc.Compression.Gzip, timeout=60)
                self.assertEqual(caught.exception.code(), grpc.StatusCode.UNIMPLEMENTED)
                self.assertLess(peak_mib(actor) - before, 32, actor.name)


# UBSan asks by a pipe whether an object can be read, and takes none for a damaged object.
@unittest.skipIf(SANITIZED, "a sanitized program without descriptors ends by its sanitizer")
class Descriptors(unittest.TestCase):
    def test_who_ran_out_of_them_accepts_again(self):
        with Company() as company:
            for actor in (company.coordinator, company.running("loader")[0]):
                used = len(os.listdir(f"/proc/{actor.process.pid}/fd"))
                few = (used + 40, used + 40)
                before = resource.prlimit(actor.process.pid, resource.RLIMIT_NOFILE, few)
                self.assertEqual(before[0], before[1], "raised at the start")
                peers = [socket.create_connection(("127.0.0.1", actor.port), timeout=10) for _ in range(300)]
                wait_for(lambda: len(os.listdir(f"/proc/{actor.process.pid}/fd")) <= used + 40, "it is full")
                for peer in peers:
                    peer.close()
                channel = own_channel(actor)
                stub = actor_pb2_grpc.ActorStub(channel)
                stub.GetStats(actor_pb2.GetStatsRequest(), timeout=60, wait_for_ready=True)
                channel.close()


def attack(actor, peers: int, frames):
    """What `frames(peer)` yields, from so many connections at once, until each is cut or has said all."""
    def one():
        with http2.connect(actor.port) as peer, contextlib.suppress(OSError):
            reader = threading.Thread(target=http2.read_all, args=(peer,))
            reader.start()
            for some in frames():
                peer.sendall(some)
            peer.shutdown(socket.SHUT_RDWR)
            reader.join()
    attackers = [threading.Thread(target=one) for _ in range(peers)]
    for each in attackers:
        each.start()
    for each in attackers:
        each.join()


class Frames(unittest.TestCase):
    """Peers that write HTTP/2 by hand. A sanitizer's program has a recvmsg of its own."""
    METHODS = {"coordinator": "/troupe.v1.Coordinator/GetJob", "loader": "/troupe.v1.Loader/Plan"}

    def check(self, peers, frames):
        with Company() as company:
            for actor in (company.coordinator, company.running("loader")[0]):
                before, threads_before = peak_mib(actor), threads(actor)
                headers = http2.request_headers(self.METHODS[actor.name])
                attack(actor, peers, lambda: frames(headers))
                self.assertLess(peak_mib(actor) - before, 100, actor.name)
                self.assertLess(threads(actor), threads_before + 10, actor.name)
                channel = own_channel(actor)
                actor_pb2_grpc.ActorStub(channel).GetStats(actor_pb2.GetStatsRequest(), timeout=60)
                channel.close()

    @unittest.skipIf(SANITIZED, "a sanitizer's recvmsg")
    def test_streams_begun_and_reset_by_the_ten_thousand(self):
        def frames(headers):
            for first in range(1, 60_000, 100):
                yield b"".join(http2.frame(http2.HEADERS, http2.END_HEADERS, stream, headers)
                               + http2.frame(http2.RST_STREAM, 0, stream, bytes(4))
                               for stream in range(first, first + 100, 2))
        self.check(4, frames)

    @unittest.skipIf(SANITIZED, "a sanitizer's recvmsg")
    def test_headers_without_end(self):
        def frames(headers):
            yield http2.frame(http2.HEADERS, 0, 1, headers)
            for _ in range(16_000):
                yield http2.frame(http2.CONTINUATION, 0, 1, http2.literal(b"x", b"y" * 16_000))
        self.check(1, frames)

    @unittest.skipIf(SANITIZED, "a sanitizer's recvmsg")
    def test_one_header_without_end(self):
        def frames(headers):
            yield http2.frame(http2.HEADERS, 0, 1, headers + b"\0\1x" + http2.integer(1 << 30, 7))
            for _ in range(16_000):
                yield http2.frame(http2.CONTINUATION, 0, 1, b"y" * 16_000)
        self.check(1, frames)

    def test_calls_that_never_begin(self):
        def frames(headers):
            for stream in range(1, 500, 2):
                yield http2.frame(http2.HEADERS, http2.END_HEADERS, stream, headers)
        self.check(20, frames)


if __name__ == "__main__":
    unittest.main()

"""What is fitted comes back whole, however large it is beside one message."""
import hashlib
import socket
import threading
import unittest

import numpy

from company import Company, coordinator_pb2, wait_for

LEAST = ["--max_message_bytes=1048576"]
# Every message to and from a stage stays below 1 MiB; what is fitted does not.
SMALL = {"loader": LEAST, "preprocessor": LEAST, "model": LEAST,
         "coordinator": ["--split_bytes=65536", "--max_batch_bytes=524288"]}
ROWS = 4000


def table() -> bytes:
    """Noise, of which deep trees remember every row."""
    values = numpy.random.default_rng(3).normal(0, 1, (ROWS, 4))
    return ("a,b,c,d,y\n" + "".join(",".join(f"{value:.6f}" for value in row) + f",{label}\n" for row, label in zip(
        values, numpy.random.default_rng(4).normal(0, 1, ROWS).round(4).tolist()))).encode()


FOREST = {"name": "forest", "source": {"path": "noise.csv"}, "roles": {"target": "y"},
          "model": {"xgboost": {"objective": "regression", "rounds": 120, "max_depth": 10}}, "split": {"test": 0.1}}


def stored(company, name) -> bytes:
    """The bytes of a pipeline's last artifact."""
    pipeline = company.stub.GetPipeline(coordinator_pb2.GetPipelineRequest(pipeline=name))
    return (company.state / "artifacts" / pipeline.hops[-1].artifact).read_bytes()


class Cut:
    """A TCP relay before one replica, which kills it when it has answered so many bytes; what else
    it had sent by then is lost."""

    def __init__(self, actor, after):
        self._actor, self._port, self._left = actor, actor.port, after
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._port))
            except OSError:
                near.close()
                continue
            threading.Thread(target=self._forward, args=(near, far, False), daemon=True).start()
            threading.Thread(target=self._forward, args=(far, near, True), daemon=True).start()

    def _forward(self, source, sink, counted):
        try:
            while piece := source.recv(1 << 16):
                sink.sendall(piece)
                if counted:
                    self._left -= len(piece)
                    if self._left <= 0:
                        self._actor.kill()
                        break
        except OSError:
            pass
        for end in (source, sink):
            end.close()

    def close(self):
        self._listener.close()


class Artifacts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """What comes back in messages of the usual size."""
        with Company() as company:
            cls.scores, cls.artifact = cls.score(company)

    @staticmethod
    def score(company):
        company.write("noise.csv", table())
        company.run(kind="TRAIN", spec=FOREST)
        job = company.run(kind="SCORE", pipeline="forest", source={"path": "noise.csv"})
        return company.output(job), hashlib.sha256(stored(company, "forest")).hexdigest()

    def test_a_model_larger_than_a_message_is_fitted_stored_put_and_used(self):
        with Company(flags=SMALL, replicas={"model": 2}) as company:
            scores, artifact = self.score(company)
            self.assertGreater(len(stored(company, "forest")), 3 << 19)
        self.assertEqual(artifact, self.artifact)
        self.assertEqual(scores, self.scores)

    def test_a_fit_starts_over_when_its_replica_dies_between_two_pieces(self):
        with Company(flags=SMALL, start_coordinator=False) as company:
            first = company.running("model")[0]
            cut = Cut(first, after=1_400_000)
            self.addCleanup(cut.close)
            (company.directory / "model.targets").write_text(cut.address + "\n")
            company.start_coordinator()
            company.write("noise.csv", table())
            job = company.create(kind="TRAIN", spec=FOREST)
            wait_for(lambda: first.killed and first.process.poll() is not None, "the replica is dead")
            company.add("model")
            done = company.finish(job.id)
            self.assertEqual(done.state, coordinator_pb2.SUCCEEDED, done.error)
            self.assertGreaterEqual(done.progress.retries, 1)
            self.assertEqual(hashlib.sha256(stored(company, "forest")).hexdigest(), self.artifact)

    def test_an_artifact_larger_than_allowed_fails_the_job_and_names_the_flag(self):
        limits = [*SMALL["coordinator"], "--max_artifact_bytes=1500000"]
        with Company(flags={**SMALL, "coordinator": limits}) as company:
            company.write("noise.csv", table())
            code, message, reason, _ = company.fail(kind="TRAIN", spec=FOREST)
            self.assertEqual((code, reason), ("RESOURCE_EXHAUSTED", "ARTIFACT_TOO_LARGE"))
            self.assertIn("--max_artifact_bytes", message)

    @staticmethod
    def transform(company):
        """Fits two tables of categories, in two passes: log1p behind what is not yet fitted may reject rows."""
        company.write("names.csv", "a,x,b\n" + "".join(
            f"{hashlib.sha256(b'a%d' % row).hexdigest()},{row % 7},{hashlib.sha256(b'b%d' % row).hexdigest()}\n"
            for row in range(9000)))
        steps = [{"ordinal": {"columns": {"names": ["a"]}}}, {"min_max": {"columns": {"names": ["x"]}}},
                 {"log1p": {"columns": {"names": ["x"]}}}, {"ordinal": {"columns": {"names": ["b"]}}}]
        company.run(kind="TRAIN", spec={"name": "names", "source": {"path": "names.csv"}, "steps": steps,
                                        "split": {"test": 0}})
        job = company.run(kind="TRANSFORM", pipeline="names", source={"path": "names.csv"})
        return company.output(job), stored(company, "names")

    def test_categories_larger_than_a_message_are_merged_and_used(self):
        with Company() as company:
            expected = self.transform(company)
        with Company(flags=SMALL, replicas={"preprocessor": 2}) as company:
            got = self.transform(company)
        self.assertGreater(len(expected[1]), 9 << 17)
        self.assertEqual(got, expected)

    def test_watchers_see_the_rounds(self):
        with Company() as company:
            company.write("noise.csv", table())
            spec = {**FOREST, "model": {"xgboost": {"objective": "regression", "rounds": 200, "max_depth": 10}}}
            job = company.create(kind="TRAIN", spec=spec)
            seen = [update.progress.rounds for update in company.stub.WatchJob(
                coordinator_pb2.WatchJobRequest(id=job.id)) if update.progress.rounds_at_most == 200]
            self.assertTrue(seen)
            self.assertEqual(seen, sorted(seen))


if __name__ == "__main__":
    unittest.main()

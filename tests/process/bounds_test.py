"""No input makes a process take memory by the size that the input claims.

Each input here is small, or its rows are all bad, and used to make replies that
outgrew what they carry. The job ends as it should, and neither the loader nor the
coordinator had more than 150 MiB at any time.
"""
import pathlib
import unittest

from company import PATIENCE_S, SANITIZED, Company, coordinator_pb2

MAX_PEAK_MIB = 150
LOG1P = {"name": "logs", "source": {"path": "train.csv"}, "roles": {"target": "y"},
         "steps": [{"log1p": {"columns": {"names": ["x"]}}}],
         "model": {"baseline": {"objective": "regression"}}, "split": {"test": 0}}


def lines_of(company, job, part) -> int:
    """Lines of a part, which may be larger than one would keep in memory."""
    request = coordinator_pb2.ReadOutputRequest(id=job.id, part=part.name)
    return sum(piece.content.count(b"\n")
               for piece in company.stub.ReadOutput(request, timeout=4 * PATIENCE_S))


class Bounds(unittest.TestCase):
    def setUp(self):
        self.company = Company()
        self.company.__enter__()
        self.addCleanup(self.company.__exit__, None, None, None)

    def inspect(self, path, rows, **more):
        job = self.company.run(kind="INSPECT", source={"path": path, **more})
        self.assertEqual(job.progress.rows_read, rows)
        return job

    def check_rejects(self, job, rows):
        """All rows are in the rejects file, once."""
        manifest = job.manifest
        self.assertEqual((manifest.rows_read, manifest.rows_ok, manifest.rows_rejected), (rows, 0, rows))
        self.assertEqual(manifest.rejects.rows, rows)
        self.assertEqual(lines_of(self.company, job, manifest.rejects), rows)

    def check_peaks(self):
        if SANITIZED:
            return
        peaks = {}
        for name in ("loader", "coordinator"):
            process, = self.company.running(name)
            status = pathlib.Path(f"/proc/{process.process.pid}/status").read_text()
            peaks[name] = int(status.split("VmHWM:")[1].split()[0]) // 1024
        print(f"{self.id()}: {peaks} MiB", flush=True)
        for name, peak in peaks.items():
            self.assertLess(peak, MAX_PEAK_MIB, f"peak of the {name}, MiB")

    def test_optional_keys_that_few_rows_have(self):
        rows = 230_000
        self.company.write("sparse.jsonl", b"".join(b'{"id":%d,"m%d":%d}\n' % (i, i % 50, i % 10) for i in range(rows)))
        self.assertEqual(len(self.inspect("sparse.jsonl", rows).report.columns), 51)
        self.check_peaks()

    def test_short_rows_under_a_wide_header(self):
        rows = 10_000
        self.company.write("short.csv", b",".join(b"c%d" % i for i in range(5000)) + b"\n" + b"1\n" * rows)
        self.assertEqual(len(self.inspect("short.csv", rows).report.columns), 5000)
        self.check_peaks()

    def test_a_key_of_its_own_in_each_row(self):
        rows = 10_000
        self.company.write("own.jsonl", b"".join(b'{"k%d":%d}\n' % (i, i) for i in range(rows)))
        self.assertEqual(len(self.inspect("own.jsonl", rows).report.columns), rows)
        self.check_peaks()

    def test_a_trailing_comma_in_every_row(self):
        rows = 2_000_000
        self.company.write("commas.csv", b"a,b\n" + b"1,2,\n" * rows)
        code, message, reason, _ = self.company.fail(kind="INSPECT", source={"path": "commas.csv"})
        self.assertEqual((code, reason), ("INVALID_ARGUMENT", "BAD_ROW"))
        self.assertIn("expected 2 fields, saw 3", message)
        job = self.company.run(kind="INSPECT", write_output=True,
                               source={"path": "commas.csv", "on_bad_row": "REJECT", "max_rejects": 1})
        self.check_rejects(job, rows)
        self.check_peaks()

    def test_rows_that_a_step_rejects(self):
        rows = 3_000_000
        self.company.write("train.csv", "x,y\n" + "1,2\n" * 100)
        self.company.run(kind="TRAIN", spec=LOG1P)
        self.company.write("below.csv", b"x\n" + b"-5\n" * rows)
        job = self.company.run(kind="TRANSFORM", pipeline="logs",
                               source={"path": "below.csv", "on_bad_row": "REJECT", "max_rejects": 1})
        self.check_rejects(job, rows)
        self.check_peaks()


if __name__ == "__main__":
    unittest.main()

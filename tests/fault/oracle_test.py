"""The oracle turns red at each kind of damage."""
import json
import pathlib
import tempfile
import unittest

import oracle

ROWS = 100
REJECTED = [17]
INPUT = {"big.csv": b"id\n" + b"".join(b"%d\n" % row for row in range(ROWS))}


def _entry(path, rows):
    content = path.read_bytes()
    return {"name": path.name, "bytes": str(len(content)), "sha256": oracle.sha256(content), "rows": str(rows)}


class Oracle(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="troupe-oracle-")
        self.addCleanup(scratch.cleanup)
        self.job = pathlib.Path(scratch.name) / "output/job"
        self.job.mkdir(parents=True)
        self.good = [row for row in range(ROWS) if row not in REJECTED]
        self.write(self.good[:60], self.good[60:])
        self.golden = oracle.sha256(oracle.output_bytes(self.job))

    def write(self, first, second, **counts):
        """Two parts, the rejects and a manifest that fits them."""
        parts = [self.job / "part-00000.csv", self.job / "part-00001.csv"]
        parts[0].write_text("id,prediction\n" + "".join(f"{row},0.5\n" for row in first))
        parts[1].write_text("".join(f"{row},0.5\n" for row in second))
        rejects = self.job / "rejects.jsonl"
        rejects.write_text("".join(json.dumps({"row": row, "reason": "STAGE_CRASH"}) + "\n" for row in REJECTED))
        manifest = {"rows_read": ROWS, "rows_ok": len(first) + len(second), "rows_rejected": len(REJECTED),
                    "parts": [_entry(parts[0], len(first)), _entry(parts[1], len(second))],
                    "rejects": _entry(rejects, len(REJECTED)),
                    "inputs": [{"name": name, "bytes": str(len(text)), "sha256": oracle.sha256(text)}
                               for name, text in INPUT.items()], **counts}
        self.save(manifest)

    def save(self, manifest):
        (self.job / "manifest.json").write_text(json.dumps(manifest))

    def manifest(self):
        return json.loads((self.job / "manifest.json").read_text())

    def problems(self, **options):
        return " | ".join(oracle.check(self.job, ROWS, **{
            "golden": self.golden, "rejected": REJECTED, "inputs": INPUT, "published": {"job"}, **options}))

    def test_is_content_with_an_undamaged_output(self):
        self.assertEqual(self.problems(), "")

    def test_sees_a_missing_row(self):
        self.write(self.good[:59], self.good[60:], rows_ok=98, rows_read=99)
        self.assertIn("1 rows are missing, first", self.problems(golden=None))

    def test_sees_a_doubled_row(self):
        self.write(self.good[:61], self.good[60:], rows_read=101)
        self.assertIn("1 rows stand there more than once", self.problems(golden=None))

    def test_sees_a_row_that_is_in_output_and_rejects(self):
        self.write(self.good[:60], [*self.good[60:], 17], rows_read=101)
        self.assertIn("more than once", self.problems(golden=None))

    def test_sees_a_foreign_row(self):
        self.write([*self.good[:60], 1000], self.good[60:], rows_read=101)
        self.assertIn("were not in the input", self.problems(golden=None))

    def test_sees_rows_in_another_order_under_a_true_manifest(self):
        self.write([1, 0, *self.good[2:60]], self.good[60:])
        self.assertEqual(self.problems(), "the output is not that of the undisturbed run")

    def test_sees_a_changed_byte(self):
        part = self.job / "part-00001.csv"
        content = bytearray(part.read_bytes())
        content[-2] ^= 1
        part.write_bytes(content)
        self.assertIn("part-00001.csv has another SHA-256", self.problems(golden=None))

    def test_sees_a_part_cut_short(self):
        part = self.job / "part-00001.csv"
        part.write_bytes(part.read_bytes()[:-1])
        self.assertIn("bytes, the manifest says", self.problems())

    def test_sees_a_missing_part_and_a_missing_manifest(self):
        (self.job / "part-00001.csv").unlink()
        self.assertIn("not on disk", self.problems())
        (self.job / "manifest.json").unlink()
        self.assertIn("no manifest", self.problems())

    def test_sees_stray_files(self):
        (self.job / "part-00002.csv").write_text("")
        self.assertIn("does not name", self.problems())
        (self.job / "part-00002.csv").unlink()
        (self.job.parent / "job.tmp").mkdir()
        self.assertIn("stray files: ['job.tmp']", self.problems())

    def test_sees_wrong_counts(self):
        for key in ("rows_read", "rows_ok", "rows_rejected"):
            with self.subTest(key):
                self.write(self.good[:60], self.good[60:], **{key: 50})
                self.assertIn(key, self.problems())

    def test_sees_a_wrong_row_count_of_a_part(self):
        manifest = self.manifest()
        manifest["parts"][0]["rows"] = "59"
        self.save(manifest)
        self.assertIn("part-00000.csv has 60 rows", self.problems())

    def test_sees_other_rejects_than_those_expected(self):
        self.assertIn("rejected were [17], not [18]", self.problems(rejected=[18]))

    def test_sees_a_changed_rejects_file(self):
        rejects = self.job / "rejects.jsonl"
        rejects.write_text(rejects.read_text().replace("CRASH", "CRUSH"))
        self.assertIn("rejects.jsonl has", self.problems())

    def test_sees_another_input(self):
        self.assertIn("inputs", self.problems(inputs={"big.csv": b"id\n"}))

    def test_sees_a_manifest_that_names_no_input(self):
        manifest = self.manifest()
        del manifest["inputs"]
        self.save(manifest)
        self.assertIn("the manifest's inputs are []", self.problems())


if __name__ == "__main__":
    unittest.main()

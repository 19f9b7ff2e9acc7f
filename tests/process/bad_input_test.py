"""Bad input gets a clear answer, no actor dies of it, and work goes on after it."""
import gzip
import os
import unittest

from company import EXAMPLES, STAGES, Company, coordinator_pb2

TREES = {"xgboost": {"objective": "binary", "rounds": 2}}


def spec(path, target="y", steps=(), model=TREES, **more):
    return {"name": "bad", "source": {"path": path}, "roles": {"target": target}, "steps": list(steps),
            "model": model, "split": {"test": 0.2}, **more}


def table(rows, header="x,y", line=lambda row: f"{row % 17},{row % 2}"):
    return header + "\n" + "".join(line(row) + "\n" for row in range(rows))


class BadInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.company = Company()
        cls.company.__enter__()
        cls.addClassCleanup(cls.company.__exit__, None, None, None)
        cls.company.write("good.csv", table(200))

    def tearDown(self):
        for name in (*STAGES, "coordinator"):
            self.assertEqual(len(self.company.running(name)), 1, f"{name} died")

    def inspect(self, path, **more):
        return self.company.fail(kind="INSPECT", source={"path": path, **more}, write_output=True)

    def train(self, *arguments, **more):
        return self.company.fail(kind="TRAIN", spec=spec(*arguments, **more))

    # --- files ---------------------------------------------------------------

    def test_missing_file(self):
        code, message, reason, _ = self.inspect("nothing.csv")
        self.assertEqual((code, reason), ("NOT_FOUND", "FILE_NOT_FOUND"))
        self.assertIn("nothing.csv", message)

    def test_path_outside_the_roots(self):
        for path in ("/etc/passwd", "../state/x.csv", "a/../../../etc/passwd"):
            with self.subTest(path=path):
                self.assertIn(self.inspect(path, format="CSV")[2], ("OUTSIDE_ROOTS", "FILE_NOT_FOUND"))

    def test_symlink_out_of_the_roots(self):
        os.symlink("/etc/passwd", self.company.data / "link.csv")
        code, _, reason, _ = self.inspect("link.csv")
        self.assertEqual((code, reason), ("PERMISSION_DENIED", "OUTSIDE_ROOTS"))

    def test_wrong_compression(self):
        self.company.write("plain.csv.gz", table(10))
        self.company.write("zipped.csv", gzip.compress(table(1000).encode()))
        self.company.write("cut.csv.gz", gzip.compress(table(100000).encode())[:-20])
        for path in ("plain.csv.gz", "zipped.csv", "cut.csv.gz"):
            with self.subTest(path=path):
                code, message, reason, _ = self.inspect(path)
                self.assertEqual((code, reason), ("INVALID_ARGUMENT", "BAD_INPUT"), message)
                self.assertIn(path, message)

    # --- text ----------------------------------------------------------------

    def test_empty_file(self):
        self.company.write("empty.csv", "")
        code, message, reason, _ = self.inspect("empty.csv")
        self.assertEqual((code, reason), ("INVALID_ARGUMENT", "BAD_INPUT"))
        self.assertIn("empty.csv", message)

    def test_header_only_is_a_table_without_rows(self):
        self.company.write("header.csv", "x,y\n")
        job = self.company.run(kind="INSPECT", source={"path": "header.csv"})
        self.assertEqual([column.name for column in job.report.columns], ["x", "y"])
        self.assertEqual(job.progress.rows_read, 0)
        self.assertEqual(self.train("header.csv")[0], "INVALID_ARGUMENT")

    def test_one_column(self):
        self.company.write("one.csv", "y\n" + "0\n1\n" * 50)
        job = self.company.run(kind="INSPECT", source={"path": "one.csv"})
        self.assertEqual(len(job.report.columns), 1)
        self.assertEqual(self.train("one.csv")[0], "INVALID_ARGUMENT")  # No feature is left.

    def test_ten_thousand_and_one_columns(self):
        names = ",".join(f"c{number}" for number in range(10_001))
        self.company.write("wide.csv", names + "\n" + ",".join("1" * 10_001) + "\n")
        code, message, reason, _ = self.inspect("wide.csv")
        self.assertEqual((code, reason), ("INVALID_ARGUMENT", "BAD_INPUT"))
        self.assertIn("10", message)

    def test_a_line_of_100_mib(self):
        self.company.write("long.csv", "x,y\n1," + "a" * (100 << 20) + "\n")
        code, message, reason, _ = self.inspect("long.csv")
        self.assertEqual((code, reason), ("INVALID_ARGUMENT", "BAD_INPUT"))
        self.assertLess(len(message), 1000)

    def test_unclosed_quote(self):
        self.company.write("quote.csv", 'x,y\n1,0\n2,"never closed\n3,1\n')
        code, _, reason, metadata = self.inspect("quote.csv")
        self.assertEqual((code, reason), ("INVALID_ARGUMENT", "BAD_INPUT"))
        self.assertEqual(metadata.get("line"), "3")

    def test_invalid_utf8_names_line_and_file(self):
        self.company.write("latin.csv", "x,y\nZürich,1\n".encode("latin-1"))
        code, message, _, _ = self.inspect("latin.csv")
        self.assertEqual(code, "INVALID_ARGUMENT")
        self.assertIn("latin.csv", message)

    def test_nul_bytes(self):
        self.company.write("nul.csv", b"x,y\n1,a\0b\n")
        code, message, _, _ = self.inspect("nul.csv")
        self.assertEqual(code, "INVALID_ARGUMENT")
        self.assertIn("nul.csv", message)

    def test_a_ragged_row_goes_to_the_rejects_where_asked(self):
        self.company.write("ragged.csv", table(200) + "1,2,3,4\n")
        self.assertEqual(self.inspect("ragged.csv")[2], "BAD_ROW")
        job = self.company.run(kind="INSPECT", write_output=True,
                               source={"path": "ragged.csv", "on_bad_row": "REJECT", "max_rejects": 0.1})
        self.assertEqual((job.manifest.rows_read, job.manifest.rows_ok, job.manifest.rows_rejected),
                         (201, 200, 1))
        self.assertIn(b"1,2,3,4", self.company.output(job, job.manifest.rejects))

    def test_a_look_shows_bad_rows_instead_of_failing(self):
        self.company.write("odd.csv", table(20) + "1,2,3,4\n")
        job = self.company.run(kind="INSPECT", source={"path": "odd.csv"})
        self.assertEqual([rejected.row for rejected in job.report.rejected], [20])
        self.assertIn("odd.csv:22", job.report.rejected[0].message)

    def test_too_many_rejects_fail_the_job(self):
        self.company.write("worse.csv", table(50) + "1,2,3,4\n" * 50)
        reason = self.inspect("worse.csv", on_bad_row="REJECT", max_rejects=0.01)[2]
        self.assertEqual(reason, "TOO_MANY_REJECTS")

    # --- specs and data ------------------------------------------------------

    def test_unknown_column_in_a_step_names_the_nearest(self):
        self.company.write("ages.csv", table(100, "age,y"))
        _, message, _, _ = self.train("ages.csv", steps=[{"standardize": {"columns": {"names": ["aeg"]}}}])
        self.assertIn('"aeg"', message)
        self.assertIn('did you mean "age"?', message)

    def test_missing_target_names_the_nearest(self):
        _, message, _, _ = self.train("good.csv", target="Y")
        self.assertIn('"Y"', message)
        self.assertIn('"y"', message)

    def test_constant_target(self):
        self.company.write("constant.csv", table(100, line=lambda row: f"{row},1"))
        code, message, _, _ = self.train("constant.csv")
        self.assertEqual(code, "INVALID_ARGUMENT")
        self.assertIn("target", message)

    def test_missing_values_in_the_target_name_their_row(self):
        self.company.write("gap.csv", table(100) + "3,\n")
        code, message, _, _ = self.train("gap.csv")
        self.assertEqual(code, "INVALID_ARGUMENT")
        self.assertIn("target", message.lower())

    def test_a_column_without_any_value(self):
        self.company.write("void.csv", table(100, "x,void,y", lambda row: f"{row},,{row % 2}"))
        code, message, _, _ = self.train(
            "void.csv", steps=[{"impute": {"columns": {"names": ["void"]}, "strategy": "MEAN"}}])
        self.assertEqual(code, "INVALID_ARGUMENT")
        self.assertIn("void", message)

    def test_fewer_rows_than_the_test_split_needs(self):
        self.company.write("few.csv", table(1))
        code, message, _, _ = self.train("few.csv")
        self.assertEqual(code, "INVALID_ARGUMENT")
        self.assertIn("row", message)

    def test_text_left_among_the_features_is_named(self):
        self.company.write("words.csv", table(100, "city,y", lambda row: f"town{row % 3},{row % 2}"))
        code, message, _, _ = self.train("words.csv")
        self.assertEqual(code, "INVALID_ARGUMENT")
        self.assertIn("city", message)
        self.assertIn("one_hot", message)

    def test_a_category_never_seen_is_an_error_that_names_the_row(self):
        self.company.write("seen.csv", table(100, "city,y", lambda row: f"town{row % 3},{row % 2}"))
        self.company.run(kind="TRAIN", spec=spec(
            "seen.csv", steps=[{"one_hot": {"columns": {"names": ["city"]}}}], name="cities"))
        self.company.write("unseen.csv", "city\ntown1\nelsewhere\n")
        code, message, _, _ = self.company.fail(kind="SCORE", pipeline="cities", source={"path": "unseen.csv"})
        self.assertEqual(code, "INVALID_ARGUMENT")
        self.assertIn("elsewhere", message)
        job = self.company.run(kind="SCORE", pipeline="cities",
                               source={"path": "unseen.csv", "on_bad_row": "REJECT", "max_rejects": 0.5})
        self.assertEqual((job.manifest.rows_ok, job.manifest.rows_rejected), (1, 1))

    def test_infinity_in_a_feature_names_the_row(self):
        self.company.write("endless.csv", table(100) + "inf,1\n")
        code, message, _, _ = self.train("endless.csv")
        self.assertEqual(code, "INVALID_ARGUMENT")
        self.assertIn("x", message)

    def test_a_cell_that_does_not_fit_the_pinned_schema(self):
        self.company.run(kind="TRAIN", spec=spec("good.csv", name="typed"))
        self.company.write("typo.csv", "x\n1\n2\nthree\n")
        job = self.company.run(kind="SCORE", pipeline="typed",
                               source={"path": "typo.csv", "on_bad_row": "REJECT", "max_rejects": 0.5})
        self.assertEqual((job.manifest.rows_ok, job.manifest.rows_rejected), (2, 1))
        self.assertIn(b"TYPE_MISMATCH", self.company.output(job, job.manifest.rejects))

    def test_a_column_that_scoring_needs_is_missing(self):
        self.company.run(kind="TRAIN", spec=spec("good.csv", name="needs"))
        self.company.write("other.csv", "z\n1\n")
        code, message, _, _ = self.company.fail(kind="SCORE", pipeline="needs", source={"path": "other.csv"})
        self.assertEqual(code, "INVALID_ARGUMENT")
        self.assertIn('"x"', message)

    def test_unknown_pipeline_job_and_upload(self):
        self.assertEqual(self.company.fail(kind="SCORE", pipeline="nobody", source={"path": "good.csv"})[2],
                         "PIPELINE_NOT_FOUND")
        self.assertEqual(self.company.fail(kind="INSPECT", upload="nothing")[2], "UPLOAD_NOT_FOUND")

    def test_bad_specs_are_refused_at_once(self):
        for broken in (spec("good.csv", model={}), spec("good.csv", name="two words"),
                       spec("good.csv", model={"xgboost": {"objective": "guess"}}),
                       spec("good.csv", split={"test": 1.5}),
                       spec("good.csv", model={"xgboost": {"objective": "binary", "max_depth": 99}}),
                       spec("good.csv", steps=[{}])):
            with self.subTest(spec=broken):
                jobs = len(self.company.stub.ListJobs(coordinator_pb2.ListJobsRequest()).jobs)
                code, message, _, _ = self.company.fail(kind="TRAIN", spec=broken)
                self.assertEqual(code, "INVALID_ARGUMENT", message)
                self.assertLessEqual(len(self.company.stub.ListJobs(
                    coordinator_pb2.ListJobsRequest()).jobs), jobs + 1)


class CommandLine(unittest.TestCase):
    """The same mistakes through `troupe`: exit codes and sentences."""

    @classmethod
    def setUpClass(cls):
        cls.company = Company()
        cls.company.__enter__()
        cls.addClassCleanup(cls.company.__exit__, None, None, None)

    def test_an_unknown_key_is_refused_with_line_and_nearest_word(self):
        path = self.company.directory / "typo.yaml"
        text = (EXAMPLES / "cancer.yaml").read_text().replace("max_depth:", "max_depht:")
        path.write_text(text)
        line = text[:text.index("max_depht")].count("\n") + 1
        done = self.company.troupe("train", path, code=2)
        self.assertIn(f"typo.yaml:{line}", done.stderr)
        self.assertIn("max_depth", done.stderr)

    def test_a_missing_file_is_a_plain_message(self):
        done = self.company.troupe("inspect", "nothing.csv", code=2)
        self.assertIn("nothing.csv", done.stderr)

    def test_an_unknown_command_is_a_usage_error(self):
        self.company.troupe("trian", code=2)


if __name__ == "__main__":
    unittest.main()

"""Pipeline files as users write them: sent as YAML, with mistakes, and told where those are."""
import json
import unittest

import grpc

from company import Company, coordinator_pb2, error_info

ROWS = "id,age,city,y\n" + "".join(f"{i},{20 + i % 50},{'abc'[i % 3]},{i % 2}\n" for i in range(200))

YAML = """
name: sent
source: {path: t.csv}
roles:
  target: y
  carry: [id]
steps:
  - impute: {columns: [age], strategy: median}
  - one_hot: {columns: [city], unknown: ignore}
model:
  xgboost: {objective: binary, rounds: 5, max_depth: 2}
"""


class SentYaml(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.company = Company()
        cls.company.__enter__()
        cls.addClassCleanup(cls.company.__exit__, None, None, None)
        cls.company.write("t.csv", ROWS)

    def refusal(self, **fields):
        """(code, message, metadata) of a CreateJob that is refused."""
        with self.assertRaises(grpc.RpcError) as caught:
            self.company.create(kind="TRAIN", **fields)
        return caught.exception.code().name, caught.exception.details(), error_info(caught.exception)[1]

    def test_trains_what_the_yaml_says(self):
        job = self.company.run(kind="TRAIN", spec_yaml=YAML)
        self.assertRegex(job.pipeline, r"^sent@\d+$")
        self.assertEqual(list(job.report.features), ["age", "city_a", "city_b", "city_c"])
        self.assertEqual(job.request.spec.steps[0].impute.columns.names, ["age"])

    def test_defaults_are_the_same_by_file_and_by_call(self):
        request = coordinator_pb2.CreateJobRequest(kind="TRAIN", spec_yaml=YAML)
        by_yaml = self.company.finish(self.company.stub.CreateJob(request).id)
        spec = type(by_yaml.request.spec)()
        spec.CopyFrom(by_yaml.request.spec)
        spec.ClearField("split")
        by_call = self.company.finish(
            self.company.stub.CreateJob(coordinator_pb2.CreateJobRequest(kind="TRAIN", spec=spec)).id)
        for job in (by_yaml, by_call):
            self.assertEqual(job.request.spec.split.test, 0.2)
            stored = self.company.stub.GetPipeline(coordinator_pb2.GetPipelineRequest(pipeline=job.pipeline))
            self.assertEqual(stored.spec.split.test, 0.2)
        self.assertEqual(by_yaml.report.test_rows, by_call.report.test_rows)
        self.assertGreater(by_call.report.test_rows, 0)

    def test_validate_only_shows_the_effective_spec(self):
        job = self.company.create(kind="TRAIN", spec_yaml=YAML, validate_only=True)
        self.assertEqual(job.request.spec.split.test, 0.2)
        self.assertEqual(job.request.spec.name, "sent")

    def test_a_repeated_request_is_the_same_job(self):
        first = self.company.create(kind="TRAIN", spec_yaml=YAML, request_id="again")
        self.assertEqual(self.company.create(kind="TRAIN", spec_yaml=YAML, request_id="again").id, first.id)
        self.company.finish(first.id)

    def test_mistakes_are_told_with_line_and_column(self):
        code, message, metadata = self.refusal(spec_yaml=YAML.replace("max_depth", "max_deph"))
        self.assertEqual(code, "INVALID_ARGUMENT")
        self.assertIn('spec_yaml:11:43: unknown key "max_deph" in model.xgboost; did you mean "max_depth"?', message)
        self.assertEqual((metadata["yaml_line"], metadata["yaml_column"]), ("11", "43"))

    def test_what_only_the_coordinator_finds_stands_at_its_place_too(self):
        _, message, metadata = self.refusal(spec_yaml=YAML.replace("name: sent", "name: s e n t"))
        self.assertIn("spec_yaml:2:7: name: ", message)
        self.assertEqual(metadata["field"], "name")
        _, message, reason, metadata = self.company.fail(
            kind="TRAIN", spec_yaml=YAML.replace("target: y", "target: yy"))
        self.assertIn("spec_yaml:5:11: roles.target: ", message)
        self.assertEqual(reason, "UNKNOWN_COLUMN")

    def test_a_bomb_is_refused(self):
        bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
            f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12))
        self.assertIn("more values than", self.refusal(spec_yaml=bomb)[1])
        self.assertIn("nested deeper than", self.refusal(spec_yaml="[" * 50_000)[1])
        self.assertIn("larger than", self.refusal(spec_yaml="a: " + "x" * (1 << 20))[1])

    def test_only_one_of_two_specs_counts(self):
        self.assertIn("says another thing", self.refusal(spec_yaml=YAML, spec={"name": "other"})[1])
        with self.assertRaises(grpc.RpcError) as caught:
            self.company.create(kind="INSPECT", spec_yaml=YAML)
        self.assertIn("only TRAIN", caught.exception.details())


class CommandLine(unittest.TestCase):
    """The same mistakes as `troupe train` tells them."""

    @classmethod
    def setUpClass(cls):
        cls.company = Company()
        cls.company.__enter__()
        cls.addClassCleanup(cls.company.__exit__, None, None, None)
        cls.home = cls.company.directory / "files"
        cls.home.mkdir()
        (cls.home / "t.csv").write_text(ROWS)
        (cls.home / "s.csv").write_text(ROWS.replace(",", ";"))

    def refusal(self, text, *words, code=2):
        (self.home / "p.yaml").write_text(text)
        return self.company.troupe("train", "p.yaml", *words, code=code, cwd=self.home).stderr

    def jobs(self):
        return len(self.company.stub.ListJobs(coordinator_pb2.ListJobsRequest()).jobs)

    def test_shows_the_line_and_a_caret(self):
        self.assertIn("troupe: p.yaml:9:1: a tab stands in the indentation; YAML takes spaces only\n"
                      "    9 |      strategy: x\n      | ^\n",
                      self.refusal(YAML.replace("  - one_hot: {columns: [city], unknown: ignore}", "\t    strategy: x")))

    def test_points_at_every_wrong_name_at_once(self):
        text = YAML.replace("[age]", "[age, incme, aeg]").replace("[city]", "[ctiy]")
        told = self.refusal(text, code=1)
        self.assertIn("p.yaml:8:29: steps[0].impute.columns[1]: column \"incme\" is not in the table", told)
        self.assertIn("p.yaml:8:36: steps[0].impute.columns[2]: column \"aeg\"", told)
        self.assertIn("p.yaml:9:25: steps[1].one_hot.columns[0]: column \"ctiy\" is not in the table; did you mean "
                      "\"city\"?", told)
        told = self.refusal(YAML.replace("target: y", "target: why").replace("[id]", "[idd, age, tier]"), code=1)
        for place in ("p.yaml:5:11: roles.target", "p.yaml:6:11: roles.carry[0]", "p.yaml:6:21: roles.carry[2]"):
            self.assertIn(place, told)

    def test_names_every_column_that_is_left_over(self):
        (self.home / "w.csv").write_text("a,b,c,y\n" + "x,z,1,0\ny,w,2,1\n" * 50)
        told = self.refusal("name: w\nsource: {path: w.csv}\nroles: {target: y}\nmodel: {xgboost: {objective: binary}}\n",
                            code=1)
        self.assertIn('columns "a", "b" are not a number', told)

    def test_names_every_column_that_a_new_table_lacks(self):
        (self.home / "p.yaml").write_text(YAML)
        self.company.troupe("train", "p.yaml", cwd=self.home)
        (self.home / "new.csv").write_text("ID,ages\n1,2\n")
        told = self.company.troupe("score", "sent", "--input", "new.csv", "--output", "-", code=1, cwd=self.home).stderr
        for column in ("id", "age", "city"):
            self.assertIn(f'column "{column}" is not in the table', told)

    def test_suspects_the_delimiter_aloud(self):
        doubt = 'the table has one column, "id;age;city;y": is the delimiter ";"?'
        self.assertIn(doubt, self.refusal(YAML.replace("t.csv", "s.csv"), code=1))
        (self.home / "p.yaml").write_text(YAML)
        self.company.troupe("train", "p.yaml", cwd=self.home)
        self.assertIn(doubt, self.company.troupe("score", "sent", "--input", "s.csv", "--output", "-", code=1,
                                                 cwd=self.home).stderr)
        self.assertIn(doubt, self.company.troupe("inspect", "s.csv", "--delimiter", ",", cwd=self.home).stderr)

    def test_says_where_an_input_was_looked_for_and_makes_no_job(self):
        before = self.jobs()
        told = self.refusal(YAML.replace("t.csv", "tt.csv"))
        self.assertIn('p.yaml:3:16: "tt.csv" is not on this machine', told)
        self.assertIn(str(self.home), told)
        self.assertIn("the loader has it not", told)
        self.assertIn('did you mean "t.csv"?', told)
        self.company.troupe("inspect", "nothing.csv", code=2, cwd=self.home)
        self.assertEqual(self.jobs(), before)

    def test_shows_the_first_of_many_bad_rows(self):
        (self.home / "b.csv").write_text("age,y\n" + "".join(f"{i}x{i},1\n" for i in range(3000)))
        told = self.refusal("name: b\nsource: {path: b.csv, types: {age: int64}, on_bad_row: reject}\n"
                            "roles: {target: y}\nmodel: {xgboost: {objective: regression}}\n", code=1)
        self.assertIn("rows are bad", told)
        self.assertEqual(told.count('" is not of type int64'), 5, told)

    def test_json_also_for_wrong_usage(self):
        for words in (["train", "--json"], ["trian", "--json"], ["train", "a", "b", "--json"]):
            done = self.company.troupe(*words, code=2, cwd=self.home)
            self.assertEqual(json.loads(done.stdout)["error"]["reason"], "BAD_USAGE")


if __name__ == "__main__":
    unittest.main()

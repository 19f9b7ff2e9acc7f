"""Train, score, evaluate, transform and inspect, against scikit-learn and XGBoost."""
import csv
import io
import json
import unittest

import numpy
import pandas
from sklearn import metrics
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

import oracle
from company import EXAMPLES, Company, coordinator_pb2, table_pb2

CANCER = {
    "name": "cancer",
    "source": {"path": "cancer.csv"},
    "roles": {"target": "diagnosis", "carry": ["sample"]},
    "steps": [{"impute": {"columns": {"all": True}, "strategy": "MEDIAN"}},
              {"standardize": {"columns": {"all": True}}}],
    "model": {"xgboost": {"objective": "binary", "rounds": 200, "max_depth": 3, "learning_rate": 0.1,
                          "early_stopping": 20, "seed": 7}},
    "split": {"test": 0.2, "validation": 0.15, "seed": 7},
    "output": {"format": "CSV", "probabilities": True},
}


def metric(evaluation, name):
    return next(found.value for found in evaluation.metrics if found.name == name)


class Cancer(unittest.TestCase):
    """One trained pipeline, looked at from all sides."""

    @classmethod
    def setUpClass(cls):
        cls.company = Company()
        cls.company.__enter__()
        cls.addClassCleanup(cls.company.__exit__, None, None, None)
        cls.table = pandas.read_csv(EXAMPLES / "cancer.csv")
        cls.roles = oracle.roles(len(cls.table), 0.2, 0.15, 7)
        cls.job = cls.company.run(kind="TRAIN", spec=CANCER)
        features = cls.table.drop(columns=["sample", "diagnosis"])
        train = features[cls.roles == "train"]
        cls.scaler = StandardScaler().fit(SimpleImputer(strategy="median").fit(train).transform(train))
        cls.features = cls.scaler.transform(features.to_numpy())
        cls.truth = (cls.table.diagnosis == "malignant").to_numpy().astype(int)
        is_train, is_validation = cls.roles == "train", cls.roles == "validation"
        booster = oracle.boosted(
            cls.features[is_train], cls.truth[is_train], cls.features[is_validation],
            cls.truth[is_validation],
            {"objective": "binary:logistic", "max_depth": 3, "eta": 0.1, "seed": 7, "nthread": 1}, 200, 20)
        cls.probability = oracle.predict(booster, cls.features)

    def test_train_reports_its_rows(self):
        report = self.job.report
        self.assertEqual(self.job.pipeline, "cancer@1")
        self.assertEqual([report.train_rows, report.validation_rows, report.test_rows],
                         [int((self.roles == role).sum()) for role in ("train", "validation", "test")])
        self.assertEqual(list(report.features), list(self.table.columns[1:-1]))

    def test_train_reports_sklearns_metrics_on_the_test_rows(self):
        test = self.roles == "test"
        truth, probability = self.truth[test], self.probability[test]
        for name, expected in {
                "accuracy": metrics.accuracy_score(truth, probability > 0.5),
                "log_loss": metrics.log_loss(truth, probability.astype(float)),
                "roc_auc": metrics.roc_auc_score(truth, probability)}.items():
            self.assertAlmostEqual(metric(self.job.report.test, name), expected, delta=2e-6, msg=name)

    def test_train_reports_the_majority_beside_the_model(self):
        test = self.truth[self.roles == "test"]
        majority = next(found.value for found in self.job.report.test.baseline if found.name == "accuracy")
        self.assertAlmostEqual(majority, max(test.mean(), 1 - test.mean()), places=12)

    def test_score_writes_what_xgboost_predicts(self):
        job = self.company.run(kind="SCORE", pipeline="cancer", source={"path": "cancer.csv"})
        scored = pandas.read_csv(io.BytesIO(self.company.output(job)))
        self.assertEqual(list(scored.columns),
                         ["sample", "prediction", "probability_benign", "probability_malignant"])
        self.assertEqual(list(scored["sample"]), list(self.table["sample"]))
        numpy.testing.assert_allclose(scored.probability_malignant, self.probability, atol=2e-6)
        self.assertEqual(list(scored.prediction == "malignant"), list(self.probability >= 0.5))
        self.assertEqual((job.manifest.rows_read, job.manifest.rows_ok, job.manifest.rows_rejected),
                         (569, 569, 0))

    def test_score_needs_no_target(self):
        bare = self.company.write("bare.csv", self.table.drop(columns="diagnosis").to_csv(index=False))
        with_target = self.company.run(kind="SCORE", pipeline="cancer@1", source={"path": "cancer.csv"})
        without = self.company.run(kind="SCORE", pipeline="cancer@1", source={"path": bare})
        self.assertEqual(self.company.output(without), self.company.output(with_target))

    def test_score_writes_json_lines(self):
        job = self.company.run(kind="SCORE", pipeline="cancer", source={"path": "cancer.csv"},
                               output={"format": "JSONL"})
        first = json.loads(self.company.output(job).splitlines()[0])
        self.assertEqual(first["sample"], "1")
        self.assertEqual(first["prediction"], "malignant")

    def test_score_reads_an_upload(self):
        content = (EXAMPLES / "cancer.csv").read_bytes()
        upload = self.company.upload("mine.csv", content, piece=1000)
        self.assertEqual(upload.bytes, len(content))
        uploaded = self.company.run(kind="SCORE", pipeline="cancer", upload=upload.id)
        read = self.company.run(kind="SCORE", pipeline="cancer", source={"path": "cancer.csv"})
        self.assertEqual(self.company.output(uploaded), self.company.output(read))

    def test_evaluate_equals_sklearn_on_all_rows(self):
        job = self.company.run(kind="EVALUATE", pipeline="cancer", source={"path": "cancer.csv"})
        found = job.report.test
        self.assertEqual(found.rows, 569)
        self.assertEqual(list(found.labels), ["benign", "malignant"])
        expected = metrics.confusion_matrix(self.truth, self.probability >= 0.5)
        self.assertEqual(list(found.confusion), list(expected.ravel()))
        self.assertAlmostEqual(metric(found, "roc_auc"),
                               metrics.roc_auc_score(self.truth, self.probability), delta=2e-6)

    def test_transform_writes_sklearns_features(self):
        job = self.company.run(kind="TRANSFORM", pipeline="cancer", source={"path": "cancer.csv"})
        written = pandas.read_csv(io.BytesIO(self.company.output(job)), float_precision="round_trip")
        names = list(self.job.report.features)
        numpy.testing.assert_allclose(written[names].to_numpy(), self.features, rtol=1e-12, atol=1e-12)
        self.assertEqual(list(written["sample"]), list(self.table["sample"]))

    def test_inspect_reports_types_and_missing_values(self):
        path = self.company.write("gaps.csv", "a,b,c,d\n1,x,true,\n2,,false,0.5\n,y,true,NA\n")
        job = self.company.run(kind="INSPECT", source={"path": path}, write_output=True)
        columns = {column.name: (table_pb2.DataType.Name(column.type), column.missing)
                   for column in job.report.columns}
        self.assertEqual(columns, {"a": ("INT64", 1), "b": ("STRING", 1), "c": ("BOOL", 0),
                                   "d": ("FLOAT64", 2)})
        self.assertEqual(table_pb2.Table.FromString(job.report.preview).rows, 3)
        written = pandas.read_csv(io.BytesIO(self.company.output(job)))
        self.assertEqual(written.isna().sum().to_dict(), {"a": 1, "b": 1, "c": 0, "d": 2})

    def test_the_registry_numbers_versions(self):
        again = self.company.run(kind="TRAIN", spec={**CANCER, "name": "twice"})
        self.assertEqual(again.pipeline, "twice@1")
        self.assertEqual(self.company.run(kind="TRAIN", spec={**CANCER, "name": "twice"}).pipeline, "twice@2")
        listed = self.company.stub.ListPipelines(coordinator_pb2.ListPipelinesRequest(name="twice")).pipelines
        self.assertEqual([each.version for each in listed], [1, 2])

    def test_create_is_idempotent_by_request_id(self):
        request = dict(request_id="once", kind="SCORE", pipeline="cancer", source={"path": "cancer.csv"})
        first, second = self.company.create(**request), self.company.create(**request)
        self.assertEqual(first.id, second.id)
        reason = self.company.fail(**{**request, "kind": "EVALUATE"})[2]
        self.assertEqual(reason, "REQUEST_ID_REUSED")
        self.company.finish(first.id)

    def test_validate_only_stores_nothing(self):
        before = len(self.company.stub.ListJobs(coordinator_pb2.ListJobsRequest()).jobs)
        job = self.company.create(kind="TRAIN", spec={**CANCER, "name": "dry"}, validate_only=True)
        self.assertEqual(job.id, "")
        self.assertEqual(len(self.company.stub.ListJobs(coordinator_pb2.ListJobsRequest()).jobs), before)

    def test_watch_ends_with_the_terminal_state(self):
        job = self.company.create(kind="SCORE", pipeline="cancer", source={"path": "cancer.csv"})
        seen = list(self.company.stub.WatchJob(coordinator_pb2.WatchJobRequest(id=job.id)))
        self.assertEqual(seen[-1].state, coordinator_pb2.SUCCEEDED)


class Churn(unittest.TestCase):
    """Mixed types, missing values, and a regression on the same table."""

    @classmethod
    def setUpClass(cls):
        cls.company = Company(replicas={"preprocessor": 2, "model": 2})
        cls.company.__enter__()
        cls.addClassCleanup(cls.company.__exit__, None, None, None)
        cls.table = pandas.read_csv(EXAMPLES / "churn.csv", dtype={"customer_id": str})

    SPEC = {
        "name": "churn",
        "source": {"path": "churn.csv", "types": {"customer_id": "STRING"}},
        "roles": {"target": "churned", "carry": ["customer_id"], "drop": ["notes", "signup_date"]},
        "steps": [
            {"impute": {"columns": {"names": ["age", "income", "usage_*"]}, "strategy": "MEDIAN",
                        "indicator": True}},
            {"standardize": {"columns": {"names": ["age", "income", "usage_*"]}}},
            {"impute": {"columns": {"names": ["plan", "city"]}, "strategy": "MOST_FREQUENT"}},
            {"one_hot": {"columns": {"names": ["plan", "city"]}, "min_frequency": 100, "unknown": "INFREQUENT"}},
            {"ordinal": {"columns": {"names": ["size"]}, "categories": ["S", "M", "L", "XL"]}},
        ],
        "model": {"xgboost": {"objective": "binary", "rounds": 30, "max_depth": 4, "learning_rate": 0.2}},
        "split": {"test": 0.25, "seed": 11},
        "output": {"probabilities": True},
    }

    def expected_features(self):
        numbers = ["age", "income", "usage_calls", "usage_data", "usage_messages"]
        frame = self.table.drop(columns=["customer_id", "signup_date", "notes", "churned"])
        train = frame[oracle.roles(len(frame), 0.25, 0, 11) == "train"]
        impute = ColumnTransformer(
            [("number", SimpleImputer(strategy="median", add_indicator=True), numbers),
             ("text", SimpleImputer(strategy="most_frequent"), ["plan", "city"])]).fit(train)
        names = numbers + [f"missingindicator_{name}" for name in ("age", "income", "usage_data")]

        def imputed(table):
            values = impute.transform(table)
            result = table.copy()
            for position, name in enumerate(names + ["plan", "city"]):
                column = values[:, position]
                result[name] = column if name in ("plan", "city") else column.astype(float)
            return result
        ready, all_rows = imputed(train), imputed(frame)
        scaler = StandardScaler().fit(ready[numbers])
        encoder = OneHotEncoder(sparse_output=False, min_frequency=100,
                                handle_unknown="infrequent_if_exist").fit(ready[["plan", "city"]])
        sizes = OrdinalEncoder(categories=[["S", "M", "L", "XL"]]).fit(ready[["size"]])
        all_rows[numbers] = scaler.transform(all_rows[numbers])
        all_rows["size"] = sizes.transform(all_rows[["size"]])[:, 0]
        hot = pandas.DataFrame(encoder.transform(all_rows[["plan", "city"]]),
                               columns=encoder.get_feature_names_out(), index=all_rows.index)
        ordered = []
        for name in frame.columns:
            ordered += [c for c in hot.columns if c.startswith(f"{name}_")] if name in ("plan", "city") else [name]
        ordered += [f"missingindicator_{name}" for name in ("age", "income", "usage_data")]
        result = pandas.concat([all_rows.drop(columns=["plan", "city"]), hot], axis=1)[ordered]
        return result.astype(float)

    def test_transform_names_and_values_are_sklearns(self):
        self.company.run(kind="TRAIN", spec=self.SPEC)
        job = self.company.run(kind="TRANSFORM", pipeline="churn", source={"path": "churn.csv"})
        written = pandas.read_csv(io.BytesIO(self.company.output(job)), float_precision="round_trip")
        expected = self.expected_features()
        names = [name for name in written.columns if name not in ("customer_id", "churned")]
        self.assertEqual(names, list(expected.columns))
        numpy.testing.assert_allclose(written[names].astype(float).to_numpy(), expected.to_numpy(),
                                      rtol=1e-12, atol=1e-12)

    def test_regression_metrics_are_sklearns(self):
        spec = {**self.SPEC, "name": "income",
                "roles": {"target": "income", "carry": ["customer_id"],
                          "drop": ["notes", "signup_date", "churned"]},
                "steps": [{"keep": {"columns": {"names": ["age", "tickets", "usage_calls"]}}}],
                "model": {"xgboost": {"objective": "regression", "rounds": 40, "max_depth": 3}},
                "source": {"path": "churn.csv", "on_bad_row": "REJECT", "max_rejects": 0.2}}
        job = self.company.run(kind="TRAIN", spec=spec)
        known = self.table[self.table.income.notna()]
        roles = oracle.roles(len(self.table), 0.25, 0, 11)[known.index]
        columns = ["age", "tickets", "usage_calls"]
        booster = oracle.boosted(known[columns][roles == "train"], known.income[roles == "train"].astype("float32"),
                                 [], [], {"objective": "reg:squarederror", "max_depth": 3, "nthread": 1}, 40, 0)
        test = known[roles == "test"]
        predicted = oracle.predict(booster, test[columns]).astype(float)
        for name, expected in {"rmse": metrics.mean_squared_error(test.income, predicted) ** 0.5,
                               "mae": metrics.mean_absolute_error(test.income, predicted),
                               "r2": metrics.r2_score(test.income, predicted)}.items():
            self.assertAlmostEqual(metric(job.report.test, name) / expected, 1, delta=1e-4, msg=name)

    def test_multiclass_probabilities_add_up(self):
        spec = {**self.SPEC, "name": "plans",
                "roles": {"target": "plan", "carry": ["customer_id"],
                          "drop": ["notes", "signup_date", "city", "size", "churned"]},
                "steps": [],
                "model": {"xgboost": {"objective": "multiclass", "rounds": 10}},
                "source": {"path": "churn.csv", "on_bad_row": "REJECT", "max_rejects": 0.2}}
        job = self.company.run(kind="TRAIN", spec=spec)
        self.assertEqual(list(job.report.test.labels), ["basic", "plus", "premium"])
        scored = pandas.read_csv(io.BytesIO(self.company.output(
            self.company.run(kind="SCORE", pipeline="plans", source={"path": "churn.csv"}))))
        probabilities = scored[["probability_basic", "probability_plus", "probability_premium"]]
        numpy.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
        self.assertEqual(list(probabilities.idxmax(axis=1)), list("probability_" + scored.prediction))

    def test_the_conservation_law_holds_after_work(self):
        self.company.run(kind="TRAIN", spec={**self.SPEC, "name": "law"})
        for actor in self.company.actors:
            for lane in actor.stats().lanes:
                with self.subTest(actor=actor.name, lane=lane.name):
                    self.assertEqual(lane.accepted, lane.succeeded + lane.failed + lane.expired
                                     + lane.cancelled + lane.bounced + lane.in_flight)
                    self.assertEqual((lane.depth, lane.in_flight, lane.depth_bytes), (0, 0, 0))


class Verbatim(unittest.TestCase):
    """What is carried, and what classes are called, as the input wrote it."""

    FIELDS = ["00123", "1.50", "TRUE", "NA", "None", "", " 7 ", "9007199254740993.0", "A-17", 'say "a,b"', "-0", "1e400"]
    TOKENS = ["1.50", "-0", "1e400", "true", "null", "9007199254740993.0", '"caf\\u00e9"', '"NA"', '{"a": [1, 2]}', "[]"]

    @classmethod
    def setUpClass(cls):
        cls.company = Company()
        cls.company.__enter__()
        cls.addClassCleanup(cls.company.__exit__, None, None, None)

    def train(self, name, labels, path="t.csv", test=0.2):
        """Trains on `labels` in turn; the feature tells them apart, the carried column was numbers."""
        rows = [(i, i % len(labels), labels[i % len(labels)]) for i in range(40)]
        self.company.write(f"{name}-t.csv", "id,x,y\n" + "".join(f"{i},{x},{y}\n" for i, x, y in rows))
        self.company.write(f"{name}-t.jsonl", "".join(f'{{"id": {i}, "x": {x}, "y": {y}}}\n' for i, x, y in rows))
        spec = {"name": name, "source": {"path": f"{name}-{path}"}, "roles": {"target": "y", "carry": ["id"]},
                "steps": [], "split": {"test": test},
                "model": {"xgboost": {"objective": "binary", "rounds": 5, "params": {"min_child_weight": 0.1}}}}
        return self.company.run(kind="TRAIN", spec=spec)

    def score(self, name, path, text, output="CSV"):
        self.company.write(f"{name}-{path}", text)
        job = self.company.run(kind="SCORE", pipeline=name, source={"path": f"{name}-{path}"},
                               output={"format": output, "probabilities": True})
        return self.company.output(job).decode()

    def test_csv_fields(self):
        self.train("fields", ["0", "1"])
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([["id", "x"]] + [[field, 1] for field in self.FIELDS])
        written = list(csv.reader(io.StringIO(self.score("fields", "s.csv", text.getvalue()))))
        self.assertEqual([row[0] for row in written[1:]], self.FIELDS)
        as_json = self.score("fields", "s.csv", text.getvalue(), "JSONL").splitlines()
        self.assertEqual([json.loads(line)["id"] for line in as_json], self.FIELDS)

    def test_json_tokens(self):
        self.train("tokens", ["0", "1"])
        text = "".join(f'{{"id": {token}, "x": 1}}\n' for token in self.TOKENS) + '{"x": 1}\n'
        lines = self.score("tokens", "s.jsonl", text, "JSONL").splitlines()
        for token, line in zip(self.TOKENS, lines):
            self.assertTrue(line.startswith(f'{{"id": {token}, "prediction"'), line)
        self.assertNotIn("id", json.loads(lines[-1]))
        written = list(csv.reader(io.StringIO(self.score("tokens", "s.jsonl", text))))
        self.assertEqual([row[0] for row in written[1:]],
                         [json.loads(token) if token[0] == '"' else token for token in self.TOKENS] + [""])

    def test_class_labels(self):
        for name, labels, path in [("zeros", ["01", "02"], "t.csv"), ("caps", ["FALSE", "TRUE"], "t.csv"),
                                   ("signs", ["-1", "+1"], "t.csv"), ("powers", ["1e3", "2000.0"], "t.csv"),
                                   ("words", ["no", "yes"], "t.csv"), ("literals", ["false", "true"], "t.jsonl")]:
            with self.subTest(name):
                report = self.train(name, labels, path).report
                self.assertEqual(list(report.test.labels), labels)
                lines = self.score(name, "s.csv", "id,x\na,0\nb,1\n").splitlines()
                self.assertEqual(lines[0], f"id,prediction,probability_{labels[0]},probability_{labels[1]}")
                self.assertEqual([line.split(",")[1] for line in lines[1:]], labels)

    def test_spellings_of_one_value_are_one_class(self):
        self.train("spellings", ["01", "2", "1", "2.0"], test=0)
        lines = self.score("spellings", "s.csv", "id,x\na,0\nb,3\n").splitlines()
        self.assertEqual(lines[0], "id,prediction,probability_01,probability_2")
        self.assertEqual([line.split(",")[1] for line in lines[1:]], ["01", "2"])

    def test_labels_in_json_are_literals_where_json_has_them(self):
        for name, labels, expected in [("plain", ["0", "1"], ["0", "1"]), ("padded", ["01", "02"], ['"01"', '"02"']),
                                       ("lower", ["false", "true"], ["false", "true"]),
                                       ("halves", ["1.0", "2.0"], ["1.0", "2.0"])]:
            with self.subTest(name):
                self.train(name, labels)
                lines = self.score(name, "s.csv", "id,x\na,0\nb,1\n", "JSONL").splitlines()
                self.assertEqual([line.split('"prediction": ')[1].split(",")[0] for line in lines], expected)

    def test_a_type_for_a_carried_column_is_a_warning(self):
        self.company.write("typed.csv", "id,x,y\n" + "1,0,0\n2,1,1\n" * 20)
        job = self.company.run(kind="TRAIN", spec={
            "name": "typed", "source": {"path": "typed.csv", "types": {"id": "INT64"}},
            "roles": {"target": "y", "carry": ["id"]}, "model": {"xgboost": {"objective": "binary", "rounds": 2}}})
        self.assertTrue(any("source.types.id" in warning for warning in job.report.warnings), job.report.warnings)


class Dates(unittest.TestCase):
    """date_parts, against pandas."""

    def test_parts_are_pandas_in_csv_and_json_lines(self):
        days = pandas.to_datetime(numpy.random.default_rng(5).integers(-40000, 40000, 500), unit="D", origin="unix")
        seen = days + pandas.to_timedelta(numpy.arange(500) * 7919, unit="s")
        table = pandas.DataFrame({"day": days.strftime("%Y-%m-%d"), "seen": seen.strftime("%Y-%m-%dT%H:%M:%S"),
                                  "local": seen.strftime("%d.%m.%Y %I:%M %p")})
        table.loc[7, "seen"] = None
        parts = ["YEAR", "MONTH", "DAY", "WEEKDAY", "DAYS"]
        with Company() as company:
            company.write("t.csv", table.to_csv(index=False))
            company.write("t.jsonl", table.to_json(orient="records", lines=True))
            for path in ("t.csv", "t.jsonl"):
                with self.subTest(path):
                    company.run(kind="TRAIN", spec={
                        "name": "dates", "source": {"path": path, "types": {"local": "TIMESTAMP"},
                                                    "time_formats": {"local": "%d.%m.%Y %I:%M %p"}},
                        "steps": [{"date_parts": {"columns": {"type": "POINT_IN_TIME", "except": ["local"]},
                                                  "parts": parts}},
                                  {"date_parts": {"columns": {"names": ["local"]}, "parts": ["HOUR"]}}],
                        "split": {"test": 0}})
                    job = company.run(kind="TRANSFORM", pipeline="dates", source={"path": path})
                    written = pandas.read_csv(io.BytesIO(company.output(job)))
                    for name, value in (("day", days), ("seen", seen)):
                        for part, expected in zip(parts, (value.year, value.month, value.day, value.isocalendar().day,
                                                          (value.normalize() - pandas.Timestamp("1970-01-01")).days)):
                            got = written[f"{name}_{part.lower()}"]
                            known = got.notna().to_numpy()
                            self.assertEqual(int((~known).sum()), 1 if name == "seen" else 0)
                            self.assertEqual(list(got[known]), list(numpy.asarray(expected)[known]))
                    self.assertEqual(list(written.local_hour), list(seen.hour))

    def test_a_date_that_does_not_exist_rejects_its_row(self):
        with Company() as company:
            company.write("t.csv", "day,x\n2024-02-29,1\n2023-02-28,2\n")
            company.write("s.csv", "day,x\n2023-02-29,1\n2023-03-01,2\n")
            company.run(kind="TRAIN", spec={
                "name": "days", "source": {"path": "t.csv", "on_bad_row": "REJECT", "max_rejects": 1},
                "steps": [{"date_parts": {"columns": {"names": ["day"]}, "parts": ["DAY"]}}], "split": {"test": 0}})
            job = company.run(kind="TRANSFORM", pipeline="days", source={"path": "s.csv"})
            self.assertEqual(job.progress.rows_rejected, 1)
            self.assertEqual(company.output(job), b"day_day,x\n1,2\n")


if __name__ == "__main__":
    unittest.main()

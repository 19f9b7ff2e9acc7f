"""What is learned and measured is that of the rows that count, against scikit-learn and exact rationals."""
import fractions
import io
import json
import unittest

import numpy
import pandas
from sklearn import metrics

import oracle
from company import Company, coordinator_pb2

WHOLE = {"split": {"test": 0}}


def names(*columns):
    return {"names": list(columns)}


def of(evaluation):
    return {metric.name: metric.value for metric in evaluation}


class Statistics(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.company = Company(replicas={"preprocessor": 2, "model": 2}, flags={"coordinator": ["--split_bytes=65536"]})
        cls.company.__enter__()
        cls.addClassCleanup(cls.company.__exit__, None, None, None)

    def transformed(self, name, table, steps, **source):
        """Fits `steps` on a CSV text, and returns what they make of it."""
        self.company.write(f"{name}.csv", table)
        source = {"path": f"{name}.csv", **source}
        self.company.run(kind="TRAIN", spec={"name": name, "source": source, "steps": steps, **WHOLE})
        job = self.company.run(kind="TRANSFORM", pipeline=name, source=source)
        return pandas.read_csv(io.BytesIO(self.company.output(job)), float_precision="round_trip")

    def artifact(self, name):
        pipeline = self.company.stub.GetPipeline(coordinator_pb2.GetPipelineRequest(pipeline=name))
        return pipeline.hops[0].artifact

    # --- which rows teach -----------------------------------------------------

    def test_a_row_that_a_later_step_of_the_pass_rejects_teaches_nothing(self):
        table = "a,b\n-9,1000\n1,1\n2,2\n3,3\n4,\n"
        reject = {"on_bad_row": "REJECT", "max_rejects": 1}
        log1p = {"log1p": {"columns": names("a")}}
        fill = {"impute": {"columns": names("b"), "strategy": "MEAN"}}
        for number, before in enumerate((
                [], [{"standardize": {"columns": names("a"), "with_mean": False, "with_std": False}}],
                [{"robust": {"columns": names("a"), "with_centering": False, "with_scaling": False}}])):
            written = self.transformed(f"order{number}", table, [*before, log1p, fill], **reject)
            self.assertEqual(list(written.b), [1, 2, 3, 2], before)

    def test_a_row_without_a_bin_teaches_the_next_steps_nothing(self):
        table = "a,b,c\n1,,1\n2,2,2\n3,3,3\n4,4,4\n5,5,100\n6,6,200\n,7,7\n8,8,8\n"
        written = self.transformed(
            "bins", table,
            [{"min_max": {"columns": names("a")}}, {"bucketize": {"columns": names("a"), "bins": 2}},
             {"drop": {"columns": names("b")}}, {"robust": {"columns": names("c")}}],
            on_bad_row="REJECT", max_rejects=1)
        kept = numpy.array([1, 2, 3, 4, 100, 200, 8])
        low, middle, high = numpy.percentile(kept, [25, 50, 75])
        self.assertEqual(list(written.c), list((kept - middle) / (high - low)))

    # --- columns that will be made --------------------------------------------

    def test_columns_that_a_step_will_make_can_be_named(self):
        table = "plan,n,y\nbasic,1,0\npro,2,1\nbasic,,0\nmax,4,1\n"
        one_hot = {"one_hot": {"columns": names("plan")}}
        fill = {"impute": {"columns": names("n"), "strategy": "MEAN", "indicator": True}}
        for number, (steps, expected) in enumerate((
                ([one_hot, {"rename": {"columns": {"plan_basic": "basic"}}}, {"drop": {"columns": names("basic", "y")}}],
                 ["plan_max", "plan_pro", "n"]),
                ([fill, {"rename": {"columns": {"missingindicator_n": "was"}}}, {"keep": {"columns": names("n", "was")}}],
                 ["n", "was"]),
                ([{"keep": {"columns": names("n")}}, fill, {"one_hot": {"columns": names("missingindicator_n")}},
                  {"drop": {"columns": names("missingindicator_n_0.0")}}], ["n", "missingindicator_n_1.0"]),
                ([one_hot, {"standardize": {"columns": names("plan_pro")}}, {"keep": {"columns": names("plan_pro")}}],
                 ["plan_pro"]))):
            written = self.transformed(f"made{number}", table, steps)
            self.assertEqual(list(written.columns), expected)

    def test_a_name_that_never_appears_is_the_error(self):
        self.company.write("never.csv", "plan,n\nbasic,1\npro,2\n")
        code, message, reason, _ = self.company.fail(kind="TRAIN", spec={
            "name": "never", "source": {"path": "never.csv"}, **WHOLE,
            "steps": [{"one_hot": {"columns": names("plan")}}, {"rename": {"columns": {"plan_bsic": "b"}}},
                      {"drop": {"columns": names("b")}}]})
        self.assertEqual((code, reason), ("INVALID_ARGUMENT", "UNKNOWN_COLUMN"))
        self.assertIn('did you mean "plan_basic"', message)

    # --- sums -----------------------------------------------------------------

    def test_mean_and_deviation_are_those_of_exact_rationals(self):
        random = numpy.random.default_rng(5)
        values = 1e9 + random.random(200_000).round(6)
        exact = [fractions.Fraction(float(value)) for value in values]
        mean = sum(exact) / len(exact)
        variance = sum((value - mean) ** 2 for value in exact) / len(exact)
        text = "x,z\n" + "".join(f"{value!r},\n" for value in values.tolist())
        scaled = self.transformed("narrow", text, [{"standardize": {"columns": names("x"), "with_mean": False}},
                                                   {"drop": {"columns": names("z")}}])
        deviation = values[0] / scaled.x[0]
        self.assertLess(abs(deviation / float(variance) ** 0.5 - 1), 1e-13)
        centred = self.transformed("centred", text, [{"standardize": {"columns": names("x"), "with_std": False}},
                                                     {"drop": {"columns": names("z")}}])
        self.assertEqual(centred.x[0], values[0] - float(mean))

    def test_the_artifact_depends_on_the_values_alone(self):
        random = numpy.random.default_rng(6)
        rows = [{"x": float(x), "y": None if x > 1 else float(y), "w": w} for x, y, w in zip(
            random.normal(size=20_000), random.lognormal(3, 2, 20_000), random.choice(["a", "b", "c"], 20_000))]
        frame = pandas.DataFrame(rows)
        steps = [{"impute": {"columns": names("y"), "strategy": "MEAN", "indicator": True}},
                 {"standardize": {"columns": names("x", "y")}}, {"one_hot": {"columns": names("w")}},
                 {"robust": {"columns": names("x")}}]
        spec = {"steps": steps, **WHOLE}
        text = frame.to_csv(index=False)
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        self.company.write("same.csv", text)
        self.company.write("same.jsonl", lines)
        self.company.run(kind="TRAIN", spec={**spec, "name": "csv", "source": {"path": "same.csv"}})
        self.company.run(kind="TRAIN", spec={**spec, "name": "jsonl", "source": {"path": "same.jsonl"}})
        self.assertEqual(self.artifact("csv"), self.artifact("jsonl"))
        with Company(flags={"coordinator": ["--split_bytes=5000"]}) as other:
            other.write("same.csv", text)
            other.run(kind="TRAIN", spec={**spec, "name": "csv", "source": {"path": "same.csv"}})
            pipeline = other.stub.GetPipeline(coordinator_pb2.GetPipelineRequest(pipeline="csv"))
            self.assertEqual(self.artifact("csv"), pipeline.hops[0].artifact)

    def test_huge_values_have_a_mean_and_a_deviation(self):
        values = [1.5e200, 2.5e200, -3.25e200, 4.5e200, 9.125e200]
        table = "a,b\n" + "".join(f"{value!r},1\n" for value in values)
        written = self.transformed("huge", table, [{"standardize": {"columns": names("a")}}])
        small = numpy.array(values) / 1e200
        numpy.testing.assert_allclose(written.a, (small - small.mean()) / small.std(), rtol=1e-13)

    def evaluated(self, name, train, test, model, **more):
        """Trains on one CSV text and evaluates on another."""
        self.company.write(f"{name}.csv", train)
        self.company.write(f"{name}_test.csv", test)
        roles = more.pop("roles", {"target": "y"})
        self.company.run(kind="TRAIN", spec={"name": name, "source": {"path": f"{name}.csv"}, "roles": roles,
                                             "model": model, **WHOLE, **more})
        return self.company.run(kind="EVALUATE", pipeline=name, source={"path": f"{name}_test.csv"}).report

    def test_constant_and_sorted_targets_have_sklearns_r2(self):
        train = "x,y\n" + "1,0\n" * 7 + "1,1\n" * 3
        baseline = {"baseline": {"objective": "regression"}}
        for name, target in (("constant", [0] * 300_000), ("sorted", sorted(range(100_000), key=lambda i: i // 1000))):
            report = self.evaluated(name, train, "x,y\n" + "".join(f"1,{y}\n" for y in target), baseline)
            truth = numpy.array(target, float)
            expected = metrics.r2_score(truth, numpy.full(len(truth), 0.3))
            self.assertAlmostEqual(of(report.test.metrics)["r2"], expected, delta=1e-13 * abs(expected), msg=name)

    def test_regression_metrics_are_those_of_exact_rationals(self):
        target = [1e6 + (i * 7919 % 10007) / 1024 for i in range(100_000)]
        report = self.evaluated("rationals", "x,y\n1,1000004.25\n1,1000004.75\n", "x,y\n" + "".join(f"1,{y!r}\n" for y in target),
                                {"baseline": {"objective": "regression"}})
        exact = [fractions.Fraction(y) for y in target]
        mean = sum(exact) / len(exact)
        errors = [y - fractions.Fraction(1000004.5) for y in exact]
        r2 = 1 - sum(e * e for e in errors) / sum((y - mean) ** 2 for y in exact)
        mae = sum(map(abs, errors)) / len(errors)
        found = of(report.test.metrics)
        self.assertLess(abs(found["r2"] - r2), 1e-13)
        self.assertLess(abs(found["mae"] / mae - 1), 1e-13)

    # --- classes and weights --------------------------------------------------

    def test_a_class_of_the_test_rows_only_counts_as_wrong(self):
        rows = [(i, "rare" if i == 6 else f"c{i % 2}") for i in range(60)]
        roles = oracle.roles(60, 0.2, 0, 1)
        self.assertEqual(roles[6], "test")
        self.company.write("rare.csv", "x,y\n" + "".join(f"{x},{y}\n" for x, y in rows))
        spec = {"name": "rare", "source": {"path": "rare.csv"}, "roles": {"target": "y"},
                "model": {"xgboost": {"objective": "multiclass", "rounds": 2}}, "split": {"test": 0.2, "seed": 1},
                "output": {"probabilities": True}}
        job = self.company.run(kind="TRAIN", spec=spec)
        scored = pandas.read_csv(io.BytesIO(self.company.output(
            self.company.run(kind="SCORE", pipeline="rare", source={"path": "rare.csv"}))))
        truth = numpy.array([y for _, y in rows])
        for report, chosen in ((job.report, roles == "test"),
                               (self.company.run(kind="EVALUATE", pipeline="rare", source={"path": "rare.csv"}).report,
                                roles != "")):
            y, predicted = truth[chosen], scored.prediction[chosen]
            probability = scored[["probability_c0", "probability_c1"]].assign(rare=0.0)[chosen].to_numpy()
            found = of(report.test.metrics)
            self.assertEqual(found["accuracy"], metrics.accuracy_score(y, predicted))
            self.assertAlmostEqual(found["f1"], metrics.f1_score(y, predicted, average="macro"), places=12)
            self.assertAlmostEqual(found["log_loss"], metrics.log_loss(y, probability, labels=["c0", "c1", "rare"]),
                                   delta=1e-6)
            self.assertAlmostEqual(found["roc_auc"], numpy.mean(
                [metrics.roc_auc_score(y == label, probability[:, i]) for i, label in enumerate(("c0", "c1", "rare"))]),
                places=12)
            self.assertIn('"rare"', "".join(report.warnings))
            self.assertEqual(list(report.test.labels), ["c0", "c1", "rare"])

    def test_metrics_are_weighted_as_with_sample_weight(self):
        random = numpy.random.default_rng(8)
        frame = pandas.DataFrame({"x": random.normal(size=600), "w": random.integers(0, 5, 600)})
        frame["y"] = numpy.where(frame.x + random.normal(size=600) > 0, "yes", "no")
        self.company.write("weighted.csv", frame.to_csv(index=False))
        spec = {"name": "weighted", "source": {"path": "weighted.csv"}, "roles": {"target": "y", "weight": "w"},
                "model": {"xgboost": {"objective": "binary", "rounds": 5}}, "split": {"test": 0.3, "seed": 2},
                "output": {"probabilities": True}}
        report = self.company.run(kind="TRAIN", spec=spec).report
        scored = pandas.read_csv(io.BytesIO(self.company.output(
            self.company.run(kind="SCORE", pipeline="weighted", source={"path": "weighted.csv"}))))
        test = oracle.roles(600, 0.3, 0, 2) == "test"
        y, weight = (frame.y == "yes")[test], frame.w[test]
        probability = scored.probability_yes[test]
        self.assertTrue(report.test.weighted)
        found = of(report.test.metrics)
        for name, expected in {
                "accuracy": metrics.accuracy_score(y, probability >= 0.5, sample_weight=weight),
                "f1": metrics.f1_score(y, probability >= 0.5, sample_weight=weight),
                "roc_auc": metrics.roc_auc_score(y, probability, sample_weight=weight),
                "log_loss": metrics.log_loss(y, probability, sample_weight=weight)}.items():
            self.assertAlmostEqual(found[name], expected, delta=2e-6, msg=name)
        unweighted = self.company.run(kind="EVALUATE", pipeline="weighted", source={"path": self.company.write(
            "unweighted.csv", frame.drop(columns="w").to_csv(index=False))}).report
        self.assertFalse(unweighted.test.weighted)
        self.assertIn('"w"', "".join(unweighted.warnings))

    def test_regression_metrics_are_weighted_too(self):
        random = numpy.random.default_rng(9)
        frame = pandas.DataFrame({"x": random.normal(size=500), "w": random.random(500)})
        frame["y"] = frame.x * 3 + random.normal(size=500)
        text = frame.to_csv(index=False)
        report = self.evaluated("weights", text, text, {"xgboost": {"objective": "regression", "rounds": 5}},
                                roles={"target": "y", "weight": "w"})
        predicted = pandas.read_csv(io.BytesIO(self.company.output(
            self.company.run(kind="SCORE", pipeline="weights", source={"path": "weights.csv"})))).prediction
        found = of(report.test.metrics)
        for name, expected in {
                "rmse": metrics.mean_squared_error(frame.y, predicted, sample_weight=frame.w) ** 0.5,
                "mae": metrics.mean_absolute_error(frame.y, predicted, sample_weight=frame.w),
                "r2": metrics.r2_score(frame.y, predicted, sample_weight=frame.w)}.items():
            self.assertAlmostEqual(found[name], expected, delta=1e-6, msg=name)

    def test_errors_about_a_row_name_file_line_and_column(self):
        self.company.write("place.csv", "x,y,w\n" + "".join(f"{i},{i % 2},1\n" for i in range(40)))
        roles = {"target": "y", "weight": "w"}
        spec = {"name": "place", "source": {"path": "place.csv"}, "roles": roles, **WHOLE,
                "steps": [{"log1p": {"columns": names("x")}}],
                "model": {"xgboost": {"objective": "binary", "rounds": 1}}}
        self.company.run(kind="TRAIN", spec=spec)
        self.company.write("place_score.csv", 'x,note\n1,"two\nlines"\n-5,c\n')
        message = self.company.fail(kind="SCORE", pipeline="place", source={"path": "place_score.csv"})[1]
        self.assertIn("place_score.csv:4:", message)
        self.assertIn('column "x"', message)
        self.company.write("place_weight.csv", "x,y,w\n1,0,1\n2,1,-3\n")
        message = self.company.fail(kind="EVALUATE", pipeline="place", source={"path": "place_weight.csv"})[1]
        self.assertIn("place_weight.csv:3:", message)
        self.assertIn('column "w"', message)
        self.company.write("place_label.csv", "x,y,w\n1,0,1\n2,1,1\n3,0,1\n4,7,1\n")
        message = self.company.fail(kind="TRAIN", spec={**spec, "source": {"path": "place_label.csv"}})[1]
        self.assertIn("place_label.csv:5:", message)
        self.assertIn('"y"', message)

    # --- numbers ----------------------------------------------------------------

    def test_a_large_int64_is_scored_alike_whoever_its_neighbours_are(self):
        train = "x,y\n" + "1152921504606846976,0\n1152921642045800448,1\n" * 20
        self.company.write("large.csv", train)
        self.company.run(kind="TRAIN", spec={
            "name": "large", "source": {"path": "large.csv"}, "roles": {"target": "y"}, **WHOLE,
            "model": {"xgboost": {"objective": "regression", "rounds": 1, "learning_rate": 1, "params": {"lambda": 0}}}})
        predictions = set()
        for number, rows in enumerate(("1152921573326323713,\n", "1152921573326323713,\n,\n")):
            self.company.write(f"large{number}.csv", "x,z\n" + rows)
            job = self.company.run(kind="SCORE", pipeline="large", source={"path": f"large{number}.csv"})
            predictions.add(self.company.output(job).split()[1])
        self.assertEqual(len(predictions), 1)

    def test_a_zero_that_is_given_is_a_zero(self):
        self.company.write("zeros.csv", "x,y\n" + "".join(f"{i},{i * i % 17}\n" for i in range(300)))
        spec = {"name": "zeros", "source": {"path": "zeros.csv"}, "roles": {"target": "y"}, **WHOLE}
        for parameter in ("rounds", "learning_rate"):
            _, message, reason, _ = self.company.fail(
                kind="TRAIN", spec={**spec, "model": {"xgboost": {"objective": "regression", parameter: 0}}})
            self.assertEqual(reason, "BAD_SPEC")
            self.assertIn(parameter, message)
        _, message, reason, _ = self.company.fail(kind="TRAIN", spec={
            **spec, "roles": {}, "steps": [{"bucketize": {"columns": names("x"), "bins": 0}}]})
        self.assertEqual(reason, "BAD_SPEC")
        self.assertIn("bins", message)
        self.company.run(kind="TRAIN", spec={
            **spec, "model": {"xgboost": {"objective": "regression", "rounds": 3, "max_depth": 0}}})
        scored = pandas.read_csv(io.BytesIO(self.company.output(
            self.company.run(kind="SCORE", pipeline="zeros", source={"path": "zeros.csv"}))))
        x = numpy.arange(300)
        booster = oracle.boosted(x[:, None], x * x % 17, [], [],
                                 {"objective": "reg:squarederror", "max_depth": 0, "nthread": 1}, 3, 0)
        numpy.testing.assert_allclose(scored.prediction, oracle.predict(booster, x[:, None]), rtol=1e-6)


if __name__ == "__main__":
    unittest.main()

"""Random chains of steps, some of which reject rows, name and value against scikit-learn."""
import io
import os
import random
import unittest
import warnings

import numpy
import pandas
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import KBinsDiscretizer, MinMaxScaler, OneHotEncoder, RobustScaler, StandardScaler

from company import Company

# TROUPE_SEEDS=0-2000: so many more.
SEEDS = range(*map(int, os.environ.get("TROUPE_SEEDS", "0-25").split("-")))
FEWEST = 20


def names(*columns):
    return {"names": list(columns)}


def table(rng):
    """Numbers with gaps, a narrow column far from zero, and a category."""
    rows = rng.choice([60, 300, 2000])
    draw = numpy.random.default_rng(rng.randrange(1 << 30))
    frame = pandas.DataFrame({"a": draw.normal(1, 1.5, rows).round(3), "b": draw.lognormal(0, 1, rows).round(3),
                              "c": draw.integers(-2, 9, rows) + 0.25, "d": 1e6 + draw.random(rows).round(4)})
    for name in "abc":
        frame.loc[draw.random(rows) < 0.15, name] = numpy.nan
    return frame.assign(p=draw.choice(["basic", "pro", "max"], rows))


def replaced(frame, column, encoder):
    """`frame` with the columns that a fitted encoder makes in the place of one."""
    made = pandas.DataFrame(encoder.transform(frame[[column]]), columns=encoder.get_feature_names_out(), index=frame.index)
    return pandas.concat([made if name == column else frame[[name]] for name in frame.columns], axis=1)


class Chain:
    """Steps, and what scikit-learn makes of a table when it fits each on what the one before accepts."""

    def __init__(self, rng, frame):
        self.rng, self.frame, self.steps, self.made = rng, frame, [], []
        for _ in range(rng.randrange(2, 9)):
            numbers = [name for name in self.frame if self.frame[name].dtype != object]
            late = [name for name in self.made if name in numbers]
            chosen = rng.choice(late) if late and rng.random() < 0.3 else rng.choice(numbers)
            getattr(self, rng.choice(["impute", "scale", "log1p", "log1p", "bins", "categories", "ordinal", "clip",
                                      "rename", "drop"]))(chosen)
        if "p" in self.frame:
            self.steps.append({"drop": {"columns": names("p")}})
            self.frame = self.frame.drop(columns="p")

    def add(self, frame, **step):
        """Takes the step, unless two of its columns have one name."""
        if frame.columns.is_unique:
            self.made += [name for name in frame.columns if name not in self.frame]
            self.frame = frame
            self.steps.append(step)

    def impute(self, column):
        strategy, gaps = self.rng.choice(["mean", "median", "most_frequent"]), self.frame[column].isna()
        filled = SimpleImputer(strategy=strategy).fit_transform(self.frame[[column]])[:, 0]
        frame = self.frame.assign(**{column: filled})
        indicator = self.rng.random() < 0.5
        if indicator and gaps.any():
            frame.insert(len(frame.columns), f"missingindicator_{column}", gaps.astype(float), allow_duplicates=True)
        self.add(frame, impute={"columns": names(column), "strategy": strategy.upper(), "indicator": indicator})

    def scale(self, column):
        kind, scaler = self.rng.choice([("standardize", StandardScaler), ("min_max", MinMaxScaler), ("robust", RobustScaler)])
        self.add(self.frame.assign(**{column: scaler().fit_transform(self.frame[[column]])[:, 0]}),
                 **{kind: {"columns": names(column)}})

    def log1p(self, column):
        kept = self.frame[~(self.frame[column] <= -1)]
        if len(kept) >= FEWEST:
            self.add(kept.assign(**{column: numpy.log1p(kept[column])}), log1p={"columns": names(column)})

    def bins(self, column):
        kept, bins = self.frame[self.frame[column].notna()], self.rng.choice([2, 3, 4])
        strategy, one_hot = self.rng.choice(["uniform", "quantile"]), self.rng.random() < 0.5
        if len(kept) < FEWEST or kept[column].nunique() < 2:
            return
        binner = KBinsDiscretizer(bins, encode="onehot-dense" if one_hot else "ordinal", strategy=strategy, subsample=None)
        self.add(replaced(kept, column, binner.fit(kept[[column]])),
                 bucketize={"columns": names(column), "bins": bins, "strategy": strategy.upper(),
                            "encode": "ONE_HOT_CODE" if one_hot else "ORDINAL_CODE"})

    def categories(self, column):
        column = "p" if "p" in self.frame else column
        if self.frame[column].nunique() < 6:
            encoder = OneHotEncoder(sparse_output=False).fit(self.frame[[column]])
            self.add(replaced(self.frame, column, encoder), one_hot={"columns": names(column)})

    def ordinal(self, _):
        kept = self.frame[self.frame.p != "max"] if "p" in self.frame and self.frame.p.dtype == object else []
        if len(kept) >= FEWEST:
            self.add(kept.assign(p=(kept.p == "pro").astype(float)),
                     ordinal={"columns": names("p"), "categories": ["basic", "pro"]})

    def clip(self, column):
        self.add(self.frame.assign(**{column: self.frame[column].clip(-0.5, 3)}),
                 clip={"columns": names(column), "min": -0.5, "max": 3})

    def rename(self, column):
        self.add(self.frame.rename(columns={column: column + "_"}), rename={"columns": {column: column + "_"}})

    def drop(self, column):
        if sum(self.frame[name].dtype != object for name in self.frame) > 1:
            self.add(self.frame.drop(columns=column), drop={"columns": names(column)})


class RandomPipelines(unittest.TestCase):
    def test_chains_of_steps_are_those_of_sklearn(self):
        warnings.simplefilter("ignore")
        with Company(replicas={"preprocessor": 2}, flags={"coordinator": ["--split_bytes=20000"]}) as company:
            for seed in SEEDS:
                rng = random.Random(seed)
                frame = table(rng)
                source = {"path": company.write(f"{seed}.csv", frame.to_csv(index=False)), "on_bad_row": "REJECT",
                          "max_rejects": 1}
                chain = Chain(rng, frame)
                with self.subTest(seed=seed, steps=chain.steps):
                    spec = {"name": f"chain{seed}", "source": source, "steps": chain.steps, "split": {"test": 0}}
                    company.run(kind="TRAIN", spec=spec)
                    job = company.run(kind="TRANSFORM", pipeline=f"chain{seed}", source=source)
                    written = pandas.read_csv(io.BytesIO(company.output(job)), float_precision="round_trip")
                    self.assertEqual(list(written.columns), list(chain.frame.columns))
                    numpy.testing.assert_allclose(written.to_numpy(float), chain.frame.to_numpy(float), rtol=1e-7, atol=1e-7)


if __name__ == "__main__":
    unittest.main()

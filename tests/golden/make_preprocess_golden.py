#!/usr/bin/python3
"""Writes preprocess.golden: what scikit-learn makes of some tables.

Run it with Debian's python3-pandas and python3-sklearn:

    /usr/bin/python3 tests/golden/make_preprocess_golden.py

Every case is a chain of ColumnTransformers with remainder="passthrough" and
verbose_feature_names_out=False, fitted on `train` and applied to `score`. The
order of columns is then made that of the pipeline file's rule 2: what a column
became stands where the column stood, indicators come last.

The file has one record per line, its fields separated by tabs:

    case NAME
    params TEXT                     a PreprocessorParams message as text
    train NAME TYPE VALUE...        one per column
    score NAME TYPE VALUE...
    expect NAME VALUE...            one per output column, in order

Numbers have the digits that read back exactly, text begins with = and is
C-escaped, ~ is a missing value.
"""
import os
import warnings

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import (FunctionTransformer, KBinsDiscretizer,
                                   MinMaxScaler, OneHotEncoder, OrdinalEncoder,
                                   RobustScaler, StandardScaler)

warnings.simplefilter("ignore")


def escape(text):
    return "".join(c if 32 <= ord(c) < 127 and c not in "\\\"'~" else
                   "".join("\\%03o" % b for b in c.encode()) for c in text)


def number(value):
    text = repr(float(value))
    return text[:-2] if text.endswith(".0") else text


def cells(series, kind):
    for value in series:
        if pd.isna(value):
            yield "~"
        elif kind == "string":
            yield "=" + escape(value)
        else:
            yield number(value)


def kind_of(series, kinds):
    if series.name in kinds:
        return kinds[series.name]
    if series.dtype == bool:
        return "bool"
    if series.dtype == np.int64:
        return "int64"
    if series.dtype == np.float64:
        return "float64"
    return "string"


def widths(estimator, columns):
    """How many columns each column becomes in place."""
    if isinstance(estimator, OneHotEncoder):
        return list(estimator._n_features_outs)
    if isinstance(estimator, KBinsDiscretizer) and "onehot" in estimator.encode:
        return list(estimator.n_bins_)
    return [1] * len(columns)


def step(estimator, columns, frames):
    """Fits on the first frame, transforms all, and restores the order."""
    chain = ColumnTransformer([("step", estimator, columns)],
                              remainder="passthrough",
                              verbose_feature_names_out=False)
    chain.set_output(transform="pandas")
    chain.fit(frames[0])
    fitted = chain.named_transformers_["step"]
    made = list(fitted.get_feature_names_out(columns))
    of = {}
    at = 0
    for column, width in zip(columns, widths(fitted, columns)):
        of[column] = made[at:at + width]
        at += width
    order = []
    for column in frames[0].columns:
        order += of.get(column, [column])
    order += made[at:]
    out = []
    for frame in frames:
        result = chain.transform(frame)
        assert sorted(result.columns) == sorted(order), (result.columns, order)
        out.append(result[order])
    return out


def one_hot(**options):
    return OneHotEncoder(sparse_output=False, **options)


def function(f, **kw):
    return FunctionTransformer(f, kw_args=kw, feature_names_out="one-to-one")


class Writer:
    def __init__(self):
        self.lines = []

    def case(self, name, train, score, steps, kinds=None, makes_features=False):
        kinds = kinds or {}
        # Rows keep their numbers, so that frames can be compared by eye.
        frames = [train, score]
        text = []
        for spec, estimator, columns in steps:
            text.append("steps { %s }" % spec)
            frames = step(estimator, columns, frames)
        if makes_features:
            text.append("makes_features: true")
        self.lines.append("case\t" + name)
        self.lines.append("params\t" + " ".join(text))
        for label, frame in (("train", train), ("score", score)):
            for column in frame.columns:
                kind = kind_of(frame[column], kinds)
                self.lines.append("\t".join(
                    [label, escape(column), kind] +
                    list(cells(frame[column], kind))))
        result = frames[1]
        for i, column in enumerate(result.columns):
            series = result.iloc[:, i]
            if series.dtype == object and all(
                    isinstance(v, (bool, np.bool_)) for v in series):
                series = series.astype(float)
            kind = "string" if series.dtype == object else "number"
            self.lines.append("\t".join(
                ["expect", escape(column)] + list(cells(series, kind))))

    def write(self, path):
        with open(path, "w") as file:
            file.write("\n".join(self.lines) + "\n")


def holes(rng, series, share):
    series = series.astype(object if series.dtype == object else float)
    series[rng.random(len(series)) < share] = np.nan
    return series


def table(seed, rows):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({
        "age": rng.integers(18, 90, rows).astype(float),
        "income": np.round(rng.lognormal(10, 1, rows), 2),
        "usage_day": rng.normal(3, 100, rows),
        "usage_night": rng.normal(1e4, 10, rows),
        "visits": rng.poisson(2, rows),
        "active": rng.random(rows) < 0.3,
        "constant": np.full(rows, 0.5),
        "tiny": rng.random(rows) * 1e-18,
        "level": rng.choice([0.5, 1.0, 2.0, 1e-5, 1e16, -3.0], rows),
        "plan": rng.choice(["basic", "plus", "pro", "été", ""], rows,
                           p=[0.5, 0.3, 0.1, 0.07, 0.03]),
        "city": rng.choice(["Bern", "Ulm", "Köln", "a\tb"] +
                           ["c%02d" % i for i in range(20)], rows),
    })
    frame["age"] = holes(rng, frame["age"], 0.1)
    frame["usage_day"] = holes(rng, frame["usage_day"], 0.2)
    frame["plan"] = holes(rng, frame["plan"], 0.05)
    frame["city"] = holes(rng, frame["city"], 0.02)
    return frame


def main():
    writer = Writer()
    train = table(1, 150)
    score = table(2, 20)
    numeric = ["age", "income", "usage_day", "usage_night", "visits", "active",
               "constant", "tiny", "level"]
    names = lambda columns: " ".join(
        'names: "%s"' % escape(c) for c in columns)

    def on(columns):
        return "columns { %s }" % names(columns)

    def add(name, columns, steps, **kw):
        writer.case(name, train[columns], score[columns], steps, **kw)

    add("standardize", numeric,
        [("standardize { columns { all: true } }", StandardScaler(), numeric)])
    add("standardize_without_mean", numeric,
        [("standardize { columns { all: true } with_mean: false }",
          StandardScaler(with_mean=False), numeric)])
    add("standardize_without_std", numeric,
        [("standardize { columns { all: true } with_std: false }",
          StandardScaler(with_std=False), numeric)])
    add("min_max", numeric,
        [("min_max { columns { all: true } }", MinMaxScaler(), numeric)])
    add("min_max_clip", numeric,
        [("min_max { columns { all: true } min: -2 max: 3 clip: true }",
          MinMaxScaler(feature_range=(-2, 3), clip=True), numeric)])
    add("robust", numeric,
        [("robust { columns { all: true } }", RobustScaler(), numeric)])
    add("robust_options", numeric,
        [("robust { columns { all: true } quantile_low: 5 quantile_high: 92.5 "
          "unit_variance: true }",
          RobustScaler(quantile_range=(5, 92.5), unit_variance=True), numeric)])
    add("robust_without_centering", ["age", "visits"],
        [("robust { columns { all: true } with_centering: false }",
          RobustScaler(with_centering=False), ["age", "visits"])])
    add("robust_without_scaling", ["age", "visits"],
        [("robust { columns { all: true } with_scaling: false }",
          RobustScaler(with_scaling=False), ["age", "visits"])])

    gaps = ["age", "income", "usage_day", "visits"]
    for strategy in ("mean", "median", "most_frequent"):
        add("impute_" + strategy, gaps,
            [("impute { columns { all: true } strategy: %s indicator: true }" %
              strategy.upper(),
              SimpleImputer(strategy=strategy, add_indicator=True), gaps)])
    add("impute_constant", gaps,
        [("impute { columns { all: true } strategy: CONSTANT "
          "fill_value { number_value: -1.5 } indicator: true }",
          SimpleImputer(strategy="constant", fill_value=-1.5,
                        add_indicator=True), gaps)])
    words = ["plan", "city"]
    add("impute_words", words,
        [("impute { columns { all: true } strategy: MOST_FREQUENT }",
          SimpleImputer(strategy="most_frequent"), words)])
    add("impute_words_constant", words,
        [("impute { columns { all: true } strategy: CONSTANT }",
          SimpleImputer(strategy="constant", fill_value="missing_value"),
          words)])

    kinds = ["plan", "visits", "active", "level"]
    known = score[score["visits"].isin(train["visits"])]
    mixed = ["plan", "income", "visits", "active", "level"]

    def encode(name, columns, spec, **options):
        writer.case(name, train[mixed], known[mixed],
                    [("one_hot { %s %s }" % (on(columns), spec),
                      one_hot(**options), columns)])

    encode("one_hot", kinds, "")
    encode("one_hot_drop_first", kinds, "drop: FIRST", drop="first")
    encode("one_hot_drop_if_binary", kinds, "drop: IF_BINARY",
           drop="if_binary")
    encode("one_hot_min_count", kinds, "min_frequency: 20", min_frequency=20)
    encode("one_hot_min_share", kinds, "min_frequency: 0.12",
           min_frequency=0.12)
    encode("one_hot_max_categories", kinds, "max_categories: 4",
           max_categories=4)
    encode("one_hot_max_of_all", kinds, "max_categories: 6", max_categories=6)
    encode("one_hot_grouped_and_dropped", kinds,
           "min_frequency: 20 max_categories: 3 drop: FIRST",
           min_frequency=20, max_categories=3, drop="first")
    encode("one_hot_grouped_if_binary", kinds,
           "max_categories: 2 drop: IF_BINARY", max_categories=2,
           drop="if_binary")

    strange = score[["city", "visits"]].copy()
    strange["city"] = strange["city"].where(np.arange(len(strange)) % 3 > 0,
                                            "nowhere")
    strange["visits"] += 20
    for policy, option in (("IGNORE", "ignore"),
                           ("INFREQUENT", "infrequent_if_exist")):
        for limit, options in (("", {}),
                               ("max_categories: 5", {"max_categories": 5})):
            for drop, dropped in (("", {}), ("drop: FIRST",
                                             {"drop": "first"})):
                writer.case(
                    "one_hot_unknown_%s_%s_%s" % (
                        option, "limited" if limit else "free",
                        "dropped" if drop else "kept"),
                    train[["city", "visits"]], strange,
                    [("one_hot { columns { all: true } unknown: %s %s %s }" %
                      (policy, limit, drop),
                      one_hot(handle_unknown=option, **options, **dropped),
                      ["city", "visits"])])

    # Whole numbers with gaps: floats to pandas, and named so.
    gap = pd.DataFrame({"n": holes(np.random.default_rng(5),
                                   train["visits"], 0.1)})
    writer.case("one_hot_whole_numbers_with_gaps", gap, gap.head(20),
                [("one_hot { columns { all: true } }", one_hot(), ["n"])],
                kinds={"n": "int64"})

    add("ordinal", ["plan", "active", "level"],
        [("ordinal { columns { all: true } }", OrdinalEncoder(),
          ["plan", "active", "level"])])
    add("ordinal_missing_value", ["plan"],
        [("ordinal { columns { all: true } missing_value: -1 }",
          OrdinalEncoder(encoded_missing_value=-1), ["plan"])])
    writer.case("ordinal_unknown", train[["city", "visits"]], strange,
                [("ordinal { columns { all: true } unknown: USE_VALUE "
                  "unknown_value: -7 }",
                  OrdinalEncoder(handle_unknown="use_encoded_value",
                                 unknown_value=-7), ["city", "visits"])])
    sizes = pd.DataFrame({"size": ["M", "L", "S", "XL", "S", "M"]})
    writer.case("ordinal_given_order", sizes, sizes.iloc[::-1],
                [('ordinal { columns { all: true } categories: "S" '
                  'categories: "M" categories: "L" categories: "XL" }',
                  OrdinalEncoder(categories=[["S", "M", "L", "XL"]]),
                  ["size"])])

    # (scikit-learn fails where one-hot bins are all too narrow.)
    full = ["income", "usage_night", "visits", "constant"]
    for strategy in ("uniform", "quantile"):
        for code, encoding in (("ORDINAL_CODE", "ordinal"),
                               ("ONE_HOT_CODE", "onehot-dense")):
            for bins in (3, 10):
                add("bucketize_%s_%s_%d" % (strategy, encoding, bins), full,
                    [("bucketize { columns { all: true } bins: %d "
                      "strategy: %s encode: %s }" %
                      (bins, strategy.upper(), code),
                      KBinsDiscretizer(n_bins=bins, encode=encoding,
                                       strategy=strategy, subsample=None),
                      full)])

    add("clip", ["age", "income", "visits"],
        [('clip { columns { names: "age" names: "visits" } min: 1 max: 60 }',
          function(np.clip, a_min=1, a_max=60), ["age", "visits"])])
    add("log1p", ["age", "income"],
        [("log1p { columns { all: true } }", function(np.log1p),
          ["age", "income"])])

    # The example of the pipeline file, and steps that depend on each other.
    chain = ["age", "plan", "income", "usage_day", "city", "usage_night",
             "visits"]
    add("chain", chain,
        [("impute { columns { type: NUMBER } strategy: MEDIAN "
          "indicator: true }",
          SimpleImputer(strategy="median", add_indicator=True),
          ["age", "income", "usage_day", "usage_night", "visits"]),
         ('log1p { columns { names: "income" } }', function(np.log1p),
          ["income"]),
         ('standardize { columns { names: "age" names: "income" '
          'names: "usage_*" } }', StandardScaler(),
          ["age", "income", "usage_day", "usage_night"]),
         ('impute { columns { names: "plan" names: "city" } '
          "strategy: MOST_FREQUENT }",
          SimpleImputer(strategy="most_frequent"), ["plan", "city"]),
         ('one_hot { columns { names: "plan" names: "city" } '
          "min_frequency: 10 unknown: IGNORE }",
          one_hot(min_frequency=10, handle_unknown="ignore"),
          ["plan", "city"])], makes_features=True)
    add("made_columns_go_on", ["plan", "income", "visits"],
        [('one_hot { columns { names: "plan" } max_categories: 3 }',
          one_hot(max_categories=3), ["plan"]),
         ('bucketize { columns { names: "income" } bins: 4 '
          "encode: ONE_HOT_CODE }",
          KBinsDiscretizer(n_bins=4, encode="onehot-dense",
                           strategy="quantile", subsample=None), ["income"]),
         ('standardize { columns { names: "plan_*" names: "income_1.0" '
          'names: "visits" } }', StandardScaler(),
          ["plan_basic", "plan_plus", "plan_infrequent_sklearn", "income_1.0",
           "visits"]),
         ("min_max { columns { all: true } }", MinMaxScaler(),
          ["plan_basic", "plan_plus", "plan_infrequent_sklearn", "income_0.0",
           "income_1.0", "income_2.0", "income_3.0", "visits"])],
        makes_features=True)

    folder = os.path.dirname(os.path.abspath(__file__))
    writer.write(os.path.join(folder, "preprocess.golden"))


main()

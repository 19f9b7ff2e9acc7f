#!/usr/bin/env python3
"""Makes the golden files of the model: what XGBoost and scikit-learn answer.

Writes model_training.json (fits on one small table, with predictions) and
model_metrics.json (metrics of fixed predictions) beside itself. Made with
Debian 12's python3-xgboost 1.7.4 and python3-sklearn 1.2.1.
"""
import json
import math
import pathlib

import numpy as np
import xgboost as xgb
from sklearn import metrics

HERE = pathlib.Path(__file__).resolve().parent
ROWS = 240
MASK = (1 << 64) - 1


def mix(x):
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def roles(split):
    """Which rows are for validation, as services/table/row_split.h decides."""
    share = np.array([(mix(mix(split.get("seed", 0)) ^ row) >> 11) * 2.0**-53
                      for row in range(ROWS)])
    test = split.get("test", 0)
    validation = (share >= test) & (share < test + split.get("validation", 0))
    return share >= test + split.get("validation", 0), validation


def features():
    random = np.random.default_rng(7)
    table = random.normal(size=(ROWS, 5)).round(3)
    table[:, 1] = random.integers(0, 4, ROWS)
    table[random.random(table.shape) < 0.06] = np.nan
    return table.astype("float32")


def fit(table, name, spec, target, python, weight=None, split=None,
        balanced=False):
    """One case. `python` are the parameters a user of xgb.train would write."""
    train, validation = roles(split or {})
    rounds = spec.get("rounds", 100)
    weights = None if weight is None else weight[train]
    if balanced:
        labels, counts = np.unique(target[train], return_counts=True)
        share = train.sum() / (len(labels) * counts)
        weights = (1 if weights is None else weights) * share[target[train].astype(int)]
    data = xgb.DMatrix(table[train], target[train], weight=weights)
    more, log = {}, {}
    if spec.get("early_stopping"):
        watched = xgb.DMatrix(table[validation], target[validation],
                              weight=None if weight is None else weight[validation])
        more = dict(evals=[(watched, "validation")], verbose_eval=False,
                    early_stopping_rounds=spec["early_stopping"])
    python = dict(python, tree_method="hist", nthread=1)
    booster = xgb.train(python, data, rounds, evals_result=log, **more)
    kept = rounds
    if more:
        kept = booster.best_iteration + 1
        booster = booster[:kept]
    gain = booster.get_score(importance_type="total_gain")
    total = sum(gain.values())
    case = {
        "name": name,
        "params": {"model": {"xgboost": spec}, "split": split or {}},
        "target": [float(t) for t in target],
        "prediction": [float(p) for p in
                       booster.predict(xgb.DMatrix(table)).reshape(-1)],
        "rounds": kept,
        "importance": [gain.get(f"f{i}", 0) / total for i in range(5)],
    }
    if weight is not None:
        case["weight"] = [float(w) for w in weight]
    if more:
        metric = list(log["validation"])[-1]
        case["best_score"] = log["validation"][metric][kept - 1]
    return case


def training():
    random = np.random.default_rng(11)
    table = features()
    plain = np.nan_to_num(table)
    signal = plain[:, 0] * 2 - plain[:, 2] + (plain[:, 1] == 2)
    noisy = signal + random.normal(size=ROWS) * 0.5
    number = noisy.round(3)
    count = random.poisson(np.exp(signal / 3))
    binary = (noisy > 0).astype(float)
    several = np.digitize(noisy, [-1, 1]).astype(float)
    weight = random.random(ROWS).astype("float32").round(3)
    split = {"validation": 0.25, "seed": 3}
    small = {"rounds": 12, "max_depth": 3}
    cases = [
        fit(table, "regression", dict(small, objective="regression"), number,
            {"objective": "reg:squarederror", "max_depth": 3}),
        fit(table, "absolute", dict(small, objective="absolute"), number,
            {"objective": "reg:absoluteerror", "max_depth": 3}),
        fit(table, "count", dict(small, objective="count"), count,
            {"objective": "count:poisson", "max_depth": 3}),
        fit(table, "binary", {"rounds": 12, "objective": "binary",
                              "learning_rate": 0.1},
            binary, {"objective": "binary:logistic", "eta": 0.1}),
        fit(table, "multiclass", dict(small, objective="multiclass"), several,
            {"objective": "multi:softprob", "num_class": 3, "max_depth": 3}),
        fit(table, "weighted", dict(small, objective="regression"), number,
            {"objective": "reg:squarederror", "max_depth": 3}, weight=weight),
        fit(table, "balanced", dict(small, objective="multiclass",
                                    class_weight="balanced"), several,
            {"objective": "multi:softprob", "num_class": 3, "max_depth": 3},
            balanced=True),
        fit(table, "early_stopping_auc",
            {"rounds": 200, "objective": "binary", "early_stopping": 5,
             "metric": "auc"}, binary,
            {"objective": "binary:logistic", "eval_metric": "auc"}, split=split),
        fit(table, "early_stopping_default_metric",
            {"rounds": 200, "objective": "regression", "early_stopping": 3},
            number, {"objective": "reg:squarederror"}, split=split,
            weight=weight),
        fit(table, "early_stopping_not_reached",
            {"rounds": 4, "objective": "multiclass", "early_stopping": 10,
             "metric": "logloss", "learning_rate": 0.05}, several,
            {"objective": "multi:softprob", "num_class": 3, "eta": 0.05,
             "eval_metric": "mlogloss"}, split=split),
        fit(table, "parameters",
            dict(small, objective="regression", seed=42, params={
                "subsample": 0.7, "colsample_bytree": 0.6, "lambda": 2,
                "alpha": 0.1, "gamma": 0.05, "min_child_weight": 3,
                "max_bin": 16, "base_score": 0.25,
                "grow_policy": "lossguide", "max_leaves": 5,
                "monotone_constraints": [1, 0, -1]}), number,
            {"objective": "reg:squarederror", "max_depth": 3, "seed": 42,
             "subsample": 0.7, "colsample_bytree": 0.6, "lambda": 2,
             "alpha": 0.1, "gamma": 0.05, "min_child_weight": 3, "max_bin": 16,
             "base_score": 0.25, "grow_policy": "lossguide", "max_leaves": 5,
             "monotone_constraints": "(1,0,-1)"}),
    ]
    return {
        "version": xgb.__version__,
        "features": [[None if math.isnan(v) else float(v) for v in row]
                     for row in table],
        "cases": cases,
    }


def classes(truth, scores, labels):
    if scores.ndim == 1:
        predicted = (scores >= 0.5).astype(int)
        area = metrics.roc_auc_score(truth, scores)
        f1 = metrics.f1_score(truth, predicted)
    else:
        predicted = scores.argmax(1)
        area = metrics.roc_auc_score(truth, scores, multi_class="ovr",
                                     labels=range(labels))
        f1 = metrics.f1_score(truth, predicted, average="macro")
    return {
        "accuracy": metrics.accuracy_score(truth, predicted),
        "log_loss": metrics.log_loss(truth, scores, labels=range(labels)),
        "roc_auc": area,
        "f1": f1,
        "confusion": metrics.confusion_matrix(
            truth, predicted, labels=range(labels)).reshape(-1).tolist(),
    }


def numbers(truth, predicted):
    return {
        "rmse": math.sqrt(metrics.mean_squared_error(truth, predicted)),
        "mae": metrics.mean_absolute_error(truth, predicted),
        "r2": metrics.r2_score(truth, predicted),
    }


def evaluation():
    random = np.random.default_rng(5)
    binary = random.integers(0, 2, 90)
    score = (random.random(90) * 0.7 + binary * 0.3).round(2)
    score[0:2] = [0, 1]  # Certain, and for one of the two wrong.
    several = random.integers(0, 4, 90)
    shares = random.random((90, 4)) + np.eye(4)[several]
    shares[several == 3, 3] = 0  # Never predicted.
    shares /= shares.sum(1, keepdims=True)
    number = random.normal(size=90) + 1e6  # Far from zero.
    count = random.poisson(2, 90)
    rate = random.random(90) * 3 + 0.1
    share2 = [0.25, 0.75]
    share4 = [0.1, 0.4, 0.3, 0.2]
    return {
        "binary": {"truth": binary.tolist(), "scores": score.tolist(),
                   "shares": share2, "expected": classes(binary, score, 2),
                   "baseline": classes(binary, np.full(90, 0.75), 2)},
        "multiclass": {"truth": several.tolist(),
                       "scores": shares.reshape(-1).tolist(), "shares": share4,
                       "expected": classes(several, shares, 4),
                       "baseline": classes(several, np.tile(share4, (90, 1)), 4)},
        "regression": {"truth": number.tolist(),
                       "scores": (number + rate).tolist(), "constant": 1e6,
                       "expected": numbers(number, number + rate),
                       "baseline": numbers(number, np.full(90, 1e6))},
        "count": {"truth": count.tolist(), "scores": rate.tolist(),
                  "constant": 1.5,
                  "expected": dict(numbers(count, rate), poisson_deviance=
                                   metrics.mean_poisson_deviance(count, rate)),
                  "baseline": dict(numbers(count, np.full(90, 1.5)),
                                   poisson_deviance=metrics.mean_poisson_deviance(
                                       count, np.full(90, 1.5)))},
    }


def write(name, content):
    text = json.dumps(content, separators=(",", ":"))
    (HERE / name).write_text(text.replace('{"name"', '\n{"name"') + "\n")


if __name__ == "__main__":
    write("model_training.json", training())
    write("model_metrics.json", evaluation())

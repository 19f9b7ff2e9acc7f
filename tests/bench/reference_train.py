#!/usr/bin/env python3
"""What rows/train.py compares with: pandas + scikit-learn + XGBoost in one process.

  reference_train.py TABLE.csv ROUNDS MODEL.json

Reads, learns the steps and the trees on nine tenths, measures on the last tenth,
stores the model. Prints seconds, peak bytes, and AUC and log loss of the tenth.
"""
import sys
import time

import numpy
import pandas
import xgboost
from sklearn.impute import SimpleImputer
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def main(table: str, rounds: str, model: str) -> None:
    started = time.monotonic()
    rows = pandas.read_csv(table)
    target = rows.pop("y")
    test = numpy.random.default_rng(7).random(len(rows)) < 0.1
    steps = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    train = xgboost.QuantileDMatrix(steps.fit_transform(rows[~test]), label=target[~test])
    booster = xgboost.train({"objective": "binary:logistic", "max_depth": 6, "tree_method": "hist", "seed": 7,
                             "base_score": 0.5}, train, int(rounds))
    probability = booster.inplace_predict(steps.transform(rows[test]))
    auc, loss = roc_auc_score(target[test], probability), log_loss(target[test], probability)
    booster.save_model(model)
    seconds = time.monotonic() - started
    with open("/proc/self/status") as status:
        peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
    print(seconds, peak, auc, loss)


if __name__ == "__main__":
    main(*sys.argv[1:])

#!/usr/bin/env python3
"""What rows/score.py compares with: pandas + scikit-learn + XGBoost in one process.

  reference_score.py TRAIN.csv TABLE.csv OUTPUT.csv

Learns (not counted), then reads, transforms, predicts, writes. Prints seconds,
peak bytes, and the seconds of the prediction alone.
"""
import resource
import sys
import time

import pandas
import xgboost
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def main(train: str, table: str, output: str) -> None:
    learn = pandas.read_csv(train)
    names = [name for name in learn.columns if name != "y"]
    steps = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    features = steps.fit_transform(learn[names])
    booster = xgboost.train({"objective": "binary:logistic", "max_depth": 6, "tree_method": "hist"},
                            xgboost.QuantileDMatrix(features, label=learn.y), 100)
    started = time.monotonic()
    rows = pandas.read_csv(table)
    features = steps.transform(rows[names])
    predicting = time.monotonic()
    probability = booster.inplace_predict(features)
    predicting = time.monotonic() - predicting
    pandas.DataFrame({"prediction": (probability >= 0.5).astype(int), "probability_0": 1 - probability,
                      "probability_1": probability}).to_csv(output, index=False)
    seconds = time.monotonic() - started
    # XGBoost alone, in float32, for a composition with another reader.
    features = features.astype("float32")
    alone = time.monotonic()
    booster.inplace_predict(features)
    alone = min(predicting, time.monotonic() - alone)
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, alone)


if __name__ == "__main__":
    main(*sys.argv[1:])

#!/usr/bin/env python3
"""What rows/transform.py compares with: pandas + scikit-learn in one process.

  reference_transform.py TRAIN.csv TABLE.csv OUTPUT.csv
  reference_transform.py TRAIN.csv --parameters FILE.json

Learns (not counted), then reads, transforms, writes. Prints seconds and CPU
seconds. The second form writes what was learned, for node_peer.cjs.
"""
import json
import sys
import time

import pandas
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def main(train: str, table: str, output: str) -> None:
    learn = pandas.read_csv(train)
    names = [name for name in learn.columns if name != "y"]
    impute, standardize = SimpleImputer(strategy="median"), StandardScaler()
    steps = make_pipeline(impute, standardize)
    steps.fit(learn[names])
    if table == "--parameters":
        with open(output, "w", encoding="utf-8") as file:
            json.dump([dict(zip(("name", "fill", "mean", "scale"), map(lambda x: x if isinstance(x, str) else float(x), of)))
                       for of in zip(names, impute.statistics_, standardize.mean_, standardize.scale_)], file)
        return
    cpu, started = time.process_time(), time.monotonic()
    rows = pandas.read_csv(table)
    pandas.DataFrame(steps.transform(rows[names]), columns=names).to_csv(output, index=False)
    print(time.monotonic() - started, time.process_time() - cpu)


if __name__ == "__main__":
    main(*sys.argv[1:])

#!/usr/bin/env python3
"""Writes cancer.csv: the breast-cancer measurements that scikit-learn ships.

Source: Breast Cancer Wisconsin (Diagnostic), W. Wolberg, O. Mangasarian,
N. Street and W. Street, 1995, UCI Machine Learning Repository (CC BY 4.0).
569 samples, 30 measurements of cell nuclei each. Added here: `sample`, a
running number, and the diagnosis written as a word. cancer.jsonl has samples 1,
20 and 101 as a caller has them who does not know the diagnosis yet.

  python3 make_cancer.py > cancer.csv
"""
import csv
import sys

from sklearn.datasets import load_breast_cancer


def main() -> None:
    table = load_breast_cancer()
    names = [str(name) for name in table.feature_names]
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["sample", *names, "diagnosis"])
    for number, (row, label) in enumerate(zip(table.data, table.target), 1):
        values = [repr(float(value)) for value in row]
        writer.writerow([number, *values, table.target_names[label]])


if __name__ == "__main__":
    main()

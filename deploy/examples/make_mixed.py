#!/usr/bin/env python3
"""Makes tables of any length; the same seed and numpy give the same table.

  python3 make_mixed.py --rows 5000 > churn.csv        customers: numbers, categories,
                                                       missing values, dates as text
  python3 make_mixed.py --numbers --rows 1000000       30 number columns and a target,
                                                       for benchmarks (about 280 MB)

The customers are invented; so is the reason why they leave.
"""
import argparse
import sys

import numpy

CHUNK_ROWS = 10_000
PLANS = ["basic", "plus", "premium"]
SIZES = ["S", "M", "L", "XL"]
CITIES = ["Basel", "Bern", "Chur", "Genève", "Lausanne", "Lugano", "Luzern",
          "Neuchâtel", "Sion", "St. Gallen", "Winterthur", "Zürich"]
NOTES = ["", "", "", "called twice", "moved, new address", 'said "maybe later"',
         "wants a paper bill; asked in March"]
CUSTOMER_COLUMNS = ["customer_id", "signup_date", "age", "income", "plan", "city",
                    "size", "autopay", "tickets", "usage_calls", "usage_data",
                    "usage_messages", "notes", "churned"]


def quoted(text: str) -> str:
    if any(character in text for character in ',"\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def customers(random: numpy.random.Generator, first: int, rows: int) -> str:
    """`rows` lines of the customer table, the first of them number `first`."""
    age = random.integers(18, 90, rows)
    income = random.lognormal(10.8, 0.5, rows)
    plan = random.choice(3, rows, p=[0.55, 0.3, 0.15])
    city = random.choice(12, rows, p=numpy.array([9, 7, 1, 9, 8, 2, 6, 1, 0.3, 5, 6, 12]) / 66.3)
    size = random.integers(0, 4, rows)
    autopay = random.random(rows) < 0.6
    tickets = random.poisson(1.2, rows)
    usage = random.gamma(2.0, [120.0, 8.0, 40.0], (rows, 3))
    note = random.integers(0, len(NOTES), rows)
    day = random.integers(0, 3650, rows)
    leaning = (0.9 * (plan == 0) - 1.1 * autopay + 0.45 * tickets - 0.002 * usage[:, 0]
               - 0.03 * (age - 45) + 0.4 * (city == 11) - 0.5 * numpy.log(income / 50_000))
    churned = random.random(rows) < 1 / (1 + numpy.exp(-(leaning - 0.6)))
    missing = random.random((rows, 5)) < [0.04, 0.08, 0.03, 0.02, 0.05]
    dates = numpy.datetime64("2015-01-01") + day
    lines = []
    for row in range(rows):
        gone = missing[row]
        lines.append(",".join([
            f"C{first + row:07d}", str(dates[row]),
            "" if gone[0] else str(age[row]),
            "" if gone[1] else f"{income[row]:.2f}",
            "" if gone[2] else PLANS[plan[row]],
            "NA" if gone[3] else CITIES[city[row]],
            SIZES[size[row]], "true" if autopay[row] else "false", str(tickets[row]),
            f"{usage[row, 0]:.1f}",
            "" if gone[4] else f"{usage[row, 1]:.3f}", f"{usage[row, 2]:.1f}",
            quoted(NOTES[note[row]]), "yes" if churned[row] else "no"]))
    return "\n".join(lines) + "\n"


def numbers(random: numpy.random.Generator, rows: int) -> str:
    """`rows` lines of 30 numbers, one in fifty missing, and a target of 0 or 1."""
    table = random.normal(0, 1, (rows, 30))
    leaning = table[:, 0] * table[:, 1] + table[:, 2] - 0.7 * table[:, 3] ** 2 + table[:, 4:10].sum(axis=1) / 4
    target = (leaning + random.normal(0, 0.5, rows) > 0).astype(float)
    table[random.random((rows, 30)) < 0.02] = numpy.nan
    form = ",".join(["%.6f"] * 30) + ",%d"
    rows_of_values = numpy.column_stack([numpy.where(numpy.isnan(table), 0.0, table), target]).tolist()
    gaps = numpy.isnan(table).any(axis=1)
    lines = []
    for row, values in enumerate(rows_of_values):
        line = form % tuple(values)
        if gaps[row]:
            cells = line.split(",")
            for column in numpy.flatnonzero(numpy.isnan(table[row])):
                cells[column] = ""
            line = ",".join(cells)
        lines.append(line)
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--numbers", action="store_true", help="the table for benchmarks")
    options = parser.parse_args()
    random = numpy.random.default_rng(options.seed)
    columns = [f"x{number:02d}" for number in range(30)] + ["y"] if options.numbers else CUSTOMER_COLUMNS
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    sys.stdout.write(",".join(columns) + "\n")
    for first in range(0, options.rows, CHUNK_ROWS):
        rows = min(CHUNK_ROWS, options.rows - first)
        sys.stdout.write(numbers(random, rows) if options.numbers else customers(random, first, rows))


if __name__ == "__main__":
    main()

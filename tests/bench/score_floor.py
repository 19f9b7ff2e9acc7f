#!/usr/bin/env python3
"""Scores 1,000,000 rows of 30 columns: Troupe against pandas + scikit-learn + XGBoost.

  /usr/bin/python3 tests/bench/score_floor.py [--rows 1000000] [--bin build/release/bin]

Both read the same CSV, run two fitted steps (impute by median, standardize) and
100 trees of depth 6, and write prediction and probabilities as CSV. Python does it
in one process on all cores; Troupe with one process per stage, from `troupe score`
to the file beside it. Both run one after the other, `--repeat` times in turn; the
best of each counts. Then Troupe scores five times the rows: the peak memory of its
processes must not follow. Exits with 1 when Troupe is slower or memory grows.
"""
import argparse
import os
import pathlib
import resource
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TRAIN_ROWS = 50_000
SPEC = """name: numbers
source: {path: train.csv}
roles: {target: y}
steps:
  - impute: {columns: all, strategy: median}
  - standardize: {columns: all}
model: {xgboost: {objective: binary, rounds: 100, max_depth: 6, seed: 7}}
split: {test: 0.1, seed: 7}
output: {format: csv, probabilities: true}
"""


def reference(train: str, table: str, output: str) -> None:
    """The Python side; a process of its own. Prints seconds and peak bytes."""
    import pandas
    import xgboost
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    learn = pandas.read_csv(train)
    names = [name for name in learn.columns if name != "y"]
    steps = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    features = steps.fit_transform(learn[names])
    booster = xgboost.train({"objective": "binary:logistic", "max_depth": 6, "tree_method": "hist"},
                            xgboost.QuantileDMatrix(features, label=learn.y), 100)
    started = time.monotonic()
    rows = pandas.read_csv(table)
    probability = booster.inplace_predict(steps.transform(rows[names]))
    pandas.DataFrame({"prediction": (probability >= 0.5).astype(int), "probability_0": 1 - probability,
                      "probability_1": probability}).to_csv(output, index=False)
    seconds = time.monotonic() - started
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


def make_tables(directory: pathlib.Path, rows: int) -> None:
    """The table of `rows` rows, five times that, and the one to learn from."""
    def make(name, command):
        if not (directory / name).exists():
            print(f"making {name}", flush=True)
            with open(directory / f"{name}.new", "wb") as out:
                command(out)
            (directory / f"{name}.new").rename(directory / name)
    generator = [sys.executable, str(ROOT / "deploy/examples/make_mixed.py"), "--numbers"]
    make(f"table-{rows}.csv", lambda out: subprocess.run([*generator, "--rows", str(rows)], stdout=out, check=True))
    make("train.csv", lambda out: subprocess.run([*generator, "--rows", str(TRAIN_ROWS), "--seed", "8"],
                                                 stdout=out, check=True))

    def five_times(out):
        text = (directory / f"table-{rows}.csv").read_bytes()
        out.write(text)
        for _ in range(4):
            out.write(text[text.index(b"\n") + 1:])
    make(f"table-{5 * rows}.csv", five_times)


def mib(count: float) -> str:
    return f"{count / 2**20:,.0f} MiB"


def score(company, directory, table: str):
    """Seconds of one `troupe score`, and the CLI's peak bytes."""
    output = directory / "ours.csv"
    started = time.monotonic()
    cli = subprocess.Popen([company.bin / "troupe", "score", "numbers", "--remote", "--input", table,
                            "--output", output], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                           env={**os.environ, "TROUPE_COORDINATOR": company.coordinator.address})
    _, status, usage = os.wait4(cli.pid, 0)
    seconds = time.monotonic() - started
    if status != 0:
        raise SystemExit(cli.stderr.read().decode())
    return seconds, usage.ru_maxrss * 1024


def peaks(company):
    return {actor.name: actor.stats().peak_rss_bytes for actor in company.actors}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/release/bin")
    parser.add_argument("--directory", type=pathlib.Path, default=ROOT / "build/bench")
    parser.add_argument("--skip-memory", action="store_true")
    parser.add_argument("--reference", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.reference:
        reference(*options.reference)
        return 0
    directory = options.directory.resolve()
    directory.mkdir(parents=True, exist_ok=True)
    make_tables(directory, options.rows)
    (directory / "numbers.yaml").write_text(SPEC)
    table = f"table-{options.rows}.csv"

    os.environ["TROUPE_BIN"] = str(options.bin.resolve())
    sys.path.insert(0, str(ROOT / "tests/process"))
    from company import BIN, Company
    with Company(flags={"loader": [f"--roots={directory}"]}) as company:
        company.bin = BIN
        company.troupe("train", directory / "numbers.yaml")
        ours, theirs = [], []
        for _ in range(options.repeat):
            ours.append(score(company, directory, table))
            theirs.append(tuple(map(float, subprocess.run(
                [sys.executable, __file__, "--reference", directory / "train.csv", directory / table,
                 directory / "theirs.csv"], stdout=subprocess.PIPE, text=True, check=True).stdout.split())))
        once, cli_once = peaks(company), max(peak for _, peak in ours)
        if not options.skip_memory:
            seconds_5x, cli_5x = score(company, directory, f"table-{5 * options.rows}.csv")
        often = peaks(company)

    best_ours, best_theirs = min(seconds for seconds, _ in ours), min(seconds for seconds, _ in theirs)
    ratio = best_theirs / best_ours
    total = sum(once.values()) + cli_once
    print(f"\nscore {options.rows:,} rows of 30 columns, 2 fitted steps, 100 trees of depth 6, "
          f"{os.cpu_count()} cores, best of {options.repeat}")
    print(f"  pandas + scikit-learn + xgboost  {options.rows / best_theirs:12,.0f} rows/s "
          f"{best_theirs:8.2f} s  {mib(max(peak for _, peak in theirs))} peak")
    print(f"  troupe                           {options.rows / best_ours:12,.0f} rows/s "
          f"{best_ours:8.2f} s  {mib(total)} peak, all processes together")
    print(f"  ratio                            {ratio:12.2f}   (floor 1.0, goal 4.0)")
    ok = ratio >= 1
    if not options.skip_memory:
        print(f"peak memory          {'1x':>12} {'5x':>12}   ({5 * options.rows / seconds_5x:,.0f} rows/s at 5x)")
        for name, before, after in [*((name, once[name], often[name]) for name in once),
                                    ("troupe", cli_once, cli_5x)]:
            # A tenth and 32 MiB are what an allocator may add by chance.
            grown = after > before * 1.1 + 32 * 2**20
            ok &= not grown
            print(f"  {name:<18} {mib(before):>12} {mib(after):>12}   {'GROWS' if grown else 'flat'}")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())

"""Tree ensembles: our evaluator against XGBoost's in-place predict, one thread, same model and rows."""
import json

from measuring import Row, Skip


def measure(bench) -> list:
    if not (bench.bin / "bench_trees").exists():
        raise Skip("bench_trees is not built")
    rows = []
    for shape in json.loads(bench.program("bench_trees"))["shapes"]:
        # The first is the one that the goal is stated for; the others must not lose.
        rows.append(Row("trees" if not rows else f"trees-{len(rows)}", shape["name"], "rows/s", shape["rows_per_s"],
                        shape["xgboost_rows_per_s"], "XGBoost", shape["ratios"], 1.0 if rows else 2.0,
                        note="" if rows else "3 in sight"))
    return rows

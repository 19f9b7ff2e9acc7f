"""The table of what was measured: as text, as JSON, and as pictures."""
import ast
import dataclasses
import json
import os
import pathlib
import subprocess
import time

from measuring import ROOT


@dataclasses.dataclass
class Outcome:
    """What one module of rows/ came to: rows, or why not."""
    name: str
    rows: list = dataclasses.field(default_factory=list)
    series: list = dataclasses.field(default_factory=list)
    skipped: str = ""
    failed: str = ""
    seconds: float = 0


def first_line(path: pathlib.Path) -> str:
    return (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0]


def machine() -> dict:
    cpu = next((line.partition(":")[2].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")),
               os.uname().machine)
    system = next((line.partition("=")[2].strip().strip('"') for line in open("/etc/os-release")
                   if line.startswith("PRETTY_NAME=")), "")
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True, check=False).stdout.strip()
    return {"cpu": cpu, "cores": len(os.sched_getaffinity(0)), "memory_bytes": memory, "system": system,
            "kernel": os.uname().release, "commit": commit,
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}


def figure(value: float) -> str:
    """Three significant digits, or all before the point."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _cells(row) -> list:
    low, high = row.spread
    sign = ">=" if row.higher_is_better else "<="
    return [row.name, row.what, f"{figure(row.ours)} {row.unit}", f"{figure(row.other)} {row.other_name}",
            figure(row.ratio), f"{sign} {figure(row.goal)}", f"{figure(low)}..{figure(high)}",
            "ok" if row.reached else "MISSED"]


def text(outcomes) -> str:
    """The table, what was skipped or failed, and the notes."""
    where = machine()
    lines = [["name", "what", "ours", "other", "ratio", "goal", "spread", ""]]
    for outcome in outcomes:
        lines += [_cells(row) for row in outcome.rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    said = [f"{where['cpu']}, {where['cores']} cores, {where['memory_bytes'] / 2**30:.0f} GiB, {where['system']}, "
            f"{where['commit']}", ""]
    said += ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines]
    said += [f"{outcome.name}  skipped: {outcome.skipped}" for outcome in outcomes if outcome.skipped]
    said += [f"{outcome.name}  FAILED: {outcome.failed}" for outcome in outcomes if outcome.failed]
    notes = [f"{row.name}: " + row.note.strip().replace("\n", "\n  ") for outcome in outcomes for row in outcome.rows
             if row.note]
    times = ", ".join(f"{outcome.name} {outcome.seconds:.0f} s" for outcome in outcomes)
    return "\n".join([*said, "", *notes, f"time: {times}"])


def write(outcomes, folder: pathlib.Path, stem: str) -> list:
    """STEM.json, STEM.png and a picture of each series; returns their paths."""
    written = [folder / f"{stem}.json"]
    content = {"machine": machine(), "modules": []}
    for outcome in outcomes:
        content["modules"].append({
            "name": outcome.name, "seconds": round(outcome.seconds, 1), "skipped": outcome.skipped,
            "failed": outcome.failed, "series": [dataclasses.asdict(series) for series in outcome.series],
            "rows": [{**dataclasses.asdict(row), "ratio": row.ratio, "spread": row.spread, "reached": row.reached}
                     for row in outcome.rows]})
    written[0].write_text(json.dumps(content, indent=1) + "\n")
    try:
        import matplotlib
    except ImportError:
        print("no pictures: python3-matplotlib is missing")
        return written
    matplotlib.use("Agg")
    rows = [row for outcome in outcomes for row in outcome.rows]
    if rows:
        written.append(_bars(rows, folder / f"{stem}.png"))
    return written + [_curve(series, folder / f"{series.name}.png") for outcome in outcomes
                      for series in outcome.series]


def _share_of_goal(row) -> float:
    """1 where a row just reaches its goal, more where it is better."""
    best, worst = (row.ratio, row.goal) if row.higher_is_better else (row.goal, row.ratio)
    return best / worst if worst else float("inf")


def _bars(rows, path: pathlib.Path) -> pathlib.Path:
    from matplotlib import pyplot
    drawing, axes = pyplot.subplots(figsize=(9, 1.2 + 0.32 * len(rows)))
    shares = [min(_share_of_goal(row), 10) for row in rows]
    axes.barh([row.name for row in rows], shares, color=["#2a7f62" if row.reached else "#c8553d" for row in rows])
    for place, row in enumerate(rows):
        axes.text(shares[place] + 0.03, place, f"{figure(row.ratio)} (goal {figure(row.goal)})", va="center",
                  fontsize=8)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xlim(0, max([1.2, *shares]) * 1.25)
    axes.invert_yaxis()
    where = machine()
    axes.set_xlabel("measured / goal (1: reached)")
    axes.set_title(f"{where['cpu']}, {where['cores']} cores, {where['system']}", fontsize=9)
    drawing.tight_layout()
    drawing.savefig(path, dpi=110)
    pyplot.close(drawing)
    return path


def _curve(series, path: pathlib.Path) -> pathlib.Path:
    from matplotlib import pyplot
    drawing, axes = pyplot.subplots(figsize=(7, 4))
    for name, points in series.lines.items():
        axes.plot([x for x, _ in points], [y for _, y in points], marker="o", label=name)
    if series.log_x:
        axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel(series.x_label)
    axes.set_ylabel(series.y_label)
    axes.set_title(series.what, fontsize=10)
    axes.grid(alpha=0.3)
    if len(series.lines) > 1:
        axes.legend()
    drawing.tight_layout()
    drawing.savefig(path, dpi=110)
    pyplot.close(drawing)
    return path

"""Files as people have them, read as pandas reads them: in pipeline files, by flags, and guessed."""
import io
import json
import random
import unittest

import pandas

from company import Company

TREES = {"baseline": {"objective": "binary"}}


def random_table(rng):
    """A table in a random dialect: its bytes, the flags that tell it, and pandas' words for it."""
    delimiter, decimal = rng.choice([(",", "."), (";", ","), ("\t", "."), ("|", ","), (";", ".")])
    flags, options = ["--delimiter", delimiter], {"sep": delimiter}
    if decimal != ".":
        flags, options = flags + ["--decimal", decimal], {**options, "decimal": decimal}
    encoding = rng.choice(["utf-8", "latin-1", "utf-16", "utf-16-be"])
    flags += ["--encoding", encoding]
    options["encoding"] = {"latin-1": "cp1252"}.get(encoding, encoding)
    thousands = rng.choice(["", "'", " "])
    if thousands:
        flags, options = flags + ["--thousands", thousands], {**options, "thousands": thousands}
    escape = rng.choice(["", "\\"])
    if escape:
        flags, options = flags + ["--escape", escape], {**options, "escapechar": escape}
    space = rng.choice(["", " "])
    if space:
        flags, options = flags + ["--skip-initial-space"], {**options, "skipinitialspace": True}
    flags += ["--na-values", "-99,?", "--true-values", "ja", "--false-values", "nein"]
    options.update(na_values=["-99", "?", "None"], true_values=["ja"], false_values=["nein"])
    end = rng.choice(["\n", "\r\n"])

    def number():
        whole = str(rng.randint(0, 9999)).zfill(1)
        if thousands and len(whole) > 3:
            whole = whole[:-3] + thousands + whole[-3:]
        return rng.choice([whole, f"{whole}{decimal}{rng.randint(0, 99):02}", "-99", f"-99{decimal}00"])

    def text():
        word = rng.choice(["café", "x y", "", "a" + delimiter + "b", "two" + end + "lines", 'say "hi"', "?", "O'Neil"])
        if escape and rng.random() < 0.5:
            return "".join(escape + c if c in (delimiter, '"', "\r", "\n") else c for c in word)
        return '"' + word.replace('"', '""') + '"' if any(c in word for c in (delimiter, '"', "\n")) else word

    lines = ["made by a tool", ""] if rng.random() < 0.5 else []
    if lines:
        flags, options = flags + ["--skip-rows", "2"], {**options, "skiprows": 2}
    lines.append(delimiter.join(["n", "i", "t", "b"]))
    for _ in range(200):
        cells = [number(), str(rng.randint(-100, 100)), text(), rng.choice(["ja", "nein", "True", "FALSE"])]
        if rng.random() < 0.05:
            cells = cells[:rng.randint(1, 3)] if cells[0].strip() else cells
        lines.append((delimiter + space).join(cells))
    data = end.join(lines).encode(options["encoding"])
    return data, flags, {**options, "float_precision": "round_trip"}


class Dialects(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.company = Company()
        cls.company.__enter__()
        cls.addClassCleanup(cls.company.__exit__, None, None, None)
        cls.mine = cls.company.directory / "mine"
        cls.mine.mkdir()

    def file(self, name, content):
        path = self.mine / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def test_random_dialects_are_read_as_pandas_reads_them(self):
        for seed in range(12):
            data, flags, options = random_table(random.Random(seed))
            path, out = self.file("t.csv", data), self.mine / "parsed.jsonl"
            with self.subTest(seed=seed, flags=flags):
                self.company.troupe("inspect", path, *flags, "--output", out)
                # Written as text of one alphabet: values, not spellings, are compared.
                expected = pandas.read_csv(io.BytesIO(data), **options)
                rows = [json.loads(line) for line in out.read_text().splitlines()]
                self.assertEqual(len(rows), len(expected))
                for column in expected:
                    for row, value in zip(rows, expected[column]):
                        if pandas.isna(value):
                            self.assertIsNone(row[column])
                        elif isinstance(value, str) and value in ("ja", "nein", "True", "FALSE"):
                            self.assertEqual(row[column], value in ("ja", "True"))  # A bool that may be missing.
                        else:
                            self.assertEqual(row[column], value)

    def test_a_pipeline_file_states_a_dialect_and_flags_change_it(self):
        table = "".join(f"{i % 7},{i},{'ja' if i % 2 else 'nein'};\n".replace(",", "|") for i in range(80))
        self.file("t.txt", "about\n" + table.replace(";", ""))
        spec = self.file("p.yaml", """
name: dialect
source:
  path: t.txt
  format: csv
  csv: {delimiter: "|", quote: "", skip_rows: 1, names: [x, i, y], true_values: [ja], false_values: [nein]}
roles: {target: y, drop: [i]}
model: {baseline: {objective: binary}}
""")
        self.company.troupe("train", spec)
        new = self.file("new.txt", "about\nx;i;y\n1;2;ja\n3\n\"4;5;nein\n")
        out = self.mine / "scored.csv"
        done = self.company.troupe("score", "dialect", "--input", new, "--output", out, "--delimiter", ";",
                                   "--header", "--on-bad-row", "reject", "--max-rejects", "0.5", code=5)
        self.assertIn("1 short row (row 2, line 4)", done.stderr)
        self.assertEqual(len(out.read_text().splitlines()), 3)
        failed = self.company.troupe("score", "dialect", "--input", new, "--output", out, "--delimiter", ";",
                                     "--header", "--on-short-row", "fail", "--on-bad-row", "reject",
                                     "--max-rejects", "1", code=1)
        self.assertIn("expected 3 fields, saw 1", failed.stderr)

    def test_short_rows_are_in_the_manifest(self):
        self.company.write("short.csv", "a,b\n1,one\n2,tw\ro\n3,three\n")
        job = self.company.run(kind="INSPECT", source={"path": "short.csv"}, write_output=True)
        for rows in (job.report.short_rows, job.manifest.short_rows):
            self.assertEqual((rows.count, rows.row, rows.line, rows.file), (1, 2, 4, "short.csv"))
        self.assertIn("1 short row (row 3, line 4)",
                      self.company.troupe("inspect", self.company.data / "short.csv").stdout)
        self.assertEqual(self.company.fail(kind="INSPECT",
                                           source={"path": "short.csv", "csv": {"on_short_row": "FAIL"}})[2], "BAD_INPUT")

    def test_inspect_shows_the_first_rows_it_would_reject_beyond_the_preview(self):
        rows = "".join(f"{i},2{',3' if i >= 900 else ''}\n" for i in range(1000))
        shown = self.company.troupe("inspect", self.file("late.csv", "a,b\n" + rows)).stdout
        self.assertIn("row 900: BAD_ROW: late.csv:902:7: expected 2 fields, saw 3", shown)
        self.assertIn("and 95 more", shown)
        all_bad = self.company.troupe("inspect", self.file("bad.csv", "a,b\n" + "1,2,\n" * 1000), code=1)
        self.assertIn("expected 2 fields, saw 3", all_bad.stderr)

    def test_too_many_rejects_shows_the_first_five(self):
        self.company.write("many.csv", "a,b\n" + "1,2,3\n" * 10 + "1,2\n" * 10)
        _, message, reason, _ = self.company.fail(
            kind="INSPECT", source={"path": "many.csv", "on_bad_row": "REJECT", "max_rejects": 0.1}, write_output=True)
        self.assertEqual(reason, "TOO_MANY_REJECTS")
        self.assertEqual(message.count("expected 2 fields, saw 3"), 5)

    def test_nested_json_that_nobody_asks_for_is_ignored(self):
        self.company.write("n.jsonl", "".join(
            json.dumps({"x": i % 5, "y": i % 2, "meta": {"src": [i]}}) + "\n" for i in range(60)))
        spec = {"name": "nested", "source": {"path": "n.jsonl"}, "model": TREES, "split": {"test": 0.2}}
        self.company.run(kind="TRAIN", spec={**spec, "roles": {"target": "y", "drop": ["meta"]}})
        job = self.company.run(kind="SCORE", pipeline="nested", source={"path": "n.jsonl"})
        self.assertEqual(job.manifest.rows_ok, 60)
        message = self.company.fail(kind="TRAIN", spec={**spec, "roles": {"target": "y"}})[1]
        self.assertIn('column "meta" holds an object', message)
        shown = self.company.troupe("inspect", self.company.data / "n.jsonl")
        self.assertIn('column "meta" holds objects or arrays', shown.stderr)
        self.assertIn("60 rows, 3 columns", shown.stdout)

    def test_a_guess_can_be_pasted(self):
        path = self.file("export.dat", "a;b\n" + "'x;y';1,5\n" * 20)
        shown = self.company.troupe("inspect", path).stdout
        self.assertIn("20 rows, 2 columns", shown)
        guess = next(line for line in shown.splitlines() if line.startswith("source:"))
        self.file("p2.yaml", "name: pasted\n" + guess.replace("{", "{path: export.dat, ", 1) +
                  "\nsteps: [{one_hot: {columns: [a]}}, {one_hot: {columns: [b]}}]\n")
        self.company.troupe("train", self.mine / "p2.yaml")


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""Writes tests/golden/csv: CSV files, and in cases.json what pandas reads from them.

Run it with a Python that has pandas (Debian: python3-pandas); it needs no
arguments. tests/unit/loader/csv_golden_test.cc compares the loader's view.

Types are those of the values alone: pandas turns integers into floats and bools
into objects where a value is missing, the loader does not. So each column is
read twice, the second time without its missing cells.
"""

import csv
import io
import json
import pathlib
import random
import struct

import pandas

FOLDER = pathlib.Path(__file__).resolve().parent / "csv"
# pandas 1.5 lacks "None", which later versions treat as missing.
READ = {"float_precision": "round_trip"}


def options_of(case):
    """The case's dialect in pandas' words."""
    dialect = case.get("csv", {})
    options = dict(READ, sep=dialect.get("delimiter", "\t" if case["file"].endswith(".tsv") else ","))
    for ours, theirs in (("decimal", "decimal"), ("quote", "quotechar"), ("comment", "comment"),
                         ("keep_default_na", "keep_default_na"), ("escape", "escapechar"),
                         ("skip_rows", "skiprows"), ("names", "names"), ("skip_initial_space", "skipinitialspace"),
                         ("thousands", "thousands"), ("true_values", "true_values"),
                         ("false_values", "false_values"), ("encoding", "encoding")):
        if ours in dialect:
            options[theirs] = dialect[ours]
    if dialect.get("quote") == "":
        del options["quotechar"]
        options["quoting"] = csv.QUOTE_NONE
    if options.get("encoding") == "latin-1":
        options["encoding"] = "cp1252"
    if dialect.get("header") and "names" in dialect:
        options["header"] = 0
    na_values = list(dialect.get("na_values", []))
    if dialect.get("keep_default_na", True):
        na_values.append("None")
    options["na_values"] = na_values
    if dialect.get("header", True) is False:
        options["header"] = None
    return options


def shown(value):
    """A value as the C++ test prints it."""
    if isinstance(value, str):
        return value
    if isinstance(value, (bool,)) or type(value).__name__ == "bool_":
        return "true" if value else "false"
    if float(value) in (float("inf"), float("-inf")):
        return "inf" if value > 0 else "-inf"
    if isinstance(value, float):
        return "%.17g" % value
    return str(int(value))


def read_column(texts, options):
    """Type and values of cells that are not missing, as pandas infers them."""
    if not texts:
        return "float64", []
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL)
    writer.writerow(["x"])
    writer.writerows([text] for text in texts)
    values = {key: options[key] for key in ("decimal", "thousands", "true_values", "false_values") if key in options}
    frame = pandas.read_csv(io.StringIO(buffer.getvalue()), keep_default_na=False, **values, **READ)
    kind = {"int64": "int64", "float64": "float64", "bool": "bool"}.get(str(frame.dtypes[0]), "string")
    values = texts if kind == "string" else frame["x"].tolist()
    return kind, [shown(value) for value in values]


def expectation(case):
    """What the loader should say of the case's file."""
    options = options_of(case)
    path = FOLDER / case["file"]
    text = pandas.read_csv(path, dtype=str, **options)
    # Numbers among na_values count by value, but only in columns of numbers.
    read = pandas.read_csv(path, **options)
    for position, kind in enumerate(read.dtypes):
        if kind in ("int64", "float64"):
            text.iloc[:, position] = text.iloc[:, position].mask(read.iloc[:, position].isna())
    columns = []
    for position, name in enumerate(text.columns):
        cells = text.iloc[:, position]
        present = [cell for cell in cells if isinstance(cell, str)]
        kind, values = read_column(present, options)
        values = iter(values)
        columns.append({
            "name": str(name),
            "type": "string" if len(text) == 0 else kind,
            "values": [next(values) if isinstance(cell, str) else "<missing>" for cell in cells],
        })
    return columns


def random_double(rng):
    while True:
        value = struct.unpack("<d", rng.getrandbits(64).to_bytes(8, "little"))[0]
        if value == value and abs(value) != float("inf"):
            return value


def many_floats():
    rng = random.Random(17)
    lines = ["long,short,exponent,int"]
    for _ in range(300):
        lines.append("%.17g,%.3f,%e,%d" % (random_double(rng), rng.gauss(0, 100), rng.gauss(0, 1) * 10 ** rng.randint(-30, 30),
                                           rng.randint(-2**63, 2**63 - 1)))
    return "\n".join(lines) + "\n"


def mixed():
    rng = random.Random(5)
    words = ["red", "green", 'dark "blue"', "a, b", "line\nbreak", " padded ", "Zürich", "東京", "NA", "", "None", "0x10"]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["id", "word", "score", "flag", "maybe", "zip"])
    for i in range(200):
        writer.writerow([i, rng.choice(words), rng.choice(["", "nan", "%.6g" % rng.random(), "1e3", " 7 "]),
                         rng.choice(["True", "false", "TRUE"]), rng.choice(["True", "False", ""]),
                         "%05d" % rng.randint(0, 99999)])
    return out.getvalue()


CASES = [
    ("mixed.csv", mixed(), {}),
    ("floats.csv", many_floats(), {}),
    ("crlf.csv", mixed().replace("\n", "\r\n"), {}),
    ("cr.csv", "a,b,c\r1,x,\r2,,0.5\r\r3,\"q\rr\",1\r", {}),
    ("bom.csv", "\ufeffa,b\n1,é\n", {}),
    ("tabs.tsv", "a\tb\tc\n1\tx,y\t\n2\t\"t\tu\"\t-.5\n", {}),
    ("semicolon.csv", "a;b;c\n1,5;2;x\n-0,25;3;'y;z'\n,5;NA;\"\n", {"delimiter": ";", "decimal": ",", "quote": "'"}),
    ("comment.csv", "# top\na,b\n1,2# c\n#\n\n3,4\n5,#6\n", {"comment": "#"}),
    ("own_na.csv", "a,b,c\n?,-999,x\n1,-999.0,?\n2,5,NA\n", {"na_values": ["?", "-999"]}),
    ("no_default_na.csv", "a,b\nNA,1\n,\nnull,3\n", {"keep_default_na": False, "na_values": ["-"]}),
    ("no_header.csv", "1,x\n2,y\n", {"header": False}),
    ("names.csv", "a,a,a.1,,b,b,,a\n1,2,3,4,5,6,7,8\n", {}),
    ("blank_lines.csv", "\n\na,b\n\n1,2\n   \n\t\n3,4\n\n", {}),
    ("short_rows.csv", "a,b,c\n1\n2,3\n4,5,6\n", {}),
    ("one_column.csv", "a\n1\n\"\"\n\nNA\n4", {}),
    ("header_only.csv", "a,b\n", {}),
    ("numbers.csv", "plus,spaces,zeros,dots,infinite,hex,underscore,exponent,limits,dangling\n"
     "+1, 1 ,007,1.,inf,0x10,1_000,1e5,9223372036854775807,1e\n"
     "-1,\t2,-0,.5,-Infinity,0xff,2_000,1E-5,-9223372036854775808,2\n"
     "+0,3\x0b,00,-.5,+iNf,1,3,1e+05,0,3\n", {}),
    ("bools.csv", "lower,upper,mixed,with_int,with_missing,spaced\ntrue,TRUE,tRuE,true,True, true\n"
     "false,FALSE,FaLsE,1,,false\n", {}),
    ("all_na.csv", "a," + ",".join("w%d" % i for i in range(18)) + "\n1,"
     "#N/A,#N/A N/A,#NA,-1.#IND,-1.#QNAN,-NaN,-nan,1.#IND,1.#QNAN,<NA>,N/A,NA,NULL,NaN,None,n/a,nan,null\n", {}),
    ("quotes.csv", 'a,b,c\n"x"y,"p""q"r,s"t"\n"1","2.5","true"\n""\"q"\"",,""\n', {}),
    ("value_na.csv", "float,int,text,flag,none\n-99.00,-99,-99,-99.0,-99.00\n-99.9,-99.0,-99.0,true,-99\n"
     "-99.90,7,-99.00,false,\n1.5,4,x,-99,-99.9\n-9.9e1,1,-99.9,true,NA\n", {"na_values": ["-99", "-9.99e1"]}),
    ("value_na_quoted.csv", 'a,b\n"-99.00",1\n-099.,"-99"\n2.5,3\n', {"na_values": ["-99"]}),
    ("value_na_comma.csv", "a;b\n-99,0;1\n1,5;-99\n-99,5;2\n", {"delimiter": ";", "decimal": ",",
                                                               "na_values": ["-99", "-99.5"]}),
    ("titles.tsv", 'id\ttitle\n1\t"Alien\n2\tHeat\n3\t"Jaws\n4\tU"p"\n', {"quote": ""}),
    ("escape.csv", 'a,b\n1\\,2,"x\\"y"\nq\\\nr,3\n\\"x,y\n"a\\\\",\\N\n"p""q\\\n\\"",z\n"a"\\b,c\n', {"escape": "\\"}),
    ("escape_only.csv", 'a,b\n1\\,2,"x\n3,\\\\\n', {"escape": "\\", "quote": ""}),
    ("escape_comment.csv", 'a,b\n1\\#2,x#c\n"x"#c,\\\\#\n#\\\n4,5\n', {"escape": "\\", "comment": "#"}),
    ("after_quote.csv", 'a,b\n"x"#c,2\n"x"y#c,3\n', {"comment": "#"}),
    ("latin1.csv", "name,city\nJos\u00e9,K\u00f6ln\n\u20ac 5,\u201cq\u201d\n", {"encoding": "latin-1"}),
    ("utf16.csv", "name,n\nJos\u00e9,1\n\u6771\u4eac,2\n\U0001f600,3\n", {"encoding": "utf-16"}),
    ("utf16be.csv", "name,n\r\nJos\u00e9,1\r\n\"\u6771\r\n\u4eac\",2\r\n", {"encoding": "utf-16-be"}),
    ("utf16le.csv", "name,n\nJos\u00e9,1\n\u0a0a\u0d0a,2\n", {"encoding": "utf-16-le"}),
    ("skip_rows.csv", 'made, by a tool\n\n# on a day\na,b\n1,2\n', {"skip_rows": 3}),
    ("skip_quoted.csv", 'about,"two\nlines"\nx "y\na,b\n1,2\n', {"skip_rows": 2}),
    ("skip_crlf.csv", 'x\r\n\r\ny\rz\na,b\r\n1,2\r\n', {"skip_rows": 4}),
    ("own_names.csv", "1,x\n2,y\n", {"names": ["n", "word"]}),
    ("new_names.csv", "a,b\n1,x\n2,y\n", {"names": ["n", "word"], "header": True}),
    ("more_names.csv", "1,x\n2,y\n", {"names": ["n", "word", "more"]}),
    ("initial_space.csv", 'a, b,  c\n1,  x, "p, q"\n  2,\ty,  " r"\n  "3", "a" b,\n4, , 5 \n', {"skip_initial_space": True}),
    ("aligned.csv", 'a  b     c\n1  22   "x y"\n10 2  z\n', {"delimiter": " ", "skip_initial_space": True}),
    ("thousands.csv", 'a;b;c;d;e;f\n1,234;1,234.5;1,,2;1,,2.5;,1;1,2e1\n7;5;1,234,567;5;2;1.2,3\n-1,000;1,;+1,0,0;3;3;-1,1\n',
     {"delimiter": ";", "thousands": ","}),
    ("thousands_quoted.csv", 'a,b\n"1,234","2,345.5"\n12,"1"\n', {"thousands": ","}),
    ("thousands_space.csv", "a;b\n1 234;1 234,5\n 7;5 \n", {"delimiter": ";", "decimal": ",", "thousands": " "}),
    ("own_bools.csv", "a,b,c,d\nyes,no,1,yes\nTrue,no,0,maybe\nyes,FALSE,1,no\n",
     {"true_values": ["yes", "1"], "false_values": ["no", "0"]}),
    ("own_bools_case.csv", "a,b\nyes,no\nNO,no\n", {"true_values": ["yes"], "false_values": ["no"]}),
]


def main():
    FOLDER.mkdir(exist_ok=True)
    cases = []
    for name, text, dialect in CASES:
        encoding = {"latin-1": "cp1252"}.get(dialect.get("encoding"), dialect.get("encoding", "utf-8"))
        (FOLDER / name).write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        case = {"file": name, "csv": dialect}
        case["columns"] = expectation(case)
        cases.append(case)
    out = json.dumps(cases, ensure_ascii=False, indent=None, separators=(",", ":"))
    (FOLDER / "cases.json").write_text(out.replace('{"file"', '\n{"file"') + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

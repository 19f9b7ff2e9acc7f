#!/usr/bin/env python3
"""Fails where a message becomes bytes without a look at its size: Protobuf answers
one of 2 GiB with an empty string. services/table/serialize.h answers an error.
usage: serialize.py ROOT
"""
import pathlib
import re
import sys

UNCHECKED = re.compile(r"(\.|->)(Serialize|Append)(Partial)?(AsString|To[A-Z]\w*)\(")
CHECKED = "services/table/serialize.cc"

root = pathlib.Path(sys.argv[1])
bad = [f"{path.relative_to(root)}:{number}: use Serialize of services/table/serialize.h"
       for top in ("services", "client") for path in sorted((root / top).rglob("*.*"))
       if path.suffix in {".h", ".cc"} and path != root / CHECKED
       for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
       if UNCHECKED.search(line)]
print("\n".join(bad))
sys.exit(bool(bad))

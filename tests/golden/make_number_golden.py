#!/usr/bin/python3
"""Writes number_text.golden: doubles as 16 hex digits, and Python's repr."""
import pathlib
import random
import struct

random.seed(7)
values = [0.0, -0.0, 0.1, 1.0, 1e-07, 1e-05, 0.0001, 1e15, 1e16, 1e20, 123456.789,
          9999999999999998.0, 1e22, 1e23, 5e-324, 1.7976931348623157e308,
          float("inf"), float("-inf"), 2 / 3, 100.0, 12345678901234567.0]
for _ in range(2000):
    values.append(struct.unpack("<d", struct.pack("<Q", random.getrandbits(64)))[0])
    values.append(round(random.uniform(-1e6, 1e6), random.randint(0, 9)))
    values.append(random.uniform(-1, 1) * 10.0 ** random.randint(-8, 20))
values = [v for v in values if v == v]
out = pathlib.Path(__file__).with_name("number_text.golden")
out.write_text("".join(f"{struct.pack('>d', v).hex()} {v!r}\n" for v in values))

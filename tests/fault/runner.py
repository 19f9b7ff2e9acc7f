"""Runs the fault tests, one after the other, and says what it measured.

Where everything must be there (CI is set), what a machine lacks is a failure.
"""
import argparse
import os
import pathlib
import random
import signal
import sys
import tempfile
import time
import traceback

import controls
import kills
import operations
import order
import pauses
import poison
import pressure
import storage
from fleet import Skipped, Templates

MODULES = (order, kills, pauses, storage, operations, pressure, poison)


class Run:
    """What a test gets: randomness of its own, counts, the templates."""

    def __init__(self, options, templates):
        self.long = options.long
        self.seed = options.seed
        self.templates = templates
        self.state = templates.state
        self.random = random.Random(options.seed)

    def count(self, short, long):
        return long if self.long else short

    def golden(self, rows, without=()):
        return self.templates.golden(rows, without)

    def begin(self, name):
        self.random = random.Random(f"{self.seed} {name}")


def tests():
    return {name.removeprefix("test_"): getattr(module, name)
            for module in MODULES for name in vars(module) if name.startswith("test_")}


def one(name, test, run):
    """"passed", "failed" or "skipped"; prints a line."""
    begin = time.monotonic()
    run.begin(name)
    try:
        verdict, words = "passed", test(run)
    except Skipped as skipped:
        verdict, words = ("failed" if os.environ.get("CI") else "skipped"), str(skipped)
    except Exception as error:  # pylint: disable=broad-except
        verdict, words = "failed", f"{type(error).__name__}: {error}"
        traceback.print_exc()
    print(f"{verdict:8}{name:34}{time.monotonic() - begin:6.1f} s  {words}", flush=True)
    return verdict


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--short", dest="long", action="store_false", help="reduced counts (the default)")
    form.add_argument("--long", action="store_true", help="the full counts")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append", default=[], metavar="NAME")
    parser.add_argument("--list", action="store_true", help="prints the tests' names")
    parser.add_argument("--controls", type=pathlib.Path, metavar="DIR", help="coordinators that must fail")
    parser.set_defaults(long=False)
    options = parser.parse_args()
    chosen = controls.tests(options.controls) if options.controls else tests()
    if options.only:
        chosen = {name: test for name, test in chosen.items() if name in options.only}
        if unknown := set(options.only) - set(chosen):
            parser.error(f"no such test: {', '.join(sorted(unknown))}")
    if options.list:
        print("\n".join(chosen))
        return 0
    verdicts = {}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))  # Through every `with`.
    with tempfile.TemporaryDirectory(prefix="troupe-templates-") as directory:
        run = Run(options, Templates(directory))
        print(f"seed {options.seed}, {'long' if options.long else 'short'} form, {len(chosen)} tests", flush=True)
        for name, test in chosen.items():
            verdicts[name] = one(name, test, run)
    of = {verdict: [name for name, got in verdicts.items() if got == verdict]
          for verdict in ("passed", "failed", "skipped")}
    for verdict in ("failed", "skipped"):
        if of[verdict]:
            print(f"{verdict}: {', '.join(of[verdict])}")
    print(f"{len(of['passed'])} passed, {len(of['failed'])} failed")
    return 1 if of["failed"] or not of["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())

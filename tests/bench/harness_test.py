"""The table tells what was reached, missed, skipped, and what failed."""
import contextlib
import io
import pathlib
import tempfile
import time
import types
import unittest
from unittest import mock

import report
import run
from measuring import Bench, Row, Skip


def row(ratios, goal, **more) -> Row:
    return Row("name", "what", "rows/s", 10, 5, "other", ratios, goal, **more)


class Harness(unittest.TestCase):
    def outcome(self, measure, seconds=10.0) -> report.Outcome:
        """Of a module whose measure() is this."""
        bench = Bench(pathlib.Path(), pathlib.Path())
        module = types.SimpleNamespace(measure=measure)
        with contextlib.redirect_stderr(io.StringIO()), \
                mock.patch.object(run.importlib, "import_module", return_value=module):
            return run.measure("module", bench, seconds)

    def test_the_median_decides_and_the_spread_is_shown(self):
        line = report.text([self.outcome(lambda bench: [row([1, 3, 2], 2)])]).splitlines()[3]
        self.assertRegex(line, r" 2 +>= 2 +1\.\.3 +ok$")

    def test_a_missed_goal_is_marked_and_no_failure(self):
        for missed in (row([1, 1, 9], 2), row([3, 3, 1], 2, higher_is_better=False)):
            outcome = self.outcome(lambda bench, missed=missed: [missed])
            self.assertTrue(report.text([outcome]).splitlines()[3].endswith("MISSED"))
            self.assertEqual(outcome.failed, "")

    def test_what_is_missing_is_said(self):
        def measure(bench):
            raise Skip("python3-grpcio is missing")
        outcome = self.outcome(measure)
        self.assertIn("module  skipped: python3-grpcio is missing", report.text([outcome]))
        self.assertEqual(outcome.failed, "")

    def test_an_error_fails_its_module(self):
        outcome = self.outcome(lambda bench: 1 / 0)
        self.assertIn("ZeroDivisionError", outcome.failed)
        self.assertIn("module  FAILED: ZeroDivisionError", report.text([outcome]))

    def test_no_module_takes_longer_than_is_left(self):
        started = time.monotonic()
        outcome = self.outcome(lambda bench: time.sleep(60), seconds=0.1)
        self.assertIn("TimeoutError", outcome.failed)
        self.assertLess(time.monotonic() - started, 30)

    def test_rows_and_failures_are_written(self):
        with tempfile.TemporaryDirectory() as name:
            outcomes = [self.outcome(lambda bench: [row([2.5], 2)]), self.outcome(lambda bench: 1 / 0)]
            with mock.patch.dict("sys.modules", {"matplotlib": None}), \
                    contextlib.redirect_stdout(io.StringIO()) as said:
                written = report.write(outcomes, pathlib.Path(name), "results")
            self.assertIn("python3-matplotlib is missing", said.getvalue())
            text = written[0].read_text()
        self.assertIn('"ratio": 2.5', text)
        self.assertIn("ZeroDivisionError", text)


if __name__ == "__main__":
    unittest.main()

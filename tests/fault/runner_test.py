"""A fault that cannot be made is skipped at home, and a failure where everything must be there."""
import os
import unittest
import unittest.mock

import runner
from fleet import Skipped


class Run:
    def begin(self, name):
        """As the runner's."""


def lacks_something(_run):
    raise Skipped("no strace here")


class Skips(unittest.TestCase):
    def verdict(self, **environment):
        kept = {name: value for name, value in os.environ.items() if name != "CI"}
        with unittest.mock.patch.dict(os.environ, {**kept, **environment}, clear=True):
            return runner.one("test", lacks_something, Run())

    def test_are_skips_at_home(self):
        self.assertEqual(self.verdict(), "skipped")

    def test_are_failures_under_ci(self):
        self.assertEqual(self.verdict(CI="true"), "failed")


if __name__ == "__main__":
    unittest.main()

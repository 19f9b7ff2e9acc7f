"""What the loader keeps of a pass for the next changes nothing but the time."""
import json
import re
import unittest

from company import Company
from replicas_test import SMALL, TRAINED, big_table

ROWS = 60_000  # 3 MB, in splits of 128 KiB.


class Cache(unittest.TestCase):
    def train(self, replicas=1, flags=(), spec=TRAINED):
        """What was learned, and how many kept tables the loaders have found."""
        with Company(replicas={"loader": replicas}, flags={**SMALL, "loader": list(flags)}) as company:
            company.write("train.csv", big_table(ROWS))
            company.run(kind="TRAIN", spec=spec)
            shown = json.loads(company.troupe("show", "numbers", "--json").stdout)
            found = 0
            for loader in company.running("loader"):
                loader.process.terminate()
                self.assertEqual(loader.wait(), 0, loader.tail())
                for count in re.findall(r"tables kept were read again.*?tables\W+(\d+)", loader.log.read_text()):
                    found += int(count)
            return [hop["artifact"] for hop in shown["hops"] if hop.get("artifact")], shown["report"]["test"], found

    def test_the_same_is_learned_whatever_fits(self):
        artifacts, measured, found = self.train(flags=["--cache_bytes=0"])
        self.assertEqual(len(artifacts), 2)
        self.assertEqual(found, 0)
        splits = len(big_table(ROWS)) // (128 << 10)  # Read in two passes of Observe, and by the Fit.
        for name, replicas, flags, expected in (("all of it", 1, [], range(2 * splits, 10 * splits)),
                                                ("a part of it", 1, ["--cache_bytes=1000000"], range(2, splits)),
                                                ("two replicas", 2, [], range(2 * splits, 10 * splits))):
            with self.subTest(name):
                got_artifacts, got_measured, got_found = self.train(replicas, flags)
                self.assertEqual(got_artifacts, artifacts)
                self.assertEqual(got_measured, measured)
                self.assertIn(got_found, expected)

    def test_rows_for_early_stopping_are_kept_too(self):
        spec = {**TRAINED, "split": {"test": 0.1, "validation": 0.2, "seed": 7},
                "model": {"xgboost": {**TRAINED["model"]["xgboost"], "early_stopping": 3}}}
        artifacts, measured, found = self.train(flags=["--cache_bytes=0"], spec=spec)
        self.assertEqual(found, 0)
        splits = len(big_table(ROWS)) // (128 << 10)
        got_artifacts, got_measured, got_found = self.train(spec=spec)
        self.assertEqual(got_artifacts, artifacts)
        self.assertEqual(got_measured, measured)
        self.assertGreaterEqual(got_found, 2 * splits)


if __name__ == "__main__":
    unittest.main()

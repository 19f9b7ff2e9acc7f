"""A Fit that lasts does not hold up what else a model is asked."""
import unittest

from company import Company, coordinator_pb2, wait_for
from replicas_test import SMALL, TRAINED, big_table, train

# Far longer than any test: it ends because it is cancelled.
ENDLESS = {**TRAINED, "name": "endless",
           "model": {"xgboost": {"objective": "binary", "rounds": 100_000, "max_depth": 6}}}


class Lanes(unittest.TestCase):
    def test_scoring_goes_on_beside_a_long_fit(self):
        with Company(flags=SMALL) as company:
            train(company)
            company.write("new.csv", big_table(50_000))
            score = {"kind": "SCORE", "pipeline": "numbers", "source": {"path": "new.csv"}}
            expected = company.output(company.run(**score))

            model, = company.running("model")
            fitting = company.create(kind="TRAIN", spec=ENDLESS).id
            wait_for(lambda: self.fits(model) == 1, "the fit begins")
            for _ in range(3):
                self.assertEqual(company.output(company.run(**score)), expected)
            self.assertEqual(company.get(fitting).state, coordinator_pb2.RUNNING)
            self.assertEqual(self.fits(model), 1)

            # A cancelled job's Fit ends, too, and its lane is free again.
            company.stub.CancelJob(coordinator_pb2.CancelJobRequest(id=fitting), timeout=60)
            self.assertEqual(company.finish(fitting).state, coordinator_pb2.CANCELLED)
            wait_for(lambda: self.fits(model) == 0, "the fit ends")
            train(company)

    @staticmethod
    def fits(model) -> int:
        return sum(lane.in_flight for lane in model.stats().lanes if lane.name == "fit")


if __name__ == "__main__":
    unittest.main()

"""The state directory: what a start takes, what it refuses, and what it never removes."""
import shutil
import signal
import unittest

from company import Company, coordinator_pb2

SPEC = {"name": "n", "source": {"path": "train.csv"}, "roles": {"target": "y"},
        "model": {"xgboost": {"objective": "binary", "rounds": 3, "max_depth": 2}}, "split": {"test": 0.2}}
ROWS = "x,z,y\n" + "".join(f"{i % 97},{i * i % 101},{i % 2}\n" for i in range(300))


def files(company):
    """Everything of jobs, by name."""
    return sorted(str(path.relative_to(company.state)) for name in ("output", "artifacts", "uploads")
                  for path in (company.state / name).rglob("*") if path.is_file())


def stop(company):
    company.coordinator.process.send_signal(signal.SIGTERM)
    company.coordinator.wait()


def refused(company) -> str:
    """What a start says that refuses the directory."""
    try:
        company.start_coordinator()
    except AssertionError:
        actor = company.actors[-1]
        actor.killed = True
        assert actor.wait() == 1, actor.tail()
        return actor.tail()
    raise AssertionError("it started")


class LostDatabase(unittest.TestCase):
    def setUp(self):
        self.company = self.enterContext(Company())
        self.company.write("train.csv", ROWS)
        self.company.run(kind="TRAIN", spec=SPEC)
        self.job = self.company.run(kind="SCORE", pipeline="n", source={"path": "train.csv"})
        self.company.stub.Upload(iter([coordinator_pb2.UploadRequest(name="mine.csv", content=ROWS.encode())]))
        self.before = files(self.company)
        stop(self.company)
        self.saved = self.company.directory / "saved"
        shutil.copytree(self.company.state, self.saved)

    def test_a_missing_database_is_refused_and_nothing_removed(self):
        for path in self.company.state.glob("troupe.db*"):
            path.unlink()
        self.assertIn("DATABASE_MISSING", refused(self.company))
        self.assertEqual(files(self.company), self.before)
        shutil.copytree(self.saved, self.company.state, dirs_exist_ok=True)
        self.company.start_coordinator()
        self.assertEqual(self.company.get(self.job.id).state, coordinator_pb2.SUCCEEDED)

    def test_an_older_or_foreign_database_is_refused(self):
        self.company.start_coordinator().port
        self.company.run(kind="SCORE", pipeline="n", source={"path": "train.csv"})
        stop(self.company)
        now = files(self.company)
        shutil.copy(self.saved / "troupe.db", self.company.state)
        self.assertIn("DATABASE_BEHIND", refused(self.company))
        other = self.company.directory / "other"
        self.company.start_coordinator(state=other).port
        stop(self.company)
        shutil.copy(other / "troupe.db", self.company.state)
        self.assertIn("DATABASE_FOREIGN", refused(self.company))
        self.assertEqual(files(self.company), now)

    def test_what_no_table_knows_is_moved_and_published_output_stays(self):
        state = self.company.state
        for name in ("uploads/0123456789ab", "artifacts/" + "a" * 64, "output/0123456789ab.tmp/part-00000.csv",
                     "output/ba9876543210/part-00000.csv"):
            (state / name).parent.mkdir(parents=True, exist_ok=True)
            (state / name).write_text("somebody's")
        self.company.start_coordinator().port
        self.assertEqual(files(self.company), sorted([*self.before, "output/ba9876543210/part-00000.csv"]))
        self.assertEqual(sorted(path.name for path in (state / "lost+found").iterdir()),
                         ["artifacts-" + "a" * 64, "output-0123456789ab.tmp", "uploads-0123456789ab"])
        self.assertIn("lost+found/uploads-0123456789ab", self.company.coordinator.tail())

    def test_anything_is_taken_when_the_user_says_so_and_still_nothing_removed(self):
        for path in self.company.state.glob("troupe.db*"):
            path.unlink()
        self.company.start_coordinator(flags=["--accept_state"]).port
        kept = [name for name in self.before if name.startswith("output/")]
        self.assertEqual(files(self.company), kept)
        lost = [path for path in (self.company.state / "lost+found").rglob("*") if path.is_file()]
        self.assertEqual(len(lost) + len(kept), len(self.before))


if __name__ == "__main__":
    unittest.main()

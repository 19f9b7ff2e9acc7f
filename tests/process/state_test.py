"""The state directory: what a start takes, what it refuses, and what it never removes."""
import hashlib
import itertools
import shutil
import signal
import subprocess
import threading
import unittest

import grpc

from company import Company, coordinator_pb2, error_info, wait_for

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
        self.company.upload("mine.csv", ROWS.encode())
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


class Kept(unittest.TestCase):
    def setUp(self):
        self.company = self.enterContext(Company())
        self.company.write("train.csv", ROWS)
        self.company.run(kind="TRAIN", spec=SPEC)

    def score(self):
        return self.company.run(kind="SCORE", pipeline="n", source={"path": "train.csv"})

    def test_what_is_written_is_the_owners_alone(self):
        self.score()
        self.company.upload("mine.csv", b"x,z\n1,2\n")
        open_to_others = [str(path) for path in [self.company.state, *self.company.state.rglob("*")]
                          if path.stat().st_mode & 0o077]
        self.assertEqual(open_to_others, [])

    def test_a_flag_opens_output_to_a_group(self):
        self.company.start_coordinator(flags=["--output_mode=0640"], state=self.company.directory / "open").port
        self.company.run(kind="TRAIN", spec=SPEC)
        output = self.company.directory / "open/output" / self.score().id
        self.assertEqual(output.stat().st_mode & 0o777, 0o750)
        self.assertEqual({path.stat().st_mode & 0o777 for path in output.iterdir()}, {0o640})

    def test_an_upload_agrees_with_its_last_word_and_goes_with_success(self):
        message, content = coordinator_pb2.UploadRequest, b"x,z\n1,2\n"
        for end in ([message(end=coordinator_pb2.UploadEnd(bytes=len(content), sha256="0" * 64))],
                    [message(end=coordinator_pb2.UploadEnd(
                        bytes=99, sha256=hashlib.sha256(content).hexdigest()))]):
            with self.assertRaises(grpc.RpcError) as refused:
                self.company.stub.Upload(iter([message(name="a.csv", content=content), *end]))
            self.assertEqual(error_info(refused.exception)[0], "UPLOAD_INCOMPLETE")
        uploads = self.company.state / "uploads"
        left = threading.Event()
        call = self.company.stub.Upload.future(
            itertools.chain([message(name="a.csv", content=content)], iter(left.wait, True)))
        wait_for(lambda: list(uploads.iterdir()), "an upload arrives")
        call.cancel()
        left.set()
        wait_for(lambda: not list(uploads.iterdir()), "what broke off is gone")
        unused = self.company.upload("unused.csv", content).id
        used = self.company.upload("used.csv", content).id
        self.company.run(kind="SCORE", pipeline="n", upload=used)
        wait_for(lambda: [path.name for path in uploads.iterdir()] == [unused], "the job's upload is gone")
        self.assertIn("unused.csv", self.company.troupe("uploads").stdout)
        self.company.troupe("uploads", "--delete", unused)
        self.assertEqual(list(uploads.iterdir()), [])

    def test_lists_have_pages(self):
        for _ in range(2):
            self.company.run(kind="TRAIN", spec=SPEC)
        request = coordinator_pb2.ListPipelinesRequest(name="n", page_size=2)
        first = self.company.stub.ListPipelines(request)
        self.assertEqual([each.version for each in first.pipelines], [1, 2])
        request.page_token = first.next_page_token
        second = self.company.stub.ListPipelines(request)
        self.assertEqual(([each.version for each in second.pipelines], second.next_page_token), ([3], ""))

    def test_the_oldest_output_goes_beyond_the_limit(self):
        # Larger than what a start adds to the database.
        self.company.write("wide.csv", "x,z\n" + "".join(f"{i % 97},{i * i % 101}\n" for i in range(100_000)))
        jobs = [self.company.run(kind="SCORE", pipeline="n", source={"path": "wide.csv"}) for _ in range(3)]
        stop(self.company)
        output = sum(path.stat().st_size for path in (self.company.state / "output" / jobs[0].id).iterdir())
        held = sum(path.stat().st_size for path in self.company.state.rglob("*") if path.is_file())
        self.company.start_coordinator(flags=[f"--max_state_bytes={held - output - output // 2}"]).port
        root = self.company.state / "output"
        wait_for(lambda: [path.name for path in root.iterdir()] == [jobs[2].id], "the two oldest are gone", 60)
        self.assertIn("state: database", self.company.troupe("status").stdout)

    def test_a_backup_under_load_is_restored_whole(self):
        done = self.score()
        running = [self.company.create(kind="SCORE", pipeline="n", source={"path": "train.csv"}) for _ in range(5)]
        backup, restored = self.company.directory / "backup", self.company.directory / "restored"
        self.company.troupe("backup", backup)
        running += [self.company.create(kind="SCORE", pipeline="n", source={"path": "train.csv"}) for _ in range(2)]
        self.company.troupe("backup", backup, code=1)
        subprocess.run(["sha256sum", "--quiet", "-c", "backup.sha256"], cwd=backup, check=True)
        self.company.stub.DeleteJob(coordinator_pb2.DeleteJobRequest(id=done.id))
        for job in running:
            self.company.finish(job.id)
        self.company.troupe("restore", backup, restored)
        self.company.troupe("restore", backup, restored, code=1)
        stop(self.company)
        self.company.start_coordinator(state=restored).port
        expected = self.company.output(self.company.get(done.id))
        for job in running[:5]:
            self.assertEqual(self.company.output(self.company.finish(job.id)), expected)

    def test_a_damaged_backup_is_not_restored(self):
        backup, restored = self.company.directory / "backup", self.company.directory / "restored"
        self.company.troupe("backup", backup)
        artifact = next((backup / "artifacts").iterdir())
        artifact.write_bytes(artifact.read_bytes()[:-1] + b"?")
        self.assertIn("not as it was saved", self.company.troupe("restore", backup, restored, code=1).stderr)
        self.assertFalse(restored.exists())

    def test_a_pipeline_is_carried_to_another_coordinator(self):
        expected = self.company.output(self.score())
        file = self.company.directory / "n.pipeline"
        self.company.troupe("export", "n@1", file)
        stop(self.company)
        self.company.start_coordinator(state=self.company.directory / "other").port
        self.assertEqual(self.company.troupe("import", file).stdout, "n@1\n")
        self.assertEqual(self.company.output(self.score()), expected)
        content = file.read_bytes()
        file.write_bytes(content[:-100] + b"?" + content[-99:])
        self.assertIn("SHA-256", self.company.troupe("import", file, code=2).stderr)


if __name__ == "__main__":
    unittest.main()

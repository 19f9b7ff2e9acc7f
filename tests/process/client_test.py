"""What the README shows to callers of other languages works as it is written."""
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import unittest

from company import BIN, EXAMPLES, ROOT, Company, coordinator_pb2, scratch_directory, wait_for


def readme_block(first_words: str) -> str:
    """The fenced block of the README that begins with these words."""
    for block in re.findall(r"```\w*\n(.*?)```", (ROOT / "README.md").read_text(), re.S):
        if block.startswith(first_words):
            return block
    raise AssertionError(f"the README has no block that begins with {first_words!r}")


class Readme(unittest.TestCase):
    def test_ten_lines_of_python_list_the_jobs(self):
        script = readme_block("import grpc")
        self.assertLessEqual(len(script.strip().splitlines()), 10)
        with Company() as company, scratch_directory() as directory:
            job = company.run(kind="INSPECT", source={"path": "cancer.csv"})
            stubs = readme_block("mkdir -p build/python").replace("build/python", str(directory))
            subprocess.run(["bash", "-ec", stubs], cwd=ROOT, check=True)
            script = script.replace("localhost:50050", company.coordinator.address)
            done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True,
                                  env={**os.environ, "PYTHONPATH": str(directory)})
            self.assertIn(job.id, done.stdout)
            self.assertIn("SUCCEEDED", done.stdout)

    def test_curl_predicts_rows(self):
        command = readme_block("curl").strip()
        with Company(start_coordinator=False) as company:
            port_file = company.directory / "http.port"
            company.start_coordinator(["--http_port=0", f"--http_port_file={port_file}"])
            company.troupe("train", EXAMPLES / "cancer.yaml")
            command = command.replace("50080", port_file.read_text().strip()).replace("curl", "curl -s", 1)
            done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=True)
            answers = json.loads(done.stdout)["rows"]
            self.assertEqual([row["prediction"] for row in answers], ["malignant", "benign", "malignant"])
            lines = company.troupe("predict", "cancer", "--input", EXAMPLES / "cancer.jsonl").stdout.splitlines()
            self.assertEqual([json.loads(line) for line in lines], answers)

    @unittest.skipUnless(shutil.which("grpcurl"), "grpcurl is not installed")
    def test_grpcurl_lists_the_jobs(self):
        command = readme_block("grpcurl").strip().splitlines()[0]
        with Company() as company:
            job = company.run(kind="INSPECT", source={"path": "cancer.csv"})
            command = command.replace("localhost:50050", company.coordinator.address)
            done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=True)
            self.assertIn(job.id, done.stdout)


class CommandLine(unittest.TestCase):
    """`troupe`, from the first command to the last."""

    def test_train_score_evaluate_transform_inspect(self):
        with Company() as company:
            trained = company.troupe("train", EXAMPLES / "cancer.yaml").stdout
            self.assertIn("cancer@1", trained)
            self.assertIn("accuracy", trained)
            predictions = company.directory / "out" / "predictions.csv"
            predictions.parent.mkdir()
            company.troupe("score", "cancer", "--input", EXAMPLES / "cancer.csv", "--output", predictions)
            lines = predictions.read_text().splitlines()
            self.assertEqual(lines[0], "sample,prediction,probability_benign,probability_malignant")
            self.assertEqual(len(lines), 570)
            self.assertIn("roc_auc", company.troupe("evaluate", "cancer", "--input",
                                                    EXAMPLES / "cancer.csv").stdout)
            features = company.directory / "features.csv"
            company.troupe("transform", "cancer", "--input", EXAMPLES / "cancer.csv", "--output", features)
            self.assertEqual(len(features.read_text().splitlines()), 570)
            self.assertIn("mean radius", company.troupe("inspect", EXAMPLES / "cancer.csv").stdout)
            self.assertIn("2019-04-17", company.troupe("inspect", EXAMPLES / "churn.csv").stdout)
            self.assertIn('"2019-04-17"', company.troupe("inspect", EXAMPLES / "churn.csv", "--json").stdout)
            for command in (["jobs"], ["status"], ["pipelines"], ["show", "cancer"]):
                with self.subTest(command=command):
                    self.assertTrue(company.troupe(*command).stdout.strip())
                    company.troupe(*command, "--json")
            # Nothing but the results lies beside the results.
            self.assertEqual([path.name for path in predictions.parent.iterdir()], ["predictions.csv"])

    def test_compressed_files_that_only_the_client_has_are_uploaded(self):
        import gzip
        with Company() as company:
            company.troupe("train", EXAMPLES / "churn.yaml")
            mine = company.directory / "elsewhere" / "mine.csv.gz"
            mine.parent.mkdir()
            mine.write_bytes(gzip.compress((EXAMPLES / "churn.csv").read_bytes()))
            for name, source in {"a.csv": mine, "b.csv": EXAMPLES / "churn.csv"}.items():
                company.troupe("score", "churn", "--input", source, "--output", company.directory / name)
            self.assertEqual((company.directory / "a.csv").read_bytes(),
                             (company.directory / "b.csv").read_bytes())

    def test_output_is_written_as_its_name_says_and_wholly(self):
        import gzip
        with Company() as company:
            company.troupe("train", EXAMPLES / "churn.yaml")
            score = ["score", "churn", "--input", EXAMPLES / "churn.csv", "--output"]
            for name in ("a.csv", "a.csv.gz", "a.tsv"):
                company.troupe(*score, company.directory / name)
            plain = (company.directory / "a.csv").read_bytes()
            self.assertEqual(gzip.decompress((company.directory / "a.csv.gz").read_bytes()), plain)
            self.assertEqual((company.directory / "a.tsv").read_bytes().replace(b"\t", b","), plain)
            company.troupe(*score, company.directory / "a.parquet", code=2)
            company.troupe(*score, "/dev/full", code=1)
            # Standard output that is full, and a reader that left.
            said = f"{BIN / 'troupe'} {' '.join(map(str, score))} -"
            for shell in (f"{said} > /dev/full", f"({said}; echo $? >&2) | true", f"{BIN / 'troupe'} jobs > /dev/full"):
                done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=False,
                                      env={**os.environ, "TROUPE_COORDINATOR": company.coordinator.address})
                code = int(done.stderr.split()[-1]) if "echo" in shell else done.returncode
                self.assertEqual(code, 1, done.stderr)

    def test_a_lost_connection_is_told_and_found_again(self):
        with Company(start_coordinator=False) as company:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            company.start_coordinator([f"--port={port}"])
            company.troupe("train", EXAMPLES / "churn.yaml")
            company.running("model")[0].kill()  # So that scoring waits.
            company.publish()
            output = company.directory / "p.csv"
            score = subprocess.Popen(
                [BIN / "troupe", "score", "churn", "--coordinator", company.coordinator.address, "--input",
                 EXAMPLES / "churn.csv", "--output", output], stderr=subprocess.PIPE, text=True)
            wait_for(lambda: len(company.stub.ListJobs(coordinator_pb2.ListJobsRequest()).jobs) == 2, "it scores")
            for end in ("kill", "stop"):
                if end == "kill":
                    company.coordinator.kill()
                else:
                    company.coordinator.process.terminate()
                self.assertTrue(any("trying again" in line for line in iter(score.stderr.readline, "")), end)
                company.coordinator.process.wait()
                company.start_coordinator([f"--port={port}"])
                self.assertTrue(any("answers again" in line for line in iter(score.stderr.readline, "")), end)
            company.add("model")
            score.stderr.read()
            self.assertEqual(score.wait(), 0)
            self.assertEqual(len(output.read_text().splitlines()), len((EXAMPLES / "churn.csv").read_text().splitlines()))
            # Nobody answers any more: that is said at once, and how to go on.
            company.coordinator.kill()
            done = subprocess.run([BIN / "troupe", "watch", "j", "--coordinator", f"127.0.0.1:{port}"],
                                  capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 3)
            self.assertIn("troupe watch j", done.stderr)
            self.assertNotIn("trying again", done.stderr)


if __name__ == "__main__":
    unittest.main()

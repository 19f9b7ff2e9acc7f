"""The command line as a client: its commands, its files, its connection."""
import os
import subprocess
import unittest

import grpc

from company import BIN, EXAMPLES, PATIENCE_S, Company, coordinator_pb2, free_port, wait_for


class Reflection(unittest.TestCase):
    def services(self, actor):
        """What the server reflection lists; None where there is none."""
        call = actor.channel.stream_stream("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                                           lambda message: message, lambda message: message)
        try:
            return next(call(iter([b"\x3a\x00"]), timeout=PATIENCE_S))
        except grpc.RpcError as error:
            self.assertEqual(error.code(), grpc.StatusCode.UNIMPLEMENTED)
            return None

    def test_it_is_there_only_where_it_is_asked_for(self):
        for flag in ([], ["--reflection=false"], ["--reflection"]):
            names = ("loader", "preprocessor", "model", "coordinator")
            # The company's coordinator has --reflection; the last flag counts.
            with self.subTest(flag=flag), Company(flags={name: flag for name in names},
                                                  start_coordinator=False) as company:
                company.start_coordinator(["--reflection=false", *flag])
                for actor in company.actors:
                    self.assertEqual(self.services(actor) is not None, flag == ["--reflection"], actor.name)


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

    def test_an_output_on_this_machine_is_not_copied_until_it_is_fetched_again(self):
        with Company() as company:
            company.troupe("train", EXAMPLES / "churn.yaml")
            output, again = company.directory / "p.csv", company.directory / "again.csv"
            company.troupe("score", "churn", "--input", EXAMPLES / "churn.csv", "--output", output)
            self.assertEqual(output.stat().st_nlink, 2)
            job = company.stub.ListJobs(coordinator_pb2.ListJobsRequest()).jobs[0].id
            company.troupe("fetch", job, "--output", again)
            self.assertEqual((again.read_bytes(), again.stat().st_nlink), (output.read_bytes(), 1))
            # What is changed in place is changed for the coordinator, too: that is found out.
            with open(output, "r+b") as file:
                file.write(b"*")
            self.assertIn("SHA-256", company.troupe("fetch", job, "--output", again, code=1).stderr)

    def test_a_lost_connection_is_told_and_found_again(self):
        with Company(start_coordinator=False) as company:
            port = free_port()
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

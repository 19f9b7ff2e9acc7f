"""Rows that are answered at once: the same as in a file, whoever asks beside them."""
import csv
import json
import random
import threading
import unittest
import urllib.error
import urllib.request

import grpc

from company import EXAMPLES, Company, coordinator_pb2, error_info, wait_for


def rows_of(path, count):
    """Rows of a CSV file as JSON objects: numbers as numbers, empty fields as null."""
    def value(text):
        if text in ("", "NA"):
            return None
        try:
            return json.loads(text)
        except ValueError:
            return text
    with open(path, newline="") as file:
        return [{name: value(text) for name, text in row.items()} for row, _ in zip(csv.DictReader(file), range(count))]


def ask(company, pipeline, lines, **options):
    return company.stub.Predict(coordinator_pb2.PredictRequest(pipeline=pipeline, json_lines="\n".join(lines).encode()),
                                **{"timeout": 60, **options})


class Predict(unittest.TestCase):
    def scored(self, company, pipeline, lines):
        """The lines of the same rows in a file that is scored."""
        path = company.write("rows.jsonl", "".join(line + "\n" for line in lines))
        job = company.run(kind="SCORE", pipeline=pipeline, source={"path": path}, output={"format": "JSONL", "probabilities": True})
        return b"".join(piece.content for part in job.manifest.parts for piece in company.stub.ReadOutput(
            coordinator_pb2.ReadOutputRequest(id=job.id, part=part.name))).decode().splitlines()

    def test_a_row_is_the_same_as_in_a_file_and_beside_any_others(self):
        with Company() as company:
            for name, target in {"cancer": "diagnosis", "churn": "churned"}.items():
                company.troupe("train", EXAMPLES / f"{name}.yaml")
                rows = rows_of(EXAMPLES / f"{name}.csv", 120)
                for row in rows[::2]:
                    row.pop(target, None)  # Nobody knows it yet.
                lines = [json.dumps(row) for row in rows]
                expected = self.scored(company, name, lines)
                self.assertEqual(len(expected), len(lines))
                self.assertEqual([row.json for row in ask(company, name, lines).rows], expected)
                # One by one, by many callers at once.
                answers = [None] * len(lines)
                def call(first):
                    for i in range(first, len(lines), 8):
                        response = ask(company, f"{name}@1", [lines[i]])
                        self.assertEqual(response.pipeline, f"{name}@1")
                        answers[i] = response.rows[0].json
                callers = [threading.Thread(target=call, args=(i,)) for i in range(8)]
                for caller in callers:
                    caller.start()
                for caller in callers:
                    caller.join()
                self.assertEqual(answers, expected)

    def test_a_bad_row_is_its_own_error(self):
        with Company() as company:
            company.troupe("train", EXAMPLES / "churn.yaml")
            good = rows_of(EXAMPLES / "churn.csv", 4)
            lines = [json.dumps(row) for row in good]
            wrong = json.dumps({**good[0], "age": "old"})
            nameless = json.dumps({name: value for name, value in good[0].items() if name != "age"})
            mixed = ask(company, "churn", [lines[0], wrong, "{", lines[1], nameless]).rows
            alone = [ask(company, "churn", [line]).rows[0].json for line in lines[:2]]
            self.assertEqual([mixed[0].json, mixed[3].json], alone)
            self.assertEqual([row.error.reason for row in (mixed[1], mixed[2])], ["TYPE_MISMATCH", "BAD_ROW"])
            self.assertIn('"age"', mixed[1].error.message)
            # Another row named the column: here it is a missing value.
            self.assertEqual(mixed[4].json, ask(company, "churn", [json.dumps({**good[0], "age": None})]).rows[0].json)
            missing = ask(company, "churn", [nameless, "{}"]).rows
            self.assertEqual([row.error.reason for row in missing], ["MISSING_COLUMN"] * 2)
            self.assertIn('"age"', missing[0].error.message)
            for request, code, reason in (
                    (("nobody", lines), grpc.StatusCode.NOT_FOUND, "PIPELINE_NOT_FOUND"),
                    (("churn@9", lines), grpc.StatusCode.NOT_FOUND, "PIPELINE_NOT_FOUND"),
                    (("churn", []), grpc.StatusCode.INVALID_ARGUMENT, "BAD_SPEC"),
                    (("churn", ["{}"] * 8193), grpc.StatusCode.INVALID_ARGUMENT, "BAD_SPEC")):
                with self.assertRaises(grpc.RpcError) as refused:
                    ask(company, *request)
                self.assertEqual((refused.exception.code(), error_info(refused.exception)[0]), (code, reason))
            command = company.troupe("predict", "churn", lines[0], wrong, code=5)
            self.assertEqual(command.stdout.splitlines(), [alone[0], "null"])
            self.assertIn("row 2: TYPE_MISMATCH", command.stderr)

    def test_a_new_version_answers_as_soon_as_it_is_stored(self):
        with Company() as company:
            company.troupe("train", EXAMPLES / "cancer.yaml")
            line = json.dumps(rows_of(EXAMPLES / "cancer.csv", 1)[0])
            self.assertEqual(ask(company, "cancer", [line]).pipeline, "cancer@1")
            company.troupe("train", EXAMPLES / "cancer.yaml")
            self.assertEqual(ask(company, "cancer", [line]).pipeline, "cancer@2")
            for version in (1, 2):
                company.troupe("label", f"cancer@{version}", "champion")
                self.assertEqual(ask(company, "cancer@champion", [line]).pipeline, f"cancer@{version}")
            self.assertIn("PIPELINE_LABELLED", company.troupe("delete", "cancer@2", "--json", code=1).stdout)
            self.assertIn("champion", company.troupe("pipelines").stdout)
            self.assertEqual(len(company.troupe("label", "cancer").stdout.splitlines()), 3)
            company.troupe("label", "cancer", "champion", "--remove")
            company.troupe("delete", "cancer@2")
            self.assertEqual(ask(company, "cancer", [line]).pipeline, "cancer@1")

    def test_a_killed_model_under_load_gives_no_wrong_answer(self):
        with Company(replicas={"model": 2}) as company:
            company.troupe("train", EXAMPLES / "cancer.yaml")
            lines = [json.dumps(row) for row in rows_of(EXAMPLES / "cancer.csv", 50)]
            expected = [row.json for row in ask(company, "cancer", lines).rows]
            failures, over = [], threading.Event()
            answered = [0]
            def call(seed):
                chance = random.Random(seed)
                while not over.is_set():
                    i = chance.randrange(len(lines))
                    try:
                        if ask(company, "cancer", [lines[i]]).rows[0].json != expected[i]:
                            failures.append("a wrong answer")
                        answered[0] += 1
                    except grpc.RpcError as error:
                        failures.append(str(error))
            callers = [threading.Thread(target=call, args=(i,)) for i in range(4)]
            for caller in callers:
                caller.start()
            wait_for(lambda: answered[0] > 100, "the load has begun")
            company.running("model")[0].kill()
            before = answered[0]
            wait_for(lambda: answered[0] > before + 200, "it goes on")
            over.set()
            for caller in callers:
                caller.join()
            self.assertEqual(failures, [])

    def test_curl_asks_by_http(self):
        with Company(start_coordinator=False) as company:
            port_file = company.directory / "http.port"
            company.start_coordinator(["--http_port=0", f"--http_port_file={port_file}"])
            company.troupe("train", EXAMPLES / "churn.yaml")
            rows = rows_of(EXAMPLES / "churn.csv", 3)
            expected = [json.loads(row.json) for row in ask(company, "churn", map(json.dumps, rows)).rows]
            port = int(port_file.read_text())

            def post(name, body, host="localhost"):
                request = urllib.request.Request(f"http://127.0.0.1:{port}/predict/{name}", body.encode(), {"Host": host})
                try:
                    with urllib.request.urlopen(request, timeout=60) as answer:
                        return answer.status, json.load(answer)
                except urllib.error.HTTPError as error:
                    return error.code, json.load(error)

            for body in (json.dumps(rows), json.dumps(rows, indent=1), "\n".join(map(json.dumps, rows))):
                self.assertEqual(post("churn", body), (200, {"pipeline": "churn@1", "rows": expected}))
            status, answer = post("churn@1", json.dumps({**rows[0], "age": "{old"}))
            self.assertEqual((status, answer["rows"][0]["error"]["reason"]), (200, "TYPE_MISMATCH"))
            for name, body, code, reason in (("nobody", "{}", 404, "PIPELINE_NOT_FOUND"), ("churn", "", 400, "BAD_SPEC"),
                                             ("churn", "[{}", 400, "BAD_SPEC"), ("churn", "[1]", 400, "BAD_SPEC")):
                status, answer = post(name, body)
                self.assertEqual((status, answer["error"]["reason"]), (code, reason))
            self.assertEqual(post("churn", "{}", host="evil.example")[0], 403)
            with self.assertRaises(urllib.error.HTTPError) as missing:
                urllib.request.urlopen(f"http://localhost:{port}/", timeout=60)
            self.assertEqual(missing.exception.code, 404)

    def test_without_a_replica_it_says_so_at_once(self):
        with Company() as company:
            company.troupe("train", EXAMPLES / "cancer.yaml")
            line = json.dumps(rows_of(EXAMPLES / "cancer.csv", 1)[0])
            ask(company, "cancer", [line])
            company.running("model")[0].kill()
            def refused():
                try:
                    ask(company, "cancer", [line])
                except grpc.RpcError as error:
                    return (error.code(), error_info(error)[0]) == (grpc.StatusCode.UNAVAILABLE, "NO_REPLICA")
            wait_for(refused, "Predict names the stage without a replica")

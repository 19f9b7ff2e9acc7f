"""The command line in a terminal and in a shell: widths, colours, progress, completion."""
import fcntl
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import termios
import unittest

from company import BIN, EXAMPLES, PATIENCE_S, Company, coordinator_pb2, free_port, wait_for

ESCAPE = re.compile(r"\x1b\[[0-9;]*[a-zA-Z]")


def in_terminal(company, *words, width=80, code=0, until=None, **environment):
    """What `troupe WORDS` writes to a terminal, and on it nothing is read. Ctrl-C
    ends it where the expression `until` was seen."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    inherited = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS")}
    process = subprocess.Popen(
        [BIN / "troupe", *map(str, words)], stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
        cwd=company.directory,
        env={**inherited, "TERM": "xterm", "TROUPE_COORDINATOR": company.coordinator.address, **environment})
    os.close(theirs)
    text = b""
    while True:
        try:
            more = os.read(ours, 65536)
        except OSError:  # The terminal's last user has left.
            break
        if not more:
            break
        text += more
        if until and re.search(until, text.decode(errors="replace")):
            process.send_signal(signal.SIGINT)
            until, code = None, 130
    os.close(ours)
    assert until is None, text
    text = text.decode().replace("\r\n", "\n")
    assert process.wait(PATIENCE_S) == code, text
    return text


class Terminal(unittest.TestCase):
    def test_tables_fit_the_terminal_and_are_whole_elsewhere(self):
        with Company() as company:
            path = company.write("a-table-with-a-name-that-is-far-too-long-for-it.csv", "a,b\n1,2\n")
            company.run(kind="INSPECT", source={"path": path})
            for command in (["jobs"], ["status"], ["inspect", EXAMPLES / "cancer.csv"]):
                for width, environment in ((100, {}), (60, {}), (100, {"COLUMNS": "50"})):
                    with self.subTest(command=command, width=width, environment=environment):
                        text = in_terminal(company, *command, width=width, **environment)
                        most = int(environment.get("COLUMNS", width))
                        tables = text.split("state: ")[0] if command == ["status"] else text
                        for line in re.split(r"[\r\n]", ESCAPE.sub("", tables)):
                            if not line.startswith(("jobs: ", "! ")):
                                self.assertLessEqual(len(line), most, line)
            self.assertNotIn(path, in_terminal(company, "jobs", width=70))
            self.assertIn("...", in_terminal(company, "jobs", width=70))
            whole = company.troupe("jobs").stdout
            self.assertIn(path[:30], whole)

    def test_colours_are_for_terminals_that_want_them(self):
        with Company() as company:
            company.run(kind="INSPECT", source={"path": "cancer.csv"})
            self.assertIn("\x1b[32msucceeded\x1b[0m", in_terminal(company, "jobs"))
            self.assertIn("\x1b[31mtroupe:\x1b[0m", in_terminal(company, "show", "nobody", code=1))
            for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
                self.assertNotIn("\x1b", in_terminal(company, "jobs", **environment))
                self.assertNotIn("\x1b[3", in_terminal(company, "show", "nobody", code=1, **environment))
            self.assertNotIn("\x1b", in_terminal(company, "inspect", EXAMPLES / "cancer.csv", TERM="dumb"))
            self.assertNotIn("\x1b", company.troupe("jobs").stdout)

    def test_training_shows_passes_rounds_and_the_time_left(self):
        with Company(flags={"coordinator": ["--split_bytes=8192"], "loader": ["--cache_bytes=0"]}) as company:
            spec = (EXAMPLES / "cancer.yaml").read_text()
            # So many that the training is seen, however quick it is.
            rounds = re.sub(r"rounds: \d+", "rounds: 90000", re.sub(r"early_stopping: \d+", "early_stopping: 0", spec))
            self.assertIn("rounds: 90000", rounds)
            file = company.directory / "long.yaml"
            file.write_text(rounds)
            rows = (EXAMPLES / "cancer.csv").read_text().splitlines(keepends=True)
            (company.directory / "cancer.csv").write_text(rows[0] + "".join(rows[1:]) * 60)
            text = in_terminal(
                company, "train", file, width=120,
                until=r"fit model  \[#*\.*\]  \d+ %  [\d,]+ rows  round [\d,]+ of 90,000  ETA [\d:]+\d\d")
            self.assertRegex(text, r"fit preprocessor \(pass 1 of \d+\)")
            company.troupe("cancel", re.search(r"^(\S+) +train", company.troupe("jobs").stdout, re.M)[1])
            trained = company.run(kind="TRAIN", spec={
                "name": "short", "source": {"path": "cancer.csv"}, "roles": {"target": "diagnosis", "drop": ["sample"]},
                "steps": [{"standardize": {"columns": {"names": ["mean radius"]}}}],
                "model": {"xgboost": {"objective": "binary", "rounds": 30}}})
            journal = company.troupe("journal", trained.id).stdout
            self.assertRegex(journal, r"PASS_DONE  fit preprocessor \(pass 1 of \d+\): [\d,]+ rows read, 0 rejected, ")
            self.assertRegex(journal, r"FIT_DONE  fit model \(30 rounds\): ")

    def test_a_sent_file_has_its_bar_and_its_total_from_the_start(self):
        with Company(flags={"coordinator": ["--split_bytes=65536"]}) as company:
            company.troupe("train", EXAMPLES / "churn.yaml")
            rows = (EXAMPLES / "churn.csv").read_text().splitlines(keepends=True)
            table = company.directory / "large.csv"
            table.write_text(rows[0] + "".join(rows[1:]) * 40)
            text = in_terminal(company, "score", "churn", "--input", table, "--output", "p.csv", width=100)
            self.assertRegex(text, r"upload  \[[#.]{24}\]  \d+ %  .* of ")
            self.assertRegex(text, r"upload  \[#{24}\]  100 %")
            sent = company.upload("large.csv", table.read_bytes())
            job = company.create(kind="SCORE", pipeline="churn", upload=sent.id)
            for seen in company.stub.WatchJob(coordinator_pb2.WatchJobRequest(id=job.id), timeout=PATIENCE_S):
                if seen.state == coordinator_pb2.RUNNING and seen.progress.phase == "score":
                    self.assertEqual(seen.progress.bytes_total, table.stat().st_size)


class Status(unittest.TestCase):
    def test_it_says_what_work_waits_for_and_what_helps(self):
        with Company() as company:
            company.troupe("train", EXAMPLES / "churn.yaml")
            self.assertNotIn("\n! ", company.troupe("status").stdout)
            company.running("model")[0].kill()
            company.publish()
            job = company.create(kind="SCORE", pipeline="churn", source={"path": "churn.csv"}).id
            wait_for(lambda: company.get(job).state == coordinator_pb2.STALLED, "it is stalled")
            said = company.troupe("status").stdout
            self.assertRegex(said, r"! no replica of model is serving \(none (is found|of those found) at file:")
            self.assertRegex(said, r"start troupe-model --port 0 .* line of /")
            self.assertIn(f"! job {job} is stalled: no replica of model", said)
            self.assertIn("1 of them stalled", said)
            self.assertIn(job, company.troupe("jobs", "churn", "--state", "stalled").stdout)
            self.assertNotIn(job, company.troupe("jobs", "--kind", "train").stdout)
            company.add("model")
            company.finish(job)
            self.assertNotIn("\n! ", company.troupe("status").stdout)


class Fetch(unittest.TestCase):
    def test_it_goes_on_over_a_coordinators_death_and_in_a_new_run(self):
        with Company(start_coordinator=False) as company:
            port = free_port()
            company.start_coordinator([f"--port={port}"])
            company.troupe("train", EXAMPLES / "churn.yaml")
            rows = (EXAMPLES / "churn.csv").read_text().splitlines(keepends=True)
            company.write("large.csv", rows[0] + "".join(rows[1:]) * 400)
            job = company.run(kind="TRANSFORM", pipeline="churn", source={"path": "large.csv"})
            whole = company.output(job)

            def fetch(name, *more):
                return subprocess.Popen(
                    [BIN / "troupe", "fetch", job.id, "--coordinator", company.coordinator.address, "--output",
                     company.directory / name, *more], stderr=subprocess.PIPE, text=True)

            def begun(name):
                return [path for path in company.directory.glob(f"{name}.*.troupe-partial") if path.stat().st_size]

            def again():
                company.coordinator.process.wait()
                company.start_coordinator([f"--port={port}"])

            first = fetch("a.csv")
            wait_for(lambda: begun("a.csv") or first.poll() is not None, "some of it is there")
            company.coordinator.kill()
            again()
            self.assertEqual(first.wait(PATIENCE_S), 0, first.stderr.read())
            self.assertEqual((company.directory / "a.csv").read_bytes(), whole)
            # One that dies, and one that loses its coordinator for good.
            for name, stop in (("b.csv", lambda process: process.kill()),
                               ("c.csv", lambda process: company.coordinator.kill())):
                process = fetch(name, "--retry-for", "0")
                wait_for(lambda: begun(name) or process.poll() is not None, "some of it is there")
                stop(process)
                process.wait(PATIENCE_S)
                process.stderr.close()
                if company.coordinator.killed:
                    again()
                kept = [path.stat().st_size for path in begun(name)]
                company.troupe("fetch", job.id, "--output", company.directory / name)
                self.assertEqual((company.directory / name).read_bytes(), whole, kept)
                self.assertEqual(begun(name), [])
            first.stderr.close()


class Dash(unittest.TestCase):
    """What is called "-" is standard input or output."""

    def test_everything_is_read_and_written_by_pipes(self):
        with Company() as company:
            def pipe(text, *words):
                done = subprocess.run(
                    [BIN / "troupe", *map(str, words), "--coordinator", company.coordinator.address], input=text,
                    capture_output=True, check=False, cwd=EXAMPLES)
                self.assertIn(done.returncode, (0, 5), (words, done.stderr))
                return done.stdout
            spec = (EXAMPLES / "churn.yaml").read_bytes()
            table = (EXAMPLES / "churn.csv").read_bytes()
            import gzip
            self.assertIn(b"churn@1", pipe(spec, "train", "-"))
            self.assertIn(b"churn@2", pipe(gzip.compress(table), "train", EXAMPLES / "churn.yaml", "--data", "-"))
            plain = pipe(table, "score", "churn", "--input", "-", "--output", "-")
            self.assertEqual(plain.count(b"\n"), table.count(b"\n"))
            self.assertEqual(pipe(gzip.compress(table), "score", "churn", "--input", "-", "--output", "-"), plain)
            self.assertIn(b"columns", pipe(b'{"a": 1}\n', "inspect", "-"))
            self.assertIn(b"baseline", pipe(table, "evaluate", "churn", "--input", "-"))
            rejects = pipe(table + b"more,fields,than,there,are,columns,1,2,3,4,5,6,7,8,9,10,11\n", "score", "churn",
                           "--input", "-", "--output", "/dev/null", "--rejects", "-")
            self.assertEqual(rejects.count(b"\n"), 1, rejects)
            carried = pipe(b"", "export", "churn@1", "-")
            self.assertIn(b"churn@3", pipe(carried, "import", "-"))


class Shells(unittest.TestCase):
    def complete(self, company, line):
        script = f"""
            eval "$({BIN / 'troupe'} completion bash)"
            COMP_LINE={line!r} COMP_POINT=${{#COMP_LINE}}
            read -ra COMP_WORDS <<<"$COMP_LINE"
            [[ $COMP_LINE == *' ' ]] && COMP_WORDS+=("")
            COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
            _troupe
            printf '%s\\n' "${{COMPREPLY[@]}}"
        """
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, cwd=EXAMPLES, env={
            **os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "TROUPE_COORDINATOR": company.coordinator.address})
        self.assertEqual(done.stderr, "")
        return sorted(done.stdout.split())

    def test_bash_completes_commands_options_jobs_pipelines_and_files(self):
        with Company() as company:
            company.troupe("train", EXAMPLES / "churn.yaml")
            job = company.run(kind="INSPECT", source={"path": "cancer.csv"}).id
            self.assertEqual(self.complete(company, "troupe sco"), ["score"])
            self.assertEqual(self.complete(company, "troupe score --thr"), ["--threshold"])
            self.assertEqual(self.complete(company, "troupe score churn --format j"), ["jsonl"])
            self.assertEqual(self.complete(company, "troupe score "), ["churn", "churn@1"])
            self.assertEqual(self.complete(company, f"troupe fetch {job[:-1]}"), [job])
            self.assertEqual(self.complete(company, "troupe train chu"), ["churn.csv", "churn.yaml"])
            self.assertEqual(self.complete(company, "troupe score --coordinator 127.0.0.1:1 "), [])

    def test_every_shell_takes_its_script(self):
        for shell, check in (("bash", ["-n"]), ("zsh", ["-n"]), ("fish", ["--no-execute"])):
            if shutil.which(shell) is None:
                continue
            with self.subTest(shell=shell):
                script = subprocess.run([BIN / "troupe", "completion", shell], capture_output=True, check=True).stdout
                done = subprocess.run([shell, *check], input=script, capture_output=True, check=False)
                self.assertEqual((done.returncode, done.stderr), (0, b""))


if __name__ == "__main__":
    unittest.main()

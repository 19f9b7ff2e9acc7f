"""All that the README shows works as it is written.

Each of its blocks is run here, or by what is named beside it: a new one that
nobody runs fails.
"""
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import unittest

from company import BIN, EXAMPLES, ROOT, Company, scratch_directory

TEXT = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", TEXT, re.S)

# The first words of each block, and who runs it where it is not this file.
RUN_ELSEWHERE = {
    "deploy/quickstart.sh": "tests/run.sh --all",
    "docker compose up": "tests/docker/run.sh",
    "troupe, grpcurl": "a drawing",
    "proto/troupe/v1/": "a map: test_what_it_names_is_there",
    "deploy/install_dependencies.sh": "tests/run.sh, and test_what_it_names_is_there",
}


def block(first_words: str) -> str:
    """The block that begins with these words."""
    for _, text in BLOCKS:
        if text.lstrip().startswith(first_words):
            return text
    raise AssertionError(f"the README has no block that begins with {first_words!r}")


def commands(text: str):
    """The commands of a block, without their comments, as one line each."""
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        line = line.split("#")[0].strip()
        if line:
            yield line


class Readme(unittest.TestCase):
    def test_every_block_is_run_by_somebody(self):
        run_here = {word for name in dir(self) if name.startswith("test_")
                    for word in re.findall(r'block\("(.*?)"\)', _source(getattr(type(self), name)))}
        for _, text in BLOCKS:
            known = [word for word in (*RUN_ELSEWHERE, *run_here) if text.lstrip(" |\n").startswith(word)]
            self.assertTrue(known, f"nobody runs this block:\n{text}")

    def test_it_is_short(self):
        self.assertLess(len(TEXT.splitlines()), 250)

    def test_the_first_call_prints_what_it_says(self):
        shown = block("$ troupe train")
        command, expected = shown.split("\n", 1)
        with Company() as company:
            printed = company.troupe(*shlex.split(command)[2:], cwd=ROOT).stdout
        # Figures differ from one version of XGBoost to the next.
        plain = [re.sub(r"[\d#.,-]+|  +", " ", line).split() for line in printed.splitlines()]
        for line in expected.strip().splitlines():
            if line != "...":
                self.assertIn(re.sub(r"[\d#.,-]+|  +", " ", line).split(), plain, line)

    def test_the_commands_run(self):
        """Those of the long block, each with its own alternatives (a | b)."""
        with Company() as company, scratch_directory() as directory:
            for name in ("churn.yaml", "churn.csv"):
                shutil.copy(EXAMPLES / name, directory)
            for name in ("new.csv", "labelled.csv"):
                shutil.copy(EXAMPLES / "churn.csv", directory / name)
            (directory / "backups").mkdir()
            company.troupe("train", EXAMPLES / "cancer.yaml")
            job = ""
            for line in commands(block("troupe train ")):
                names, *rest = line.split(" | ")
                for command in (names, *(f"troupe {other}" for other in rest)):
                    words = command.split()
                    if words[1] == "stop":
                        continue  # At last.
                    words = [word.replace("NEW_STATE_DIR", str(directory / "restored"))
                             .replace("/backups", str(directory / "backups"))
                             .replace("deploy/examples", str(EXAMPLES)).replace("churn@3", "churn@1").replace("NAME", "churn").replace("ID", job)
                             for word in words[1:]]
                    if words[0] == "resume":
                        words = ["resume", "--help"]  # It has succeeded.
                    if words[0] == "fetch":
                        words += ["--output", "fetched.csv"]
                    with self.subTest(command=command):
                        done = subprocess.run(
                            [BIN / "troupe", *words], cwd=directory, capture_output=True, text=True, check=False,
                            env={**os.environ, "TROUPE_COORDINATOR": company.coordinator.address})
                        # The example has bad rows, and says that they are rejected: 5.
                        self.assertIn(done.returncode, (0, 5), done.stderr)
                    if words[0] == "score":
                        job = re.search(r"^(\S+) +score", company.troupe("jobs").stdout, re.M)[1]
            company.troupe("stop")
            for actor in company.actors:
                self.assertEqual(actor.wait(), 0)

    @unittest.skipUnless(subprocess.run(["unshare", "-rn", "true"], check=False).returncode == 0, "no namespaces here")
    def test_the_native_block_works_as_pasted(self):
        script = block("cmake --preset release && cmake --build")
        lines = script.splitlines()
        self.assertEqual(lines[1], "PATH=$PWD/build/release/bin:$PATH")
        lines[:2] = ["ip link set lo up", f"PATH={BIN}:$PATH"]
        lines = [line.replace("troupe-model &", 'troupe-model --scratch_dir "$HOME" &') for line in lines]
        with scratch_directory() as home:
            done = subprocess.run(
                ["unshare", "-rn", "bash", "-ec", "\n".join([*lines, "wait"])], cwd=ROOT, text=True,
                env={**os.environ, "HOME": str(home)}, capture_output=True, check=False, timeout=300)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("stored as cancer@1", done.stdout)

    def test_ten_lines_of_python_list_the_jobs(self):
        script = block("import grpc")
        self.assertLessEqual(len(script.strip().splitlines()), 10)
        with Company() as company, scratch_directory() as directory:
            job = company.run(kind="INSPECT", source={"path": "cancer.csv"})
            stubs = block("mkdir -p build/python").replace("build/python", str(directory))
            subprocess.run(["bash", "-ec", stubs], cwd=ROOT, check=True)
            script = script.replace("localhost:50050", company.coordinator.address)
            done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True,
                                  env={**os.environ, "PYTHONPATH": str(directory)})
            self.assertIn(job.id, done.stdout)
            self.assertIn("SUCCEEDED", done.stdout)

    @unittest.skipUnless(shutil.which("curl"), "curl is not installed")
    def test_curl_predicts_rows(self):
        command = block("curl").strip()
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
        command = block("grpcurl").strip().splitlines()[0]
        with Company() as company:
            job = company.run(kind="INSPECT", source={"path": "cancer.csv"})
            command = command.replace("localhost:50050", company.coordinator.address)
            done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=True)
            self.assertIn(job.id, done.stdout)

    def test_what_it_names_is_there(self):
        for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
            self.assertTrue((ROOT / target).exists(), target)
        for path in re.findall(r"^(?:cd |)((?:deploy|tests)/\S+\.sh)", TEXT, re.M):
            self.assertTrue(os.access(ROOT / path, os.X_OK), path)
        scripts = {path: path.read_text() for path in (ROOT / "tests").rglob("run.sh")}
        for path, options in re.findall(r"(tests/(?:\w+/)?run\.sh)((?: --[\w-]+)+)", TEXT):
            for option in options.split():
                self.assertIn(option, scripts[ROOT / path], f"{path} {option}")
        for folder in ("proto/troupe/v1", *re.findall(r"^(services|client|deploy|tests)/", TEXT, re.M)):
            self.assertTrue((ROOT / folder).is_dir(), folder)

    def test_flags_exist(self):
        for program, flags in re.findall(r"^\| (troupe-\w+) \| (`--.*?`) \|", TEXT, re.M):
            known = subprocess.run([BIN / program, "--help"], capture_output=True, text=True, check=False).stdout
            for flag in re.findall(r"`--(\w+)`", flags):
                self.assertIn(f"--{flag}", known, program)
        every = subprocess.run([BIN / "troupe-loader", "--help"], capture_output=True, text=True, check=False).stdout
        for flags in re.findall(r"^\| (`--[a-z_`, -]*) \| ", TEXT, re.M):
            for flag in re.findall(r"`--(\w+)`", flags):
                self.assertIn(f"--{flag}", every)


def _source(function) -> str:
    import inspect
    return inspect.getsource(function)


if __name__ == "__main__":
    unittest.main()

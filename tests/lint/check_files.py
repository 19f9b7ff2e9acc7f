#!/usr/bin/env python3
"""Looks at every source file by itself, as if no other were in its unit.

  check_files.py BUILD_DIR --compiler g++    our warnings are errors; with clang++
                                             also -Wthread-safety
  check_files.py BUILD_DIR --tidy 600        clang-tidy, for at most 600 seconds: files
                                             changed since main first, then the
                                             others; says how many were left out
  check_files.py BUILD_DIR --tidy 600 FILE   only these files

BUILD_DIR is one where TROUPE_UNIT_FILES is 1 (preset alone), so that its
compile_commands.json names our files. Generated headers must exist.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import shlex
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUR_FOLDERS = ("services", "client", "tests")


def commands(build_dir: pathlib.Path):
    """(source file, its compiler command) for every source file of ours."""
    for entry in json.loads((build_dir / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["directory"], entry["file"]).resolve()
        if path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in OUR_FOLDERS:
            yield path, entry


def syntax_command(entry, compiler) -> list[str]:
    words = shlex.split(entry["command"])
    if os.path.basename(words[0]) == "ccache":
        words = words[1:]
    kept, skip = [], False
    for word in words[1:]:
        if skip or word == "-c":
            skip = False
        elif word == "-o":
            skip = True
        else:
            kept.append(word)
    locks = ["-Wthread-safety"] if "clang" in compiler else []
    return [compiler, *kept, "-fsyntax-only", *locks, "-Werror"]


def changed_files() -> set[pathlib.Path]:
    def git(*words):
        return subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True,
                              check=False).stdout.split()
    for base in ("origin/main", "main"):
        if git("rev-parse", "--verify", "-q", base):
            fork = git("merge-base", base, "HEAD")
            names = git("diff", "--name-only", *(fork or [base]))
            return {ROOT / name for name in names + git("ls-files", "--others", "--exclude-standard")}
    return set()


def run(words, directory):
    done = subprocess.run(words, cwd=directory, capture_output=True, text=True, check=False)
    return done.returncode, (done.stdout + done.stderr).strip()


def check(title, jobs, budget_s) -> int:
    """Runs jobs (path, words, directory) on all cores; returns how many failed."""
    started, failed, done = time.monotonic(), 0, 0
    todo = iter(jobs)
    workers = os.cpu_count() or 1
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        running = {}
        while True:
            while len(running) < workers and time.monotonic() - started < budget_s:
                job = next(todo, None)
                if job is None:
                    break
                running[pool.submit(run, *job[1:])] = job[0]
            if not running:
                break
            for future in concurrent.futures.wait(running, return_when="FIRST_COMPLETED").done:
                path = running.pop(future)
                code, text = future.result()
                done += 1
                if code:
                    failed += 1
                    print(f"\n{title}: {path.relative_to(ROOT)}\n{text}", flush=True)
                elif done % 10 == 0:
                    print(f"{title}: {done}/{len(jobs)} files", flush=True)
    left = len(jobs) - done
    print(f"{title}: {done - failed} passed, {failed} failed"
          + (f", {left} not looked at (out of time)" if left else ""), flush=True)
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("build_dir", type=pathlib.Path)
    parser.add_argument("--compiler", metavar="NAME")
    parser.add_argument("--tidy", type=float, metavar="SECONDS", default=0)
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    options = parser.parse_intermixed_args()
    chosen = {path.resolve() for path in options.files}
    entries = [(path, entry) for path, entry in commands(options.build_dir) if not chosen or path in chosen]
    if not entries:
        print("no source files found; is the build directory right?", file=sys.stderr)
        return 1
    failed = 0
    if options.compiler:
        failed += check(options.compiler, [(path, syntax_command(entry, options.compiler), entry["directory"])
                                           for path, entry in entries], float("inf"))
    if options.tidy:
        changed = changed_files()
        entries.sort(key=lambda found: found[0] not in changed)
        failed += check("clang-tidy", [(path, ["clang-tidy", "--quiet", "-p", str(options.build_dir), str(path)],
                                        ROOT) for path, _ in entries], options.tidy)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env bash
# Builds Release, measures, and prints one table (README.md here).
#
#   tests/bench/run.sh            every row, in at most 15 minutes after the build
#   tests/bench/run.sh csv score  rows by name
#   tests/bench/run.sh --list     the names
#   tests/bench/run.sh --full memory    with the largest inputs
#
# The table is also written to build/bench as JSON and as pictures. Exits with 1
# when a row fails; a missed goal is marked, and no failure.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [[ ${1:-} != --list ]]; then
  export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
  deploy/install_dependencies.sh build
  deploy/install_dependencies.sh bench ||
    echo "rows whose packages are missing will be skipped" >&2
  mkdir -p build
  log=build/bench-build.log
  cmake --preset release >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
  NINJA_STATUS='[%f/%t %es] ' cmake --build --preset release --target all bench_programs
fi
exec /usr/bin/python3 -B tests/bench/run.py --bin build/release/bin --work build/bench "$@"

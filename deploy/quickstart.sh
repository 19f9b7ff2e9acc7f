#!/usr/bin/env bash
# From nothing to predictions: installs what is missing, builds, starts the four
# actors as processes on this machine, trains the example pipeline, scores a
# file with it, and stops everything again.
#
#   deploy/quickstart.sh
#
# The first run takes some minutes (it compiles), every other one seconds. All
# that it writes is below build/.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$PWD/build/release/bin
examples=$PWD/deploy/examples
output=$PWD/build/quickstart/predictions.csv

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[[ -t 1 ]] || say() { printf '\n== %s\n' "$*"; }

mkdir -p build/quickstart
say "1. Packages and build"
deploy/install_dependencies.sh build
cmake --preset release >build/quickstart/configure.log || { cat build/quickstart/configure.log; exit 1; }
NINJA_STATUS='[%f/%t %es] ' cmake --build --preset release

scratch=$(mktemp -d build/quickstart/run.XXXXXX)
pids=()

# Ends what is still running, when something went wrong.
clean_up() {
  local code=$?
  trap - EXIT INT TERM
  if [[ ${#pids[@]} -gt 0 ]]; then
    kill "${pids[@]}" 2>/dev/null || true
    wait "${pids[@]}" 2>/dev/null || true
  fi
  if [[ $code -ne 0 ]]; then
    printf '\nThe quickstart did not finish. What the actors said last:\n' >&2
    tail -n 5 "$scratch"/*.log >&2 || true
  fi
  rm -rf "$scratch"
  exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# start NAME [flags]: runs the actor on a free port of 127.0.0.1.
start() {
  local name=$1
  shift
  "$bin/troupe-$name" --port 0 --port_file "$scratch/$name.port" "$@" >"$scratch/$name.log" 2>&1 &
  pids+=($!)
}

# address NAME: waits until the actor serves, and prints where.
address() {
  local pid=$2
  until [[ -s $scratch/$1.port ]]; do
    kill -0 "$pid" 2>/dev/null || { echo "$1 did not start" >&2; return 1; }
    sleep 0.05
  done
  echo "127.0.0.1:$(<"$scratch/$1.port")"
}

say "2. Four actors, each a process on this machine"
start loader --roots "$examples"
start preprocessor
start model --scratch_dir "$scratch"
stages=
for i in 0 1 2; do
  name=$(printf 'loader preprocessor model' | cut -d' ' -f$((i + 1)))
  where=$(address "$name" "${pids[$i]}")
  stages+=${stages:+,}$name=$where
  printf '  %-14s %s\n' "$name" "$where"
done
start coordinator --state_dir "$scratch/state" --stage "$stages"
TROUPE_COORDINATOR=$(address coordinator "${pids[3]}")
export TROUPE_COORDINATOR
printf '  %-14s %s\n' coordinator "$TROUPE_COORDINATOR"

say "3. troupe train deploy/examples/cancer.yaml"
"$bin/troupe" train deploy/examples/cancer.yaml

say "4. troupe score cancer --input deploy/examples/cancer.csv --output ${output#"$PWD"/}"
"$bin/troupe" score cancer --input deploy/examples/cancer.csv --output "$output"

say "5. The first predictions"
head -n 6 "$output"
printf '\nAll of them are in %s\n' "$output"

say "6. troupe stop"
"$bin/troupe" stop
for pid in "${pids[@]}"; do wait "$pid"; done
pids=()
printf '\nEverything has stopped. To go on: README.md, deploy/examples/*.yaml, %s --help\n' "${bin#"$PWD"/}/troupe"

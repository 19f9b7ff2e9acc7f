#!/usr/bin/env bash
# Installs what is missing, builds, and runs the tests.
#
#   tests/run.sh              every test once: faults (short), unit, process, lint
#   tests/run.sh --unit       only the unit tests
#   tests/run.sh --process    only the process tests: real programs on loopback
#   tests/run.sh --fault      real processes that are killed, stopped, starved, and
#                             coordinators that must fail at it: at most 8 minutes
#                             (tests/fault/run.sh --long: the full counts)
#   tests/run.sh --asan       unit and process tests under AddressSanitizer and UBSan
#   tests/run.sh --tsan       the actor runtime's tests under ThreadSanitizer
#   tests/run.sh --lint       layers, format, clang's warnings and lock analysis
#   tests/run.sh --tidy       clang-tidy's findings, for TROUPE_TIDY_SECONDS (600)
#   tests/run.sh --all        all but --tidy (the Docker test is tests/docker/run.sh)
#
# Several may be named. Exits with 0 when everything passed.
set -uo pipefail
cd "$(dirname "$0")/.."

# A second checkout shares the first one's compiler cache.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

passed=0 failed=0 summary=()
log=build/tests.log

title() { printf '\n== %s\n' "$*"; }

# count NAME PASSED FAILED: adds to the totals.
count() {
  passed=$((passed + $2)) failed=$((failed + $3))
  summary+=("$(printf '%-8s %4d passed, %d failed' "$1" "$2" "$3")")
}

# build PRESET [TARGET...]
build() {
  local preset=$1
  shift
  title "build ($preset)"
  cmake --preset "$preset" >"$log" 2>&1 || { cat "$log"; return 1; }
  NINJA_STATUS='[%f/%t %es] ' cmake --build --preset "$preset" ${1:+--target "$@"}
}

# suite NAME PRESET [ctest arguments]: runs tests, shows ctest's summary.
suite() {
  local name=$1 preset=$2 line
  shift 2
  title "test ($name)"
  "${wrap[@]}" ctest --preset "$preset" -j "$(nproc)" --no-tests=error "$@" 2>&1 | tee "$log"
  line=$(grep -E 'tests passed, [0-9]+ tests failed out of' "$log" | tail -1)
  if [[ $line =~ ,\ ([0-9]+)\ tests\ failed\ out\ of\ ([0-9]+) ]]; then
    count "$name" $((BASH_REMATCH[2] - BASH_REMATCH[1])) "${BASH_REMATCH[1]}"
  else
    count "$name" 0 1
  fi
}

# ThreadSanitizer wants its memory where older kernels put it.
wrap=()
fixed_addresses() { setarch -R true 2>/dev/null && wrap=(setarch -R); }

run_dev() { build dev && suite "$@" || count "$1" 0 1; }
# faults NAME [arguments]: a run of the fault tests.
faults() {
  local name=$1
  shift
  title "$name"
  TROUPE_BIN=$PWD/build/dev/bin tests/fault/run.sh "$@" 2>&1 | tee "$log"
  if [[ $(tail -1 "$log") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
    count "$name" "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
  else
    count "$name" 0 1
  fi
}
run_fault() {
  build dev || { count faults 0 1; return; }
  faults faults --short
  faults controls --controls build/dev/controls
}
run_asan() { build asan && suite asan asan || count asan 0 1; }
run_tsan() {
  fixed_addresses
  build tsan base_test actor_test && suite tsan tsan || count tsan 0 1
  wrap=()
}
run_lint() {
  run_dev lint dev -L lint
  title "clang: warnings, lock analysis"
  if /usr/bin/python3 tests/lint/clang_check.py build/dev; then
    count clang 1 0
  else
    count clang 0 1
  fi
}
run_tidy() {
  build dev || return
  title "clang-tidy for ${TROUPE_TIDY_SECONDS:-600} s"
  if /usr/bin/python3 tests/lint/clang_check.py build/dev --tidy "${TROUPE_TIDY_SECONDS:-600}"; then
    count tidy 1 0
  else
    count tidy 0 1
  fi
}

wanted=("$@")
[[ $# -gt 0 ]] || wanted=(--dev)
for argument in "${wanted[@]}"; do
  case $argument in
    --dev | --unit | --process | --fault | --asan | --tsan | --lint | --tidy | --all) ;;
    *) sed -n '2,18s/^# \{0,1\}//p' "$0"; exit 2 ;;
  esac
done

mkdir -p build
deploy/install_dependencies.sh test || exit 1
for argument in "${wanted[@]}"; do
  case $argument in
    --dev) run_fault; run_dev tests dev ;;
    --unit) run_dev unit dev -L unit ;;
    --process) run_dev process dev -L process ;;
    --fault) run_fault ;;
    --asan) run_asan ;;
    --tsan) run_tsan ;;
    --lint) run_lint ;;
    --tidy) run_tidy ;;
    --all) run_fault; run_dev tests dev -LE lint; run_tsan; run_asan; run_lint ;;
  esac
done

if [[ ${#summary[@]} -gt 1 ]]; then
  title summary
  printf '%s\n' "${summary[@]}"
fi
[[ ${#wanted[@]} -eq 1 && ${wanted[0]} == --dev ]] || printf '%d passed, %d failed\n' "$passed" "$failed"
[[ $failed -eq 0 ]]

#!/usr/bin/env bash
# Installs what is missing, builds, and runs the tests.
#
#   tests/run.sh              every test once: faults (short), unit, process, lint
#   tests/run.sh --unit       only the unit tests
#   tests/run.sh --process    only the process tests: real programs on loopback
#   tests/run.sh --fault      real processes that are killed, stopped, starved, and
#                             coordinators that must fail at it: at most 8 minutes
#   tests/run.sh --asan       unit and process tests as clang builds them: its warnings
#                             and its lock analysis are errors, AddressSanitizer and
#                             UBSan watch. Both kinds run a second time here, since
#                             only in them does memory go wrong unseen
#   tests/run.sh --tsan       the tests of the actor runtime, and of jobs and calls whose
#                             callers cross, under ThreadSanitizer
#   tests/run.sh --lint       layers, serializing and format
#   tests/run.sh --all        all of these: what every change must pass, together
#                             with the Docker test (tests/docker/run.sh)
#   tests/run.sh --long       what takes too long for every change: every file
#                             compiled alone by both compilers, clang-tidy's findings
#                             for TROUPE_TIDY_SECONDS (600), the faults' full counts
#   tests/run.sh --alone, --tidy    the first two of these
#
# Several may be named. Exits with 0 when everything passed. Prints how long each
# part took: tests/README.md says what a part may cost.
set -uo pipefail
cd "$(dirname "$0")/.."

# A second checkout shares the first one's compiler cache.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

# XGBoost's threads spin while they wait for each other. Beside another test on the
# same two cores that made unit.model take minutes instead of seconds.
export GOMP_SPINCOUNT=1000

passed=0 failed=0 summary=() since=$SECONDS
log=build/tests.log

title() { printf '\n== %s\n' "$*"; }

# spent NAME WHAT: notes the seconds since the part before.
spent() {
  summary+=("$(printf '%-14s %5d s  %s' "$1" $((SECONDS - since)) "${2:-}")")
  since=$SECONDS
}

# count NAME PASSED FAILED: adds to the totals.
count() {
  passed=$((passed + $2)) failed=$((failed + $3))
  spent "$1" "$(printf '%4d passed, %d failed' "$2" "$3")"
}

# build PRESET [TARGET...]
build() {
  local preset=$1
  shift
  title "build ($preset)"
  cmake --preset "$preset" >"$log" 2>&1 || { cat "$log"; return 1; }
  NINJA_STATUS='[%f/%t %es] ' cmake --build --preset "$preset" ${1:+--target "$@"} || return 1
  spent "build $preset"
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
# Clang's warnings are errors of this build, so it is a test itself.
run_asan() {
  build asan || { count clang 0 1; return; }
  count clang 1 0
  suite asan asan
}
run_tsan() {
  fixed_addresses
  build tsan base_test actor_test coordinator_test stages_test && suite tsan tsan || count tsan 0 1
  wrap=()
}
# check NAME ARGUMENTS...: looks at every file by itself, without the others of
# its unit.
check() {
  local name=$1
  shift
  build alone troupe_proto || { count "$name" 0 1; return; }
  title "$name"
  if /usr/bin/python3 tests/lint/check_files.py build/alone "$@"; then
    count "$name" 1 0
  else
    count "$name" 0 1
  fi
}
run_alone() {
  check "alone, gcc" --compiler g++
  check "alone, clang" --compiler clang++
}
run_tidy() { check tidy --tidy "${TROUPE_TIDY_SECONDS:-600}"; }
run_long() {
  run_alone
  run_tidy
  build dev && faults "long faults" --long || count "long faults" 0 1
}

wanted=("$@")
[[ $# -gt 0 ]] || wanted=(--dev)
for argument in "${wanted[@]}"; do
  case $argument in
    --dev | --unit | --process | --fault | --asan | --tsan | --lint | --all | --long | --alone | --tidy) ;;
    *) sed -n '2,24s/^# \{0,1\}//p' "$0"; exit 2 ;;
  esac
done

mkdir -p build
deploy/install_dependencies.sh test || exit 1
spent packages
for argument in "${wanted[@]}"; do
  case $argument in
    --dev) run_fault; run_dev tests dev ;;
    --unit) run_dev unit dev -L unit ;;
    --process) run_dev process dev -L process ;;
    --fault) run_fault ;;
    --asan) run_asan ;;
    --tsan) run_tsan ;;
    --lint) run_dev lint dev -L lint ;;
    --all) run_fault; run_dev tests dev; run_tsan; run_asan ;;
    --long) run_long ;;
    --alone) run_alone ;;
    --tidy) run_tidy ;;
  esac
done

title summary
printf '%s\n' "${summary[@]}"
[[ ${#wanted[@]} -eq 1 && ${wanted[0]} == --dev ]] || printf '%d passed, %d failed\n' "$passed" "$failed"
[[ $failed -eq 0 ]]

#!/usr/bin/env bash
# Runs the fault tests: real processes on loopback, struck in every way.
#
#   tests/fault/run.sh [--short|--long] [--seed N] [--only NAME]... [--list]
#   tests/fault/run.sh --controls DIR    the harness must turn red at coordinators
#                                        with one protection taken out each
#
# Everything happens in namespaces of its own (processes, mounts, network) where
# this user may make them, so that nothing is left however it ends. TROUPE_BIN
# names the programs' directory (build/dev/bin). Exits with 0 when all passed.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/troupe-fault-run-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
export TMPDIR=$scratch PYTHONDONTWRITEBYTECODE=1

apart=(unshare --net --mount --pid --fork --kill-child --mount-proc)
if [[ $(id -u) == 0 ]] && "${apart[@]}" ip link set lo up 2>/dev/null; then
  end=KILL  # The first process of the namespace takes all others with it.
  "${apart[@]}" bash -c 'ip link set lo up && TROUPE_FAULT_NAMESPACES=1 exec "$@"' _ \
    /usr/bin/python3 "$here/runner.py" "$@" &
else
  end=TERM
  /usr/bin/python3 "$here/runner.py" "$@" &
fi
child=$!
trap 'kill -s "$end" "$child" 2>/dev/null; wait "$child" 2>/dev/null; exit 130' INT TERM
wait "$child"

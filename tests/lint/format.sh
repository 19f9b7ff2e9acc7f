#!/usr/bin/env bash
# Fails when clang-format would change a source file.   usage: format.sh ROOT
# Exit code 77 (skipped) where clang-format is not the release we write with:
# releases differ in small things.
set -euo pipefail
cd "$1"
want=14
if ! clang-format --version 2>/dev/null | grep -q "version $want\."; then
  echo "skipped: needs clang-format $want, the one of Debian 12"
  exit 77
fi
find services client tests proto -name '*.h' -o -name '*.cc' | sort |
  xargs clang-format --dry-run -Werror

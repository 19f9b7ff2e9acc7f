#!/usr/bin/env bash
# Installs the Debian packages that Troupe needs and this machine lacks.
#
#   deploy/install_dependencies.sh build    to build and run the programs
#   deploy/install_dependencies.sh test     that, and to run every test
#   deploy/install_dependencies.sh bench    to measure: those that this release has
#
# The names are the same on Debian 12, Debian 13 and Ubuntu 24.04. Says what it
# installs before it does; does nothing, quickly, when nothing is missing. Uses
# sudo where it is not run by root.
set -euo pipefail

build_packages=(
  g++ cmake ninja-build pkg-config ccache
  protobuf-compiler protobuf-compiler-grpc libprotobuf-dev libgrpc++-dev
  libabsl-dev libspdlog-dev libsqlite3-dev libxgboost-dev
  libfast-float-dev libdragonbox-dev libsimdjson-dev zlib1g-dev libzstd-dev
  libyaml-cpp-dev libcli11-dev libssl-dev libcpp-httplib-dev
)
test_packages=(
  libgtest-dev libgmock-dev libbenchmark-dev
  clang libclang-rt-dev clang-format clang-tidy curl git strace valgrind iproute2 iptables faketime
  python3 python3-grpcio python3-protobuf python3-yaml
  python3-numpy python3-pandas python3-sklearn python3-xgboost
)
# tests/bench: the other sides, and the pictures.
bench_packages=(
  python3 python3-grpcio python3-protobuf python3-numpy python3-pandas
  python3-sklearn python3-xgboost python3-matplotlib
)

case ${1:-build} in
  build) wanted=("${build_packages[@]}") ;;
  test) wanted=("${build_packages[@]}" "${test_packages[@]}") ;;
  bench) wanted=("${bench_packages[@]}") ;;
  *) sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  echo "this is not a Debian or Ubuntu; please install what ${wanted[*]} contain" >&2
  exit 1
fi

missing=()
for package in "${wanted[@]}"; do
  [[ $(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null) == ?i* ]] ||
    missing+=("$package")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

as_root=()
if [[ $(id -u) -ne 0 ]]; then
  if ! command -v sudo >/dev/null; then
    echo "installing packages needs root, and there is no sudo; as root, run:" >&2
    echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo "Installing from this machine's package sources${as_root:+ (with sudo)}: ${missing[*]}" >&2
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive
     apt-get -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 -qq)
"${apt[@]}" update >/dev/null || echo "apt-get update had errors; going on with the lists there are" >&2
if [[ ${1:-} == bench ]]; then
  available=()
  for package in "${missing[@]}"; do
    if apt-cache show "$package" >/dev/null 2>&1; then
      available+=("$package")
    else
      echo "this release has no $package" >&2
    fi
  done
  [[ ${#available[@]} -gt 0 ]] || exit 0
  missing=("${available[@]}")
fi
"${apt[@]}" install -y --no-install-recommends "${missing[@]}" >/dev/null

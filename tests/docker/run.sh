#!/usr/bin/env bash
# The company in containers: build, up, train, score, scale and kill during a
# job, compare the bytes, down with exit code 0 everywhere. Needs an engine with
# Compose v2 and the ports 50050 and 50080. Leaves the image, but no container or volume.
set -uo pipefail
cd "$(dirname "$0")/../.."

scratch=$(mktemp -d)
export COMPOSE_PROJECT_NAME=troupe-test-$$
passed=0 failed=0
# The data directory is mounted beside the examples, read-only.
mkdir "$scratch/data" "$scratch/out"
chmod 755 "$scratch" "$scratch/data"; chmod 777 "$scratch/out"
cat >"$scratch/compose.yml" <<YAML
services:
  loader: {volumes: ["$scratch/data:/data:ro"], environment: {TROUPE_ROOTS: "/examples,/data"}}
  troupe: {volumes: ["$scratch/data:/data:ro", "$scratch/out:/out"]}
YAML
compose() { docker compose -f docker-compose.yml -f "$scratch/compose.yml" "$@"; }
troupe() { compose run --rm -T troupe "$@"; }

clean_up() {
  compose --profile cli down --volumes --remove-orphans --timeout 30 >/dev/null 2>&1
  rm -rf "$scratch"
}
trap clean_up EXIT

# check WHAT COMMAND...: one test.
check() {
  local what=$1 started=$SECONDS
  shift
  if "$@" >"$scratch/log" 2>&1; then
    passed=$((passed + 1))
    printf 'ok      %s (%d s)\n' "$what" $((SECONDS - started))
  else
    failed=$((failed + 1))
    printf 'FAILED  %s (%d s)\n' "$what" $((SECONDS - started))
    tail -n 40 "$scratch/log"
  fi
}

# within SECONDS COMMAND...: waits until the command succeeds.
within() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [[ $SECONDS -lt $end ]] || { echo "in vain: $*"; return 1; }
    sleep 0.05
  done
}

containers() { compose ps -q "$@"; }
json() { python3 -c "import json, sys; value = json.load(sys.stdin); print($1)"; }

locked_down() {
  local id ids
  mapfile -t ids < <(containers)
  [[ ${#ids[@]} -eq 4 ]] || { echo "${#ids[@]} containers"; return 1; }
  for id in "${ids[@]}"; do
    docker inspect "$id" | json '{"ReadonlyRootfs": value[0]["HostConfig"]["ReadonlyRootfs"],
      "User": value[0]["Config"]["User"], "CapDrop": value[0]["HostConfig"]["CapDrop"]}' |
      grep -F "{'ReadonlyRootfs': True, 'User': '65532:65532', 'CapDrop': ['ALL']}" || return 1
    ! docker exec "$id" touch /usr/local/bin/written || return 1
  done
}

predicts_by_http() {
  python3 - <<'PYTHON'
import json, urllib.request
rows = open("deploy/examples/cancer.jsonl", "rb").read()
with urllib.request.urlopen("http://localhost:50080/predict/cancer", rows, timeout=60) as answer:
    predictions = [row["prediction"] for row in json.load(answer)["rows"]]
assert predictions == ["malignant", "benign", "malignant"], predictions
PYTHON
}

only_the_coordinator_is_reachable() {
  local published
  published=$(compose ps --format '{{.Service}} {{.Ports}}' | grep -- '->')
  echo "$published"
  [[ $published == "coordinator 127.0.0.1:50050->50050/tcp, 127.0.0.1:50080->50080/tcp" ]]
}

# Replicas of a stage that have finished messages, by the CLI's status.
working_replicas() {
  troupe status --json | json "sum(1 for stage in value['stages'] if stage['name'] == '$1'
    for replica in stage.get('replicas', []) if sum(int(lane.get('succeeded', 0))
    for lane in replica.get('stats', {}).get('lanes', [])) > 0)"
}
has_working_replicas() { [[ $(working_replicas "$1") -ge $2 ]]; }

score() { troupe score numbers --input /data/big.csv --output "/out/$1"; }

# Starts scoring into /out/$1, and returns once some rows are done.
begin_scoring() {
  score "$1" >"$scratch/score.log" 2>&1 &
  job=$!
  within 60 grep -q ' rows ' "$scratch/score.log"
}
under_way() { kill -0 "$job" || { echo "the job was over too soon to disturb it"; return 1; }; }
end_scoring() { wait "$job" || { cat "$scratch/score.log"; return 1; }; }

# The only model is stopped before it is killed, so that the job cannot end
# before the others are there.
score_disturbed() {
  local victim
  victim=$(containers model)
  begin_scoring disturbed.csv || return 1
  docker kill --signal STOP "$victim" && under_way || return 1
  compose up -d --no-recreate --scale preprocessor=3 --scale model=2 || return 1
  docker kill --signal KILL "$victim" && under_way || return 1
  end_scoring
}

score_without_its_coordinator() {
  local coordinator
  coordinator=$(containers coordinator)
  begin_scoring orphaned.csv || return 1
  docker kill --signal KILL "$coordinator" && under_way || return 1
  compose up -d --no-recreate --wait --wait-timeout 60 coordinator || return 1
  end_scoring
}

same_bytes() { cmp "$scratch/out/plain.csv" "$scratch/out/disturbed.csv" && [[ -s $scratch/out/plain.csv ]]; }

# Whether every container that is not being restarted ended with 0.
ended_with_zero() {
  local id code codes=0
  for id in "$@"; do
    code=$(docker inspect -f '{{.State.ExitCode}}' "$id") || return 1
    [[ $code == 0 ]] || { echo "$id ended with $code"; docker logs --tail 20 "$id"; codes=1; }
  done
  return $codes
}

stop_all() {
  local ids started=$SECONDS
  mapfile -t ids < <(containers)
  [[ ${#ids[@]} -eq 7 ]] || { echo "${#ids[@]} containers"; return 1; }
  compose stop || return 1
  [[ $((SECONDS - started)) -lt 30 ]] || { echo "took $((SECONDS - started)) s"; return 1; }
  ended_with_zero "${ids[@]}"
}

cat >"$scratch/data/numbers.yaml" <<YAML
name: numbers
source: {path: train.csv}
roles: {target: y}
steps:
  - impute: {columns: all, strategy: median}
  - standardize: {columns: all}
model: {xgboost: {objective: binary, rounds: 4000, max_depth: 6, learning_rate: 0.005}}
split: {test: 0.2}
output: {probabilities: true}
YAML
awk 'BEGIN { srand(7); print "a,b,c,d,e,f,y"
  for (row = 0; row < 1200000; row++) {
    a = rand(); b = rand(); c = rand(); d = rand()
    printf "%.5f,%.5f,%.5f,%.5f,%.5f,%.5f,%d\n", a, b, c, d, rand(), rand(), (a * b + c > d) } }' \
  >"$scratch/data/big.csv"
head -20001 "$scratch/data/big.csv" >"$scratch/data/train.csv"
chmod 644 "$scratch/data"/*

echo "building the image (minutes the first time)"
check "build" compose build
check "up: every actor is healthy" compose up -d --wait --wait-timeout 120
check "read-only, without root, without capabilities" locked_down
check "only the coordinator is reachable, from this machine" only_the_coordinator_is_reachable
check "the coordinator answers on localhost:50050" \
  docker run --rm --network host --read-only troupe status --coordinator localhost:50050
check "train /examples/cancer.yaml" troupe train /examples/cancer.yaml
check "predict rows by HTTP" predicts_by_http
check "score a file of this directory, as oneself" \
  compose run --rm -T --user "$(id -u):$(id -g)" troupe \
  score cancer --input deploy/examples/cancer.csv --output /out/cancer.csv
check "train a larger table" troupe train /data/numbers.yaml
check "score it with one replica of everything" score plain.csv
check "scale and kill a replica during a job" score_disturbed
check "the same bytes" same_bytes
check "up again: what was killed is back" compose up -d --wait --wait-timeout 120 \
  --no-recreate --scale preprocessor=3 --scale model=2
check "score with more replicas" score scaled.csv
check "three preprocessors have worked" has_working_replicas preprocessor 3
check "two models have worked" has_working_replicas model 2
check "the same bytes again" cmp "$scratch/out/plain.csv" "$scratch/out/scaled.csv"
check "kill the coordinator during a job" score_without_its_coordinator
check "still the same bytes" cmp "$scratch/out/plain.csv" "$scratch/out/orphaned.csv"
check "stop: every exit code is 0, within the grace period" stop_all
check "down leaves nothing" compose --profile cli down --volumes

printf 'docker: %d passed, %d failed\n' "$passed" "$failed"
[[ $failed -eq 0 ]]

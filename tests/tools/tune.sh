#!/bin/sh
# --tune on the command line: where the cache lies, that a second run times nothing, and that no byte changes.
#
#   tune.sh ADZE EXAMPLES_FOLDER
set -u
adze=$1
digits=$2/digits/digits.onnx
samples=$2/digits/samples.npy
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

complain() {
  echo "$1"
  echo "stderr: $(cat "$work/err")"
  failed=1
}
# run NAME [VARIABLE=VALUE...] -- OPTIONS...: adze run on the samples; its output goes to $work/NAME.
run() {
  name=$1
  shift
  set_to=""
  while [ "$1" != -- ]; do
    set_to="$set_to $1"
    shift
  done
  shift
  # shellcheck disable=SC2086
  env -u XDG_CACHE_HOME -u HOME $set_to "$adze" run "$digits" --input "image=$samples" --output-dir "$work/$name" \
    "$@" >"$work/out" 2>"$work/err" || complain "failed: run $name"
  cmp -s "$work/plain/scores.npy" "$work/$name/scores.npy" || complain "other bytes: run $name"
}
said() { grep -q "$1" "$work/err" || complain "nothing said of \"$1\" by run $name"; }
silent() { [ ! -s "$work/err" ] || complain "run $name should have been silent"; }

mkdir "$work/home" "$work/xdg"
run plain HOME="$work/home" --
silent
[ ! -e "$work/home/.cache" ] || complain "a run without --tune wrote a cache"

run cold HOME="$work/home" -- --tune --threads 2
said tuned
cache=$work/home/.cache/adze/tune.json
[ -s "$cache" ] || complain "no cache in HOME"
cp "$cache" "$work/before"
run warm HOME="$work/home" -- --tune --threads 2
silent
cmp -s "$cache" "$work/before" || complain "a warm run changed the cache"

run xdg HOME="$work/home" XDG_CACHE_HOME="$work/xdg" -- --tune
said tuned
[ -s "$work/xdg/adze/tune.json" ] || complain "no cache in XDG_CACHE_HOME"

run named -- --tune --tune-cache "$work/named.json"
said tuned
[ -s "$work/named.json" ] || complain "no cache where --tune-cache says"

run homeless -- --tune
said 'not kept'
said tuned

echo garbage > "$work/garbage.json"
run garbage -- --tune --tune-cache "$work/garbage.json"
said 'tuning anew'
said tuned
run mended -- --tune --tune-cache "$work/garbage.json"
silent

run nowhere -- --tune --tune-cache "$work/named.json/below/tune.json"
said 'not kept'

"$adze" bench "$digits" --seconds 0.01 --tune --tune-cache "$work/bench.json" --json >"$work/out" 2>"$work/err" ||
  complain "bench failed"
[ -s "$work/bench.json" ] || complain "bench kept nothing"
"$adze" verify --bytes "$digits" --tune --tune-cache "$work/verify.json" >"$work/out" 2>"$work/err" ||
  complain "verify --bytes found $(cat "$work/out")"
grep -q '1 passed' "$work/out" || complain "verify said $(cat "$work/out")"
[ -s "$work/verify.json" ] || complain "verify kept nothing"

"$adze" serve "$digits" --port 0 --tune --tune-cache "$work/serve.json" >"$work/out" 2>"$work/err" &
server=$!
waited=0
until grep -q serving "$work/err" || [ "$waited" -ge 300 ]; do
  sleep 0.1
  waited=$((waited + 1))
done
kill "$server"
wait "$server" || complain "serve ended with $?"
[ -s "$work/serve.json" ] || complain "serve kept nothing"
exit $failed

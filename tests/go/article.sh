#!/bin/sh
# article.sh BUILD ADZE: builds examples/go-article and compares its score with what `adze run` computes.
set -eu
build=$1 adze=$2
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root/examples/go-article"
sh "$root/tests/go/go.sh" "$build" build -o "$work/article" .

model=$root/examples/tabular/tumour.onnx
zeros=$(printf '0 %.0s' $(seq 30))
want=$("$adze" run --fill zeros "$model" | awk '{ print $4; exit }')
got=$(echo "$zeros" | LD_LIBRARY_PATH="$build/lib" INFERENCE_MODEL="$model" "$work/article")
# The command prints seven digits.
awk -v got="$got" -v want="$want" 'BEGIN { exit !(want > 0 && got / want > 0.999999 && got / want < 1.000001) }' || {
  echo "the article's program says $got, adze run $want" >&2
  exit 1
}
for wrong in "INFERENCE_MODEL=$model 0 0 0" "INFERENCE_MODEL=/nowhere.onnx $zeros" "INFERENCE_MODEL= $zeros"; do
  if echo "${wrong#* }" | env LD_LIBRARY_PATH="$build/lib" "${wrong%% *}" "$work/article" 2>/dev/null; then
    echo "a score in spite of ${wrong%% *} and the input ${wrong#* }" >&2
    exit 1
  fi
done
echo "$got"

#!/bin/sh
# Wrong input to the adze command: the documented exit code and one line on stderr, whatever the mistake.
#
#   exit_codes.sh ADZE EXAMPLES_FOLDER
set -u
adze=$1
digits=$2/digits/digits.onnx
samples=$2/digits/samples.npy
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# expect CODE TEXT COMMAND...: stderr must be one line with TEXT in it.
expect() {
  code=$1
  text=$2
  shift 2
  "$@" >"$work/out" 2>"$work/err"
  got=$?
  if [ "$got" != "$code" ] || [ "$(wc -l < "$work/err")" != 1 ] || ! grep -qF -- "$text" "$work/err"; then
    echo "expected $code and \"$text\" from: $*"
    echo "got $got: $(cat "$work/err")"
    failed=1
  fi
}
succeed() {
  "$@" >"$work/out" 2>"$work/err" || { echo "failed: $*: $(cat "$work/err")"; failed=1; }
}

printf '' > "$work/empty.onnx"
head -c 500 "$digits" > "$work/cut.onnx"
echo 'not a model at all' > "$work/text.onnx"
head -c 100 "$samples" > "$work/cut.npy"

expect 2 'subcommand' "$adze"
expect 2 'subcommand' "$adze" nonsense
expect 2 'MODEL' "$adze" run
expect 2 '--frobnicate' "$adze" run "$digits" --frobnicate
expect 2 'No such file' "$adze" run "$work/missing.onnx"
expect 2 'directory' "$adze" run "$work"
expect 3 'empty' "$adze" run "$work/empty.onnx"
expect 3 'not an ONNX model' "$adze" run "$work/cut.onnx"
expect 3 'not an ONNX model' "$adze" inspect "$work/text.onnx"
expect 2 'no input "x"; its inputs are "image"' "$adze" run "$digits" --input "x=$samples"
expect 2 'NAME=VALUE' "$adze" run "$digits" --input "$samples"
expect 2 'cut off' "$adze" run "$digits" --input "image=$work/cut.npy"
expect 2 'neither .npy nor .pb' "$adze" run "$digits" --input "image=$digits"
expect 2 'has shape Nx1x8x8, not 1x1x8x9' "$adze" run "$digits" --shape image=1x1x8x9
expect 2 'not of the form' "$adze" run "$digits" --shape image=1x1x8x
expect 2 'neither zeros nor random' "$adze" run "$digits" --fill ones
expect 5 'memory limit' "$adze" run "$digits" --shape image=1000000x1x8x8
expect 2 'threads' "$adze" run "$digits" --threads -1
expect 2 'ADZE_ISA' env ADZE_ISA=mmx "$adze" hw
expect 2 'holds no model.onnx' "$adze" verify "$work"
expect 2 'serve needs a model' "$adze" serve
expect 2 'No such file' "$adze" serve "$work/missing.onnx" --port 0
expect 2 'holds no NAME/VERSION/model.onnx' "$adze" serve --repository "$work" --port 0
if [ -c /dev/full ]; then
  ln -s /dev/full "$work/scores.npy.partial"
  expect 5 'No space left' "$adze" run "$digits" --output-dir "$work"
  [ ! -e "$work/scores.npy" ] || { echo "a half file was left"; failed=1; }
fi
succeed "$adze" run "$digits" --input "image=$samples" --output-dir "$work/new/folder"
[ -s "$work/new/folder/scores.npy" ] || { echo "no output was written"; failed=1; }
succeed "$adze" inspect "$digits" --json
succeed "$adze" bench "$digits" --seconds 0.01 --threads 1 --json --profile
succeed "$adze" --help
succeed "$adze" --version
exit $failed

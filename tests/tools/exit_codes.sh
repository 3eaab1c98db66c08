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
expect 2 'given twice' "$adze" run "$digits" --input "image=$samples" --input "image=$samples"
expect 2 'is given already' "$adze" run "$digits" --input "image=$samples" --shape image=1x1x8x8
expect 2 'is given already' "$adze" run "$digits" --shape image=1x1x8x8 --shape image=2x1x8x8
LC_ALL=C sed 's/<f4/>f4/' "$samples" > "$work/big.npy"
expect 2 '">f4" is not supported' "$adze" run "$digits" --input "image=$work/big.npy"
LC_ALL=C sed 's/<f4/<i4/' "$samples" > "$work/ints.npy"
expect 2 'takes float, not int32' "$adze" run "$digits" --input "image=$work/ints.npy"
LC_ALL=C sed 's/(10, 1, 8, 8)/(10, 64)     /' "$samples" > "$work/flat.npy"
expect 2 'has shape Nx1x8x8, not 10x64' "$adze" run "$digits" --input "image=$work/flat.npy"
expect 2 'cut off' "$adze" run "$digits" --input "image=$work/cut.npy"
expect 2 'neither .npy nor .pb' "$adze" run "$digits" --input "image=$digits"
expect 2 'has shape Nx1x8x8, not 1x1x8x9' "$adze" run "$digits" --shape image=1x1x8x9
expect 2 'not of the form' "$adze" run "$digits" --shape image=1x1x8x
expect 2 'neither zeros nor random' "$adze" run "$digits" --fill ones
expect 5 'memory limit' "$adze" run "$digits" --shape image=1000000x1x8x8
expect 2 'threads' "$adze" run "$digits" --threads -1
expect 2 'not in {on,off}' "$adze" run "$digits" --winograd maybe
expect 2 "--tune" "$adze" run "$digits" --tune-cache "$work/tune.json"
expect 2 'ADZE_ISA' env ADZE_ISA=mmx "$adze" hw
expect 2 'holds no model.onnx' "$adze" verify "$work"
expect 2 'No such file' "$adze" verify "$work/missing"
expect 2 'not a folder' "$adze" verify "$digits"
expect 2 'excludes' "$adze" verify --passes --raw "$work"

# expect_verdict CODE TEXT COMMAND...: verify tells it on stdout.
expect_verdict() {
  code=$1
  text=$2
  shift 2
  "$@" >"$work/out" 2>"$work/err"
  got=$?
  if [ "$got" != "$code" ] || [ -s "$work/err" ] || ! grep -qF -- "$text" "$work/out"; then
    echo "expected $code and \"$text\" from: $*"
    echo "got $got: $(cat "$work/out" "$work/err")"
    failed=1
  fi
}
tests=$work/tests
mkdir -p "$tests/digits"
cp "$digits" "$tests/digits/model.onnx"
expect_verdict 0 'has no test_data_set_0' "$adze" verify "$tests"
expect_verdict 0 '1 passed' "$adze" verify --passes "$tests"
expect_verdict 0 '2 passed' "$adze" verify --passes "$digits" "$2/tabular/tumour.onnx"
expect_verdict 0 '2 passed' "$adze" verify --bytes "$digits" "$2/tabular/tumour.onnx"
expect_verdict 0 'rows alone' "$adze" verify --bytes --passes "$tests"
# y = Softmax(x) along the first axis of x [N, 4]: its rows depend on each other.
printf '\010\010\072B\012\034\012\001x\022\001y\042\007Softmax\052\013\012\004axis\030\000\240\001\002\022\001gZ\024\012\001x\022\017\012\015\010\001\022\011\012\003\022\001N\012\002\010\004b\011\012\001y\022\004\012\002\010\001B\004\012\000\020\021' > "$work/mixing.onnx"
expect_verdict 1 'output "y" of row 0 alone' "$adze" verify --bytes "$work/mixing.onnx"
mkdir "$tests/digits/test_data_set_0"
expect_verdict 1 'test_data_set_0: '"$tests"'/digits/model.onnx: input "image" is missing' "$adze" verify "$tests"
expect 2 'serve needs a model' "$adze" serve --winograd off
expect 2 'No such file' "$adze" serve "$work/missing.onnx" --port 0
mkdir "$work/none"
expect 2 'holds no NAME/VERSION/model.onnx' "$adze" serve --repository "$work/none" --port 0
expect 2 'not in {none,explicit,watch}' "$adze" serve "$digits" --model-control maybe
expect 2 'No such file' "$adze" serve "$digits" --port 0 --log-requests "$work/missing/log"
expect 3 'not an ONNX model' "$adze" serve --check "$work/cut.onnx"
repository=$work/repository
mkdir -p "$repository/digits/1"
cp "$digits" "$repository/digits/1/model.onnx"
succeed "$adze" serve --check --repository "$repository"
grep -qx 'digits/1: ok' "$work/out" || { echo "serve --check says: $(cat "$work/out")"; failed=1; }
echo '{"max_batch": 0}' > "$repository/digits/config.json"
expect 2 'digits/config.json: "max_batch": is no integer from 1 to 4096' "$adze" serve --check --repository "$repository"
if [ -c /dev/full ]; then
  ln -s /dev/full "$work/scores.npy.partial"
  expect 5 'No space left' "$adze" run "$digits" --output-dir "$work"
  [ ! -e "$work/scores.npy" ] || { echo "a half file was left"; failed=1; }
fi
succeed "$adze" run "$digits" --input "image=$samples" --output-dir "$work/new/folder"
[ -s "$work/new/folder/scores.npy" ] || { echo "no output was written"; failed=1; }
succeed "$adze" inspect "$digits" --json
succeed "$adze" inspect "$digits" --raw --winograd off
succeed "$adze" bench "$digits" --seconds 0.01 --threads 1 --json --profile
succeed "$adze" --help
succeed "$adze" --version
exit $failed

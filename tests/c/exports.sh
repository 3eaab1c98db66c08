#!/bin/sh
# exports.sh LIBRARY ABI: the shared library exports what exports.txt lists and nothing else, under the SONAME of ABI.
set -eu
list=$(dirname "$0")/exports.txt
got=$(nm -D --defined-only --format=posix "$1" | awk '$2 != "A" { sub(/@.*/, "", $1); print $1 }' | LC_ALL=C sort)
if [ "$got" != "$(cat "$list")" ]; then
  echo "exported symbols differ from exports.txt:" >&2
  echo "$got" | diff "$list" - >&2 || true
  exit 1
fi
soname=$(objdump -p "$1" | awk '$1 == "SONAME" { print $2 }')
if [ "$soname" != "libinference_engine.so.$2" ]; then
  echo "SONAME is $soname" >&2
  exit 1
fi

#!/bin/sh
# installed.sh BUILD MODEL: installs BUILD into an empty folder, moves it, and builds tests/c/client.c against it in every
# way that is promised: CMake's package with the shared and the static library, pkg-config with both, and plain -l.
set -eu
build=$1 model=$2
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --prefix "$work/first" >/dev/null
mv "$work/first" "$work/moved"
prefix=$work/moved
test -x "$prefix/bin/adze"

cmake -S "$here/consumer" -B "$work/build" -DCMAKE_PREFIX_PATH="$prefix" -DCLIENT="$here/client.c" >/dev/null
cmake --build "$work/build" >/dev/null
"$work/build/with_inference_engine" "$model"
"$work/build/with_inference_engine_static" "$model"

folder=$(dirname "$(find "$prefix" -name inference_engine.pc)")
libraries=$(dirname "$folder")
export PKG_CONFIG_PATH="$folder"
cc="${CC:-cc} -std=c99 -Wall -Wextra -Werror $here/client.c"
# shellcheck disable=SC2046
$cc -o "$work/shared" $(pkg-config --cflags --libs inference_engine) -lm
LD_LIBRARY_PATH=$libraries "$work/shared" "$model"
# shellcheck disable=SC2046
$cc -o "$work/static" $(pkg-config --cflags inference_engine) "$libraries/libinference_engine.a" \
  $(pkg-config --static --libs-only-l inference_engine | sed 's/-linference_engine//')
"$work/static" "$model"
$cc -I"$prefix/include" -L"$libraries" -o "$work/plain" -linference_engine -lm
LD_LIBRARY_PATH=$libraries "$work/plain" "$model"

#!/bin/sh
# go.sh BUILD ARGUMENTS...: go ARGUMENTS with the header of this tree and the library of BUILD, with every check of what
# crosses between Go and C. Exits with 77 where Go or a C compiler for it is missing.
set -eu
build=$1
shift
if ! command -v go >/dev/null; then
  echo "skipped: no go on this machine; Debian's package is golang-go"
  exit 77
fi
if [ "$(go env CGO_ENABLED)" != 1 ]; then
  echo "skipped: go finds no C compiler for cgo"
  exit 77
fi
root=$(cd "$(dirname "$0")/../.." && pwd)
export CGO_CFLAGS="-O2 -I$root/runtime/c" CGO_LDFLAGS="-L$build/lib" LD_LIBRARY_PATH="$build/lib"
export GOCACHE="$build/go-cache" GOPATH="$build/go-path" GOPROXY=off GOFLAGS=-buildvcs=false GOTOOLCHAIN=local
case $(go env GOVERSION) in
  go1.1* | go1.20*) export GODEBUG=cgocheck=2 ;;
  *) export GOEXPERIMENT=cgocheck2 ;;
esac
exec go "$@"

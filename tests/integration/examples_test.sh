#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds and runs examples/: run against the installed package, two_models with
# static libraries and nothing else. examples_test.sh BUILD-FOLDER SHARED
set -eu
build=$(realpath "$1")
models=$(realpath -m "$2")/models/onnx
root=$(cd "$(dirname "$0")/../.." && pwd)
[ -d "$models" ] || { echo "skipped: there are no models in $2"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$build" --prefix "$work/prefix" >/dev/null
adze=$work/prefix/bin/adze

echo "== run"
cmake -S "$root/examples/run" -B "$work/run" \
  -DCMAKE_PREFIX_PATH="$work/prefix" >/dev/null
cmake --build "$work/run" >/dev/null
"$adze" compile "$models/mnist.onnx" -o "$work/mnist.tar"
"$work/run/run" "$work/mnist.tar"
head -c 1000 "$work/mnist.tar" >"$work/cut.tar"
if "$work/run/run" "$work/cut.tar" 2>"$work/message"; then exit 1; fi
grep -q "cut.tar" "$work/message"

echo "== two models, no runtime"
make -s -f "$root/examples/two_models/Makefile" BUILD="$work" ADZE="$adze" \
  A="$models/mnist.onnx" B="$models/ultralight_simplepose.onnx"
"$work/two_models"
if readelf -d "$work/two_models" | grep -q adze; then
  echo "two_models needs a library of adze"
  exit 1
fi

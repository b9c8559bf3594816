#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Commands of the program while memory runs out: alloc_failure_test.sh ADZE SHIM
set -u
cd "$(dirname "$0")/.." || exit 1
adze=$1 shim=$2
model=../shared/models/onnx/mnist.onnx
if [ ! -r "$model" ]; then
  echo "skipped: ../shared/models/onnx has no mnist"
  exit 77
fi
package=$(mktemp --suffix .tar)
trap 'rm -f "$package"' EXIT
"$adze" compile "$model" -o "$package" || exit 1
bad=0
try() { tests/alloc_failure.sh "$shim" "$@" || bad=1; }
try 150 "$adze" compile "$model" -o @/mnist.tar
try 60 "$adze" compile "$model" --target c -f c -o @/mnist
try 60 "$adze" info "$model"
try 100 "$adze" run "$package" --fill-mode ones -o @/out.npz

photo=../shared/photos/000000040083.jpg
network=../shared/models/onnx/posenet_mnv1_050.onnx
if [ -r "$photo" ] && [ -r "$network" ]; then
  "$adze" compile "$network" -o "$package" \
    --input-shapes "image:[1,3,129,129]" || exit 1
  try 60 "$adze" pose "$photo" -m "$package" --write-coco-json @/results.json
  try 60 "$adze" pose "$photo" -m "$package" --write-images @
fi
exit $bad

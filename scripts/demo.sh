#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `make demo`: compiles the pose network that comes with adze, runs it on
# pictures that do too, says where the drawn pictures and the keypoints are.
set -euo pipefail
cd "$(dirname "$0")/.."
model=models/pose/pose_small.onnx
out=build/demo

mkdir -p "$out"
build/bin/adze compile "$model" -o "$out/pose_small.tar" \
  --input-shapes "image:[1,3,257,257]" --print-pass-times
build/bin/adze pose models/pose/samples/*.jpg --model "$out/pose_small.tar" \
  --write-images "$out" --write-json "$out" --verbose
echo "package   $out/pose_small.tar"
echo "pictures  $out/*_rendered.png"
echo "JSON      $out/*_keypoints.json"
echo "With a picture of your own: build/bin/adze pose PICTURE.jpg" \
  "--write-images ."

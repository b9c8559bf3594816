#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `make demo`: compiles a pose network, runs it on a photo, says where the drawn
# picture and the keypoints are.
set -euo pipefail
cd "$(dirname "$0")/.."
model=../shared/models/onnx/posenet_mnv1_050.onnx
photo=../shared/photos/000000000785.jpg
out=build/demo

for file in "$model" "$photo"; do
  if [ ! -r "$file" ]; then
    echo "make demo needs $file, which is absent." >&2
    echo "With a pose network and a photo of your own:" >&2
    echo "  build/bin/adze pose PHOTO --model MODEL.onnx" \
      "--write-images . --write-json . --verbose" >&2
    exit 1
  fi
done

mkdir -p "$out"
build/bin/adze compile "$model" -o "$out/posenet.tar" \
  --input-shapes "image:[1,3,481,641]" --print-pass-times
build/bin/adze pose "$photo" --model "$out/posenet.tar" --decode multi \
  --write-images "$out" --write-json "$out" --verbose
echo "package  $out/posenet.tar"
echo "picture  $out/$(basename "$photo" .jpg)_rendered.png"
echo "JSON     $out/$(basename "$photo" .jpg)_keypoints.json"

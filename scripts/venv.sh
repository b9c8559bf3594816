#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes build/venv with what the comparison tests import: ONNX Runtime and ONNX
# to compare with, pycocotools to score poses, Pillow to render them. It comes
# from PyPI and is for tests only. Where that fails, the tests that need it skip.
set -u
cd "$(dirname "$0")/.." || exit 1
venv=build/venv
packages=(numpy==1.26.4 onnx==1.17.0 onnxruntime==1.20.1 pycocotools==2.0.8
  pillow==13.0.0)
stamp="$venv/made-for-$(printf '%s\n' "${packages[@]}" | cksum | cut -d' ' -f1)"

[ -e "$stamp" ] && exit 0
rm -rf "$venv"
mkdir -p build
if python3 -m venv "$venv" &&
  "$venv/bin/pip" install --quiet --disable-pip-version-check \
    "${packages[@]}"; then
  touch "$stamp"
else
  rm -rf "$venv"
  echo "build/venv could not be made; tests that compare with ONNX Runtime" \
    "will be skipped" >&2
fi

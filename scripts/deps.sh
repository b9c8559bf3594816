#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages that a purpose needs: build, check or all, each
# with those before it. Does nothing when they are there. On a terminal it asks
# first; elsewhere it goes ahead.
set -euo pipefail

build=(cmake ninja-build gcc libc6-dev pkg-config llvm-19-dev lld-19
  libavformat-dev libavcodec-dev libswscale-dev libavutil-dev libcairo2-dev
  libjansson-dev libzip-dev)
check=(libcmocka-dev g++ python3 python3-venv)
all=(qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross clang
  libclang-rt-14-dev)

case ${1:-build} in
build) wanted=("${build[@]}") ;;
check) wanted=("${build[@]}" "${check[@]}") ;;
all) wanted=("${build[@]}" "${check[@]}" "${all[@]}") ;;
*)
  echo "usage: scripts/deps.sh build|check|all" >&2
  exit 2
  ;;
esac

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "not a Debian system; please see to what these packages hold:" \
    "${wanted[*]}" >&2
  exit 0
fi

missing=()
for package in "${wanted[@]}"; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

echo "packages to install: ${missing[*]}"
if [ -t 0 ] && [ -t 1 ]; then
  read -r -p "Install them with apt-get now? [Y/n] " answer
  case $answer in
  [nN]*)
    echo "not installed; what needs them will be left out or fail" >&2
    exit 1
    ;;
  esac
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "not root and no sudo: install these packages first:" \
      "${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y --no-install-recommends "${missing[@]}"

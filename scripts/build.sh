#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Configures and builds: scripts/build.sh [FOLDER [CMAKE-OPTION…]].
# ADZE_BUILD_TARGET names a target to build instead of all.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-build}
shift || true

if ! command -v cmake >/dev/null; then
  echo "cmake is not installed; \`make deps\` installs what is needed" >&2
  exit 1
fi
# Configured each time: a package may have been installed since.
generator=()
if [ ! -f "$folder/CMakeCache.txt" ] && command -v ninja >/dev/null; then
  generator=(-G Ninja)
fi
cmake -S . -B "$folder" "${generator[@]}" -DADZE_WERROR="${ADZE_WERROR:-OFF}" \
  "$@"
cmake --build "$folder" ${ADZE_BUILD_TARGET:+--target "$ADZE_BUILD_TARGET"}

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs into a new folder and builds programs against what lies there alone:
# with the CMake package, and with pkg-config, shared and static.
# install_test.sh BUILD-FOLDER
set -eu
build=$1
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix

cmake --install "$build" --prefix "$prefix" >/dev/null
# Moved, so that nothing works by paths of the build.
mv "$prefix" "$work/moved"
prefix=$work/moved
pkgconfig=$(dirname "$(find "$prefix" -name adze-runtime.pc)")
library=$(dirname "$pkgconfig")

echo "== CMake package"
cmake -S "$here" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$prefix" >/dev/null
cmake --build "$work/cmake" >/dev/null
for program in "$work"/cmake/use_*; do
  echo "$(basename "$program"): $("$program")"
done

echo "== pkg-config"
export PKG_CONFIG_PATH=$pkgconfig LD_LIBRARY_PATH=$library
cc=${CC:-cc}
# shellcheck disable=SC2046
$cc "$here/use_runtime.c" $(pkg-config --cflags --libs adze-runtime) \
  -o "$work/shared"
"$work/shared"
$cc "$here/use_runtime.c" $(pkg-config --cflags adze-runtime) \
  "$library/libadze_runtime.a" -pthread -ldl -o "$work/static"
"$work/static"
if readelf -d "$work/static" | grep -q adze; then
  echo "the static program needs a library of adze"
  exit 1
fi
if [ -e "$library/libadze.so" ]; then
  $cc "$here/use_compiler.c" $(pkg-config --cflags --libs adze) \
    -o "$work/compiler"
  "$work/compiler"
fi
if [ -e "$library/libadze_pose.so" ]; then
  $cc "$here/use_pose.c" $(pkg-config --cflags --libs adze-pose) \
    -o "$work/pose"
  "$work/pose"
fi
if [ -x "$prefix/bin/adze" ]; then
  unset LD_LIBRARY_PATH
  # Large libraries are opened when first needed; not so where the build had
  # to link them (cmake/AdzeLazy.cmake).
  case $(uname -m) in
  x86_64 | aarch64)
    if ldd "$prefix/bin/adze" | grep -E 'LLVM|avcodec|cairo'; then
      echo "the program starts with a library that it seldom needs"
      exit 1
    fi
    ;;
  esac
  "$prefix/bin/adze" env >/dev/null
  echo "adze env"
  # The network of adze pose is found where it was installed.
  ADZE_CACHE=$work/cache "$prefix/bin/adze" pose \
    "$here/../../models/pose/samples/one.jpg"
fi

# SPDX-License-Identifier: Apache-2.0
# Read by scripts that run packages on a machine which is not this one, with
# $root: builds cross_run.c with the runtime, which is small enough for that to
# be one command.
cross_build() { # COMPILER OUTPUT
  local sources=() source name
  for source in "$root"/src/runtime/*.c; do
    case $source in
      *_test.c | *_fuzz.c) ;;
      *) sources+=("$source") ;;
    esac
  done
  for name in base status string file environment crc32c cpu; do
    sources+=("$root/src/base/$name.c")
  done
  "$1" -O1 -std=gnu11 -D_GNU_SOURCE -I"$root/src" -I"$root/include" \
    "$root/tests/integration/cross_run.c" "${sources[@]}" -o "$2" -pthread -lm
}

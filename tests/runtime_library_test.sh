#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What is promised of libadze_runtime: at most 100 KB stripped, needs libc only,
# defines no names but adze_… (neither does the static library).
# runtime_library_test.sh LIBRARY.so LIBRARY.a
set -u
shared=$1
archive=$2
bad=0
stripped=$(mktemp)
trap 'rm -f "$stripped"' EXIT

strip -o "$stripped" "$shared" || exit 1
size=$(stat -c %s "$stripped")
echo "$size bytes stripped"
[ "$size" -le 100000 ] || bad=1

needed=$(readelf -d "$shared" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p')
echo "needs $(echo $needed)"
for library in $needed; do
  case $library in
  libc.so.* | ld-linux*) ;;
  *)
    echo "needs $library, which is more than libc"
    bad=1
    ;;
  esac
done

foreign=$({
  nm -D --defined-only "$shared"
  nm -g --defined-only "$archive"
} | awk 'NF == 3 && $3 !~ /^adze_/ { print $3 }')
if [ -n "$foreign" ]; then
  echo "defines names that may meet a program's own: $foreign"
  bad=1
fi
exit $bad

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prints C for base/lazy.h: a jump for each function of the libraries that the
# sources name.
#
#   lazy_source.sh NAME ARCHITECTURE LIBRARY... -- SOURCE...
set -eu
export LC_ALL=C
name=$1 architecture=$2
shift 2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

files=
while [ "$1" != -- ]; do
  ${NM:-nm} -D --defined-only "$1" | awk '{ sub(/@.*/, "", $NF); print $NF }' \
    >>"$folder/defined"
  file=$(${READELF:-readelf} -d "$1" | sed -n 's/.*(SONAME).*\[\(.*\)\].*/\1/p')
  files="$files \"$file\","
  shift
done
shift
sort -u "$folder/defined" -o "$folder/defined"
grep -oh '\<[A-Za-z_][A-Za-z0-9_]*\>' "$@" | sort -u |
  comm -12 - "$folder/defined" >"$folder/names"
[ -s "$folder/names" ]

case $architecture in
  x86_64 | AMD64) jump='jmp *SLOT(%rip)' ;;
  aarch64 | arm64)
    jump='adrp x16, SLOT\\n  ldr x16, [x16, #:lo12:SLOT]\\n  br x16' ;;
  *) exit 1 ;;
esac
awk -v name="$name" -v files="$files" -v jump="$jump" '
  { names[NR - 1] = $1 }
  END {
    table = "lazy_" name "_functions"
    print "/* Made by scripts/lazy_source.sh. */"
    print "#include \"base/lazy.h\"\n"
    print "extern void *" table "[" NR "];"
    print "__attribute__((visibility(\"hidden\"))) void *" table "[" NR "];"
    print "static const char *const files[] = {" files "};"
    print "static const char *const names[] = {"
    for (i = 0; i < NR; i++)
      print "  \"" names[i] "\","
    print "};"
    print "extern struct lazy_library lazy_" name ";"
    print "struct lazy_library lazy_" name " = {"
    print "  files, sizeof files / sizeof *files, names, " table ", " NR \
      ", false};\n"
    print "__asm__(\".text\\n\""
    for (i = 0; i < NR; i++) {
      line = ".globl NAME\\n.hidden NAME\\n.type NAME, %function\\n" \
        "NAME:\\n  " jump "\\n.size NAME, .-NAME\\n"
      gsub(/NAME/, names[i], line)
      gsub(/SLOT/, table "+8*" i, line)
      print "\"" line "\""
    }
    print ");"
  }' "$folder/names"

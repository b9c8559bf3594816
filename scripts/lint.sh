#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The form of the sources, in one pass of awk over each: the size of files and
# functions, the first line, leftovers. Prints what is wrong, a line each.
#
# A function is what starts with ") {" at the end of a declaration that begins
# in the first column, up to the next "}" in the first column.
set -u
cd "$(dirname "$0")/.." || exit 1

git ls-files --cached --others --exclude-standard -- '*.c' '*.h' '*.def' |
  while read -r file; do
    [ -f "$file" ] || continue
    awk -v file="$file" -v max_lines=800 -v max_function=80 '
      function complain(line, text) {
        printf "%s:%d: %s\n", file, line, text
      }
      FNR == 1 && file !~ /\.def$/ && $0 != "/* SPDX-License-Identifier: Apache-2.0 */" {
        complain(1, "the first line is not the SPDX line")
      }
      /\t/ { complain(FNR, "a tab") }
      /[ \t]$/ { complain(FNR, "blanks at the end of a line") }
      /(TODO|FIXME)/ { complain(FNR, "a leftover: " $0) }
      /^ *# *if 0/ { complain(FNR, "dead code: " $0) }
      /\) \{$/ { if (!start && (/^[A-Za-z_]/ || head)) start = FNR }
      { head = (/^[A-Za-z_]/ || (head && /^ /)) && !/[;}]$/ && !start }
      /^}/ {
        if (start && /^}$/ && FNR - start + 1 > max_function)
          complain(start, "a function of " FNR - start + 1 " lines")
        start = 0
      }
      END {
        if (FNR > max_lines) complain(FNR, "a file of " FNR " lines")
      }' "$file"
    # awk may count bytes; columns are characters. Tables may be wider.
    case $file in
    *.def) ;;
    *)
      LC_ALL=C.UTF-8 grep -nE '^.{81,}' "$file" |
        sed "s|^\([0-9]*\):.*|$file:\1: longer than 80 columns|"
      ;;
    esac
  done | (
  if grep .; then
    exit 1
  fi
)

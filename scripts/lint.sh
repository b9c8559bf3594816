#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The form of the sources: the size of files and functions, the first line,
# leftovers, width. Prints what is wrong, a line each.
#
# A function is what starts with ") {" at the end of a declaration that begins
# in the first column, up to the next "}" in the first column.
set -u
cd "$(dirname "$0")/.." || exit 1

mapfile -t files < <(git ls-files --cached --others --exclude-standard -- \
  '*.c' '*.h' '*.def' | while read -r file; do
  [ -f "$file" ] && echo "$file"
done)

form() {
  awk -v max_lines=800 -v max_function=80 '
    function complain(line, text) {
      printf "%s:%d: %s\n", file, line, text
    }
    function end_file() {
      if (lines > max_lines) complain(lines, "a file of " lines " lines")
    }
    FNR == 1 {
      end_file()
      file = FILENAME
      start = head = 0
      if (file !~ /\.def$/ && $0 != "/* SPDX-License-Identifier: Apache-2.0 */")
        complain(1, "the first line is not the SPDX line")
    }
    { lines = FNR }
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
    END { end_file() }' "$@"
}

# awk may count bytes; columns are characters. Tables may be wider.
width() {
  printf '%s\n' "$@" | grep -v '\.def$' |
    LC_ALL=C.UTF-8 xargs -d '\n' grep -nHE '^.{81,}' |
    sed 's/^\([^:]*:[0-9]*\):.*/\1: longer than 80 columns/'
}

found=$(form "${files[@]}"; width "${files[@]}")
[ -z "$found" ] && exit 0
echo "$found"
exit 1

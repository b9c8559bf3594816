#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Checks every include of src/ against the layers:
#
#   base < ir < machine < op < {import, schedule} < pass < lower < target
#        < package < driver;   runtime, media, pose, cli see base only
#
# Public headers (adze/…) may be included anywhere. Tests, and what lies in a
# folder test/, may include test.h too, but are bound to the layers like the
# code beside them.
set -u
cd "$(dirname "$0")/.." || exit 1

awk '
  function allow(folder, list,   names, count, i) {
    count = split(list " " folder, names, " ")
    for (i = 1; i <= count; i++) allowed[folder, names[i]] = 1
    known[folder] = 1
  }
  BEGIN {
    allow("base", "")
    allow("ir", "base")
    allow("machine", "base ir")
    allow("op", "base ir machine")
    allow("import", "base ir machine op")
    allow("schedule", "base ir machine op")
    allow("pass", "base ir machine op import schedule")
    allow("lower", "base ir machine op import schedule pass")
    allow("target", "base ir machine op import schedule pass lower")
    allow("package", "base ir machine op import schedule pass lower target")
    allow("driver",
          "base ir machine op import schedule pass lower target package")
    allow("runtime", "base")
    allow("media", "base")
    allow("pose", "base")
    allow("cli", "base")
    list = "git ls-files --cached --others --exclude-standard -- src"
    while ((list | getline file) > 0)
      if (file ~ /\.[ch]$|\.def$/) check_file(file)
    printf "%d includes in %d files\n", includes, files
    exit bad || includes == 0
  }
  function check_file(file,   parts, folder, line, name, target) {
    split(file, parts, "/")
    folder = parts[2]
    files++
    if (!(folder in known)) {
      printf "%s: the folder has no layer\n", file
      bad = 1
      return
    }
    while ((getline line < file) > 0) {
      if (line !~ /^ *# *include *"/) continue
      includes++
      name = line
      sub(/^[^"]*"/, "", name)
      sub(/".*/, "", name)
      if (name ~ /^adze\// || name == "adze_config.h") continue
      if (name == "test.h" && file ~ /_test\.c$|\/test\//) continue
      target = name
      sub(/\/.*/, "", target)
      if (name !~ /\// || !((folder, target) in allowed)) {
        printf "%s includes %s, which is not below its layer\n", file, name
        bad = 1
      }
    }
    close(file)
  }'

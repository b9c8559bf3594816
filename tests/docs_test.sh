#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Documents say what is: docs/ENV.md is what its script prints; links lead to
# files; files and folders of this repository that a page names in backticks
# exist. A name with <…>, NAME, * or ... in it stands for many and is let be.
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0

complain() {
  echo "$1"
  bad=1
}

scripts/env_doc.sh | diff docs/ENV.md - ||
  complain "docs/ENV.md is out of date: scripts/env_doc.sh >docs/ENV.md"

for page in README.md CONTRIBUTING.md docs/*.md; do
  folder=$(dirname "$page")
  while read -r link; do
    [ -e "$folder/${link%%#*}" ] || complain "$page: a link to $link"
  done < <(grep -oE '\]\([^)]+\)' "$page" | sed -E 's/^\]\(|\)$//g' |
    grep -vE '^(https?:|#)')
  while read -r name; do
    [ -e "$name" ] || complain "$page: $name does not exist"
  done < <(grep -oE '`(src|include|docs|scripts|tests|bench|cmake|examples)/[^` ]*`' \
    "$page" | tr -d '\`' | sed 's/:.*//' | grep -vE '[<*…]|NAME|\.\.\.')
done
exit $bad

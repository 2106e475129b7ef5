#!/usr/bin/env bash
# Every function that libjeton exports has a manual page, and no page, of the agent either, has a mistake that groff can
# see.
#   man_pages.sh SOURCE_DIR BUILD_DIR
set -euo pipefail
source=$1 build=$2
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
cmake --install "$build" --prefix "$tree" --component client >/dev/null
pages=$tree/share/man

failed=0
for function in $(sed -n 's/^ *\(jeton_[a-z_]*\);.*/\1/p' "$source/libclient/src/libjeton.map"); do
  page=$pages/man3/$function.3
  if [ ! -s "$page" ]; then
    echo "no manual page for $function" >&2
    failed=1
  elif target=$(sed -n 's/^\.so //p' "$page") && [ -n "$target" ]; then
    grep -q "^\.Fn $function " "$pages/$target" || { echo "$target does not describe $function" >&2; failed=1; }
  fi
done
command -v groff >/dev/null || { echo "skipped: no groff to look for mistakes in the pages"; exit $((failed ? 1 : 77)); }
for page in "$pages"/man*/* "$source"/systemd/man/* "$source"/config/man/*; do
  grep -q '^\.so ' "$page" && continue
  warnings=$(groff -t -man -mandoc -ww -z -Tutf8 "$page" 2>&1) || true
  [ -z "$warnings" ] || { echo "$page: $warnings" >&2; failed=1; }
done
exit $failed

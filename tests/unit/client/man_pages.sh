#!/usr/bin/env bash
# Every function that libjeton exports has a manual page, every command and option of the programs is on the page of the
# program, and no page has a mistake that groff can see.
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
# The long names of options in a help text, and the commands of a program.
options_in() { grep -oE '^ +(-[^ ,]*,)?--[a-z-]+' | grep -oE -e '--[a-z-]+$' | sort -u; }
commands_in() { awk 'tolower($0) ~ /^subcommands:/ { on = 1; next } /^[^ ]/ { on = 0 } on && /^ ? ?[a-z]/ { print $1 }'; }
check_program() { # PROGRAM PAGE
  local program=$1 page=$2 text command inner option counted=0
  local -a all=("")
  text=$(sed 's/\\-/-/g' "$page")
  for command in $("$program" --help | commands_in); do
    all+=("$command")
    for inner in $("$program" "$command" --help | commands_in); do all+=("$command $inner"); done
  done
  for command in "${all[@]}"; do
    [ -z "$command" ] || grep -qE "(^|[^a-z-])$command([^a-z-]|$)" <<<"$text" || { echo "$page does not have the command $command" >&2; failed=1; }
    for option in $("$program" $command --help | options_in); do
      counted=$((counted + 1))
      grep -qE -e "$option([^a-z-]|$)" <<<"$text" || { echo "$page does not have $option of '$command'" >&2; failed=1; }
    done
  done
  [ "$counted" -ge 10 ] || { echo "$program has $counted options; its help is not read as it was" >&2; failed=1; }
}
check_program "$build/libclient/ctl/jetonctl" "$source/libclient/man/jetonctl.1"
check_program "$build/agent/cli/jeton-agent" "$source/systemd/man/jeton-agent.8"

command -v groff >/dev/null || { echo "skipped: no groff to look for mistakes in the pages"; exit $((failed ? 1 : 77)); }
for page in "$pages"/man*/* "$source"/systemd/man/* "$source"/config/man/*; do
  grep -q '^\.so ' "$page" && continue
  warnings=$(groff -t -man -mandoc -ww -z -Tutf8 "$page" 2>&1) || true
  [ -z "$warnings" ] || { echo "$page: $warnings" >&2; failed=1; }
done
exit $failed

#!/usr/bin/env bash
# Completion of jetonctl in bash, beside a running agent: commands, options, tokens, locks; and while the agent hangs.
#   completion_test.bash FOLDER_OF_COMPLETIONS
set -euo pipefail
fail() { echo "FAILED: $*" >&2; exit 1; }
PATH=$(dirname "$JETONCTL"):$PATH
. "$1/bash/jetonctl"
complete -p jetonctl >/dev/null || fail "there is no completion of jetonctl"

offered() { # LINE
  COMP_LINE=$1 COMP_POINT=${#1} COMPREPLY=()
  _jetonctl || true
  printf '%s\n' "${COMPREPLY[@]}" | LC_ALL=C sort | paste -sd' '
}
expect() { # LINE OFFERED
  local found
  found=$(offered "$1")
  [ "$found" = "$2" ] || fail "'$1' is completed by '$found', not by '$2'"
}

jetonctl lock run nightly:backup --ttl 60s -- sleep 1000 &
holder=$!
trap 'kill $holder 2>/dev/null || true' EXIT
until jetonctl names locks | grep -qx nightly:backup; do sleep 0.05; done

commands=$({ jetonctl nosuch 2>&1 || true; } | sed -n 's/.*the commands are //p' | sed 's/ and /, /; s/, /\n/g' | LC_ALL=C sort | paste -sd' ')
[ "$(wc -w <<<"$commands")" -gt 8 ] || fail "jetonctl does not list its commands: $commands"
expect "jetonctl " "$commands"
expect "jetonctl doc" "doctor"
expect "jetonctl get " "api"
expect "jetonctl get a" "api"
expect "jetonctl get b" ""
expect "jetonctl get api " ""
expect "jetonctl get --wait 5s " "api"
expect "jetonctl get --header " "api"
expect "jetonctl get --mi" "--min-ttl"
expect "jetonctl get --d" "--dir"
expect "jetonctl --format " "json table"
expect "jetonctl --format json hist" "history"
expect "jetonctl status --format=j" "json"
expect "jetonctl doctor " ""
expect "jetonctl log-level d" "debug"
expect "jetonctl names " "locks tokens"
expect "jetonctl exec " "api"
expect "jetonctl exec nosuch,a" "nosuch,api"
expect "jetonctl exec api --env T=" "api"
expect "jetonctl exec api --stop-signal TER" "TERM"
expect "jetonctl lock " "acquire extend release run show"
expect "jetonctl lock show n" "nightly:backup"
expect "jetonctl lock show nightly:b" "backup"
expect "jetonctl lock run x --also " "nightly:backup"
expect "jetonctl --dir /nonexistent get " ""
[[ " $(offered "jetonctl lock run x -- tru") " == *" true "* ]] || fail "the command behind -- is not completed"

# Each option of each command, as its help has them.
for command in get status watch wait rejected refresh history exec "lock run" "lock acquire"; do
  # shellcheck disable=SC2086
  for option in $(jetonctl $command --help | grep -oE '^ +[-a-zA-Z,]+' | grep -oE -- '--[a-z-]+'); do
    [[ " $(offered "jetonctl $command --") " == *" $option "* ]] || fail "$command: $option is not offered"
  done
done

kill -STOP "$AGENT_PID"
expect "jetonctl get " "api"
expect "jetonctl lock show " ""
kill -CONT "$AGENT_PID"
echo "1 passed, 0 failed"

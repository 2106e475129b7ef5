#!/usr/bin/env bash
# Sourced by tests/run and tests/soak in the root of the tree. Status 1, with the reason: another of them runs there, and
# both would write build/; or there is no room for temporary files.
#
# The lock is that of descriptor 9, so it ends with this shell and its subshells, however they end. What a run starts does not
# have it: a server that a test left behind keeps no lock.
umask 022 # other users run programs of build/, and the agent refuses directories that they may write
mkdir -p build
exec 9>build/run.lock
if ! flock -n 9; then
  echo "another tests/run or tests/soak runs in this tree: wait for its end" >&2
  return 1
fi

results=$(mktemp -d) || return 1
trap 'for group in $(cat "$results"/*.group 2>/dev/null); do kill -- "-$group"; done 2>/dev/null; rm -rf "$results"' EXIT

# Runs a command in a session of its own: all of it ends with this shell, and none is stopped because it sets up a terminal in
# the background.
in_session() { # name, command...
  local group=$results/$1.group status
  shift
  setsid "$@" 9>&- </dev/null &
  echo $! >"$group"
  wait $!
  status=$?
  rm -f "$group"
  return "$status"
}

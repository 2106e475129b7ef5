#!/usr/bin/env bash
# An application in a container: its own mounts, /dev/shm, process ids, IPC and network, another root file system, and
# of the host nothing but the agent's runtime directory, mounted read-only. container_test.sh BUILD_DIR root|user
#   root   a container as Docker and Kubernetes make it: the same user ids as the host
#   user   with a user namespace: root in it is user 12345 of the host, whom the token's access list names
set -euo pipefail
. "$(dirname "$0")/eventually.sh"
build=$1 kind=$2
agent=$build/agent/cli/jeton-agent ctl=$build/libclient/ctl/jetonctl provider=$build/tests/system/jeton_test_provider
work=$(mktemp -d /dev/shm/jeton-container-XXXXXX)
chmod 755 "$work"

clean_up() {
  local status=$?
  for pid in $(jobs -p); do kill -KILL "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  if [ "$status" != 0 ] && [ "$status" != 77 ]; then tail -n 30 "$work"/*.log >&2 || true; fi
  rm -rf "$work"
}
trap clean_up EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }

as_user=() namespaces=(--mount --pid --fork --ipc --net --kill-child)
if [ "$kind" = user ]; then
  as_user=(setpriv --reuid 12345 --regid 12345 --clear-groups) namespaces+=(--user --map-root-user)
fi
"${as_user[@]}" unshare "${namespaces[@]}" true 2>/dev/null || { echo "skipped: this kernel makes no such namespaces"; exit 77; }

"$provider" "$work/url" >"$work/provider.log" 2>&1 &
eventually test -s "$work/url" || fail "no provider"
cat >"$work/agent.yaml" <<YAML
version: 1
agent: {runtime_dir: $work/run, log: {format: text}}
tokens:
  api:
    source: {type: http, url: "$(cat "$work/url")"}
    access: {users: ["12345"]}
    refresh: {min_interval: 10ms}
YAML
"$agent" run --config "$work/agent.yaml" 2>"$work/agent.log" &
eventually "$ctl" --dir "$work/run" get api || fail "no token"

# The container's root: the reader, what it is linked with, and mount points.
root=$work/root
mkdir -p "$root"/{run/jeton,dev/shm,proc,tmp}
for file in "$build/tests/system/container_reader" $(ldd "$build/tests/system/container_reader" | grep -o '/[^ ]*'); do
  install -D "$(readlink -f "$file")" "$root/$file"
done
"${as_user[@]}" unshare "${namespaces[@]}" sh -euc '
  mount --make-rprivate /
  mount --bind "$1" "$1"
  mount --bind "$2" "$1/run/jeton"
  mount -o remount,bind,ro,nosuid,nodev,noexec "$1/run/jeton"
  mount -t tmpfs tmpfs "$1/dev/shm"
  mount -t proc proc "$1/proc"
  exec chroot "$1" "$3" /run/jeton' container "$root" "$work/run" "$build/tests/system/container_reader" \
  >"$work/said" 2>"$work/container.log" &
container=$!

said() { grep -qx "$1" "$work/said"; }
refresh() { "$ctl" --dir "$work/run" refresh api >/dev/null; }
# A bare futex misses a change between its last words and its wait.
refresh_until_said() { refresh || true; said "$1"; }
eventually said "waiting for a wake-up" || fail "does not wait for a wake-up; said: $(cat "$work/said")"
eventually refresh_until_said woken || fail "not woken from outside; said: $(cat "$work/said")"
eventually said "waiting for a token" || fail "does not wait for a token; said: $(cat "$work/said")"
refresh || fail "the refresh is refused"
eventually said waited || fail "a change was missed; said: $(cat "$work/said")"
status=0
wait "$container" || status=$?
[ "$status" = 0 ] || fail "the reader ended with $status; said: $(cat "$work/said")"
for step in read woken waited event rejected diagnosed; do said "$step" || fail "no step $step"; done

#!/usr/bin/env bash
# Two hosts, each a network namespace with an agent and a provider of its own, and a Redis beside the first one; the
# wire between them is cut and mended. partition_test.sh BUILD_DIR
set -euo pipefail
. "$(dirname "$0")/eventually.sh"
build=$1
agent=$build/agent/cli/jeton-agent ctl=$build/libclient/ctl/jetonctl provider=$build/tests/system/jeton_test_provider
near=jeton-near-$$ far=jeton-far-$$ wire=jt$$
work=$(mktemp -d /dev/shm/jeton-partition-XXXXXX)

clean_up() {
  local status=$?
  for pid in $(jobs -p); do kill -KILL "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  ip netns del "$near" 2>/dev/null || true
  ip netns del "$far" 2>/dev/null || true
  if [ "$status" != 0 ]; then tail -n 30 "$work"/*.log >&2 || true; fi
  rm -rf "$work"
}
trap clean_up EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }

ip netns add "$near"
ip netns add "$far"
ip link add "$wire"n netns "$near" type veth peer name "$wire"f netns "$far"
ip -n "$near" addr add 192.0.2.1/24 dev "$wire"n # TEST-NET-1, RFC 5737
ip -n "$far" addr add 192.0.2.2/24 dev "$wire"f
for host in "$near" "$far"; do ip -n "$host" link set lo up; done
ip -n "$near" link set "$wire"n up
ip -n "$far" link set "$wire"f up

ip netns exec "$near" redis-server --bind 192.0.2.1 --port 6379 --protected-mode no --save '' --dir "$work" \
  >"$work/redis.log" 2>&1 &
start_host() { # name, namespace
  ip netns exec "$2" "$provider" "$work/$1.url" 40 >"$work/$1.provider" 2>&1 &
  eventually test -s "$work/$1.url" || fail "no provider on the $1 host"
  cat >"$work/$1.yaml" <<YAML
version: 1
agent: {runtime_dir: $work/$1, log: {format: text}}
coordination:
  backend: redis
  redis: {endpoint: "redis://192.0.2.1:6379"}
  lock: {ttl: 2s}
tokens:
  api:
    source: {type: http, url: "$(cat "$work/$1.url")"}
    refresh: {grace: 20s, spread: 1s}
YAML
  ip netns exec "$2" "$agent" run --config "$work/$1.yaml" 2>"$work/$1.log" &
}
get() { "$ctl" --dir "$work/$1" get api >/dev/null; }
generation() { "$ctl" --dir "$work/$1" --format json status api | sed -n 's/^ *{*"name".*"generation": *\([0-9]*\).*/\1/p; s/.*"generation": *\([0-9]*\), *"fingerprint".*/\1/p' | head -n 1; }
issued() { sed -n 's/^issued //p' "$work/$1.provider" | tail -n 1; }
printed() { grep -c '^issued ' "$work/$1.provider"; }
has_printed() { [ "$(printed "$1")" -ge "$2" ]; }
# The provider prints its count once a second: after two more lines all calls until now are in it.
settled_issued() { eventually has_printed "$1" $(($(printed "$1") + 2)) || fail "the provider prints nothing"; issued "$1"; }
newer_than() { [ "$(generation "$1")" -gt "$2" ]; }
agree() { [ -n "$(generation near)" ] && [ "$(generation near)" = "$(generation far)" ]; }

start_host near "$near"
start_host far "$far"
eventually get near || fail "no token on the near host"
eventually get far || fail "no token on the far host"
eventually agree || fail "two tokens before the cut"

ip -n "$near" link set "$wire"n down
before=$(generation far) spent=$(settled_issued far)
[ -n "$before" ] || fail "jetonctl status shows no generation"
eventually newer_than near "$before" || fail "the side with Redis did not refresh"
get far || fail "the side without Redis cannot read"
[ "$(generation far)" = "$before" ] || fail "the side without Redis has another token"
[ "$(settled_issued far)" = "$spent" ] || fail "the side without Redis fetched"

ip -n "$near" link set "$wire"n up
eventually agree || fail "two tokens after the cut was mended: $(generation near) and $(generation far)"
eventually get far || fail "no valid token after the cut was mended"

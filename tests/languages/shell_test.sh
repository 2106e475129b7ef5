#!/usr/bin/env bash
# What a shell script does with jetonctl: reads, waits for a change, reports a rejection.
set -euo pipefail
fail() { echo "FAILED: $*" >&2; exit 1; }

first=$("$JETONCTL" get api)
[ -n "$first" ] || fail "no token"
[ "$("$JETONCTL" get api --header)" = "Authorization: Bearer $first" ] || fail "the header is not of the token"
generation=$("$JETONCTL" wait api)

"$JETONCTL" wait api --after "$generation" --timeout 60s >"$JETON_DIR.newer" &
waiter=$!
until grep -qs '(jetonctl) S ' "/proc/$waiter/stat"; do sleep 0.02; done
"$JETONCTL" refresh api >/dev/null
wait "$waiter" || fail "the change was not seen"
newer=$(cat "$JETON_DIR.newer")
[ "$newer" -gt "$generation" ] || fail "generation $newer is not above $generation"
[ "$("$JETONCTL" get api)" != "$first" ] || fail "the old token is still there"

"$JETONCTL" rejected api --generation "$newer" --wait 60s >/dev/null || fail "the rejection led to no new token"
[ "$("$JETONCTL" wait api)" -gt "$newer" ] || fail "still the rejected generation"

status=0
"$JETONCTL" get nosuch 2>/dev/null || status=$?
[ "$status" -eq 1 ] || fail "an unknown token gives exit status $status"
echo "1 passed, 0 failed"

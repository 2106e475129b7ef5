# For sourcing: waits for what must become true, and no longer than it takes.

eventually() { # seconds, command...
  local left=$(($1 * 10)); shift
  until "$@" >/dev/null 2>&1; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || return 1
    sleep 0.1
  done
}

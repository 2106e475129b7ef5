# For sourcing: runs a command until it succeeds. The bound of a minute is for a test that fails, not for a slow machine.

eventually() { # command...
  local left=600
  until "$@" >/dev/null 2>&1; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || return 1
    sleep 0.1
  done
}

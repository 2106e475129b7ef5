#!/bin/sh
# The ABI of libjeton beside what was promised (tests/abi/record). abi_test.sh BEHAVIOUR LIBRARY CXX
set -eu
behaviour=$1 library=$2 cxx=$3
here=$(cd "$(dirname "$0")" && pwd)
. "$here/abi.sh"
command -v abidiff >/dev/null && command -v abidw >/dev/null || { echo "skipped: no abigail-tools"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }

# A library of this source with one change: a sed script and the file below libclient that it changes.
variant() { # name, file, sed script
  mkdir -p "$work/$1"
  cp -r "$root/libclient" "$work/$1/libclient"
  sed -i "$3" "$work/$1/libclient/$2"
  ! cmp -s "$root/libclient/$2" "$work/$1/libclient/$2" || fail "variant $1 changes nothing"
  (
    cd "$work/$1"
    compile_libclient "$cxx" -g -O0 -fPIC -fvisibility=hidden
    "$cxx" -shared -o libjeton.so.1 -Wl,-soname,libjeton.so.1 -Wl,--version-script=libclient/src/libjeton.map unit.o
  )
}
verdict() { # name: sets $verdict
  verdict=0
  dump "$work/$1/libjeton.so.1" "$work/$1/libclient/include" >"$work/$1/dump"
  keeps "$here/libjeton.abi" "$work/$1/dump" >"$work/$1/report" 2>&1 || verdict=$?
}
refused() { # name, file, sed script, what the report says
  variant "$@"; verdict "$1"
  [ "$verdict" != 0 ] || fail "the gate let $1 through"
  grep -q "$4" "$work/$1/report" || { cat "$work/$1/report"; fail "$1 was refused for another reason"; }
}
accepted() { # name, file, sed script
  variant "$@"; verdict "$1"
  [ "$verdict" = 0 ] || { cat "$work/$1/report"; fail "the gate refused $1, which nobody would notice"; }
}

header=include/jeton/jeton.h map=src/libjeton.map
case $behaviour in
  record)
    dump "$library" "$root/libclient/include" >"$work/dump"
    keeps "$here/libjeton.abi" "$work/dump" ||
      fail "a program built against the recorded libjeton.so.1 would break (or call tests/abi/record after an addition)"
    ;;
  symbols)
    # Whatever is exported is in the file, and the other way round.
    exported "$library" >"$work/exported"
    sed -n 's/^ \([^ ]*\) .*/\1/p' "$symbols" | LC_ALL=C sort >"$work/promised"
    diff -u "$work/promised" "$work/exported" || fail "libclient/libjeton1.symbols is not what is exported: tests/abi/record"
    ;;
  breaks)
    refused member-inserted $header 's/^  uint64_t generation; .*rises from.*/  uint64_t inserted;\n&/' "'uint64_t inserted'"
    refused member-changed $header 's/^  int64_t heartbeat_ms; /  int32_t heartbeat_ms; /' "type of 'int64_t heartbeat_ms' changed"
    refused function-gone $map '/jeton_accepts;/d' "1 Removed"
    refused status-renumbered $header 's/JETON_EXPIRED = 2,/JETON_EXPIRED = 99,/' "JETON_EXPIRED' from value '2' to '99'"
    refused version-node-renamed $map 's/^JETON_0.1 /JETON_0.2 /' "36 Removed"
    ;;
  additions)
    accepted member-added $header 's/^\(.*  char type\[68\];.*\)/\1\n  uint64_t added;/; s/\(0, 0, 0, 0, { 0 }\) }/\1, 0 }/'
    accepted status-added $header 's/JETON_AGENT_REFUSED = 24,/JETON_ADDED = 99, JETON_AGENT_REFUSED = 24,/'
    accepted handle-grown src/token.hpp 's/^  char\* directory = nullptr;.*/  long added = 0;\n&/'
    ;;
  *) fail "unknown behaviour $behaviour" ;;
esac

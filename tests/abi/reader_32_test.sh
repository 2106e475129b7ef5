#!/bin/sh
# A reader built for 32 bits beside a 64-bit writer. reader_32_test.sh PUBLISHER CXX
set -eu
publisher=$1 cxx=$2
here=$(cd "$(dirname "$0")" && pwd)
. "$here/abi.sh"
work=$(mktemp -d)
publisher_pid=
finish() {
  status=$?
  if [ -n "$publisher_pid" ]; then kill "$publisher_pid" 2>/dev/null || true; fi
  rm -rf "$work"
  exit $status
}
trap finish EXIT

echo 'int main(void) { return 0; }' >"$work/probe.c"
"$cxx" -m32 -x c++ "$work/probe.c" -o "$work/probe" 2>/dev/null && "$work/probe" ||
  { echo "skipped: $cxx -m32 does not link here (g++-multilib), or the kernel runs no 32-bit programs"; exit 77; }

cd "$work"
ln -s "$root/libclient" .
compile_libclient "$cxx" -m32 -O2 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wno-subobject-linkage -Werror
# As C, and linked by the C compiler: the client needs nothing of the C++ runtime with 32 bits either, nor libatomic,
# whose 64-bit load would write to the page that it loads from.
cc -m32 -std=c11 -Wall -Wextra -Werror -Ilibclient/include "$here/reader_32.c" unit.o -o reader

"$publisher" "$work/run" &
publisher_pid=$!
tries=0
until [ -e "$work/run/segments/example" ]; do
  tries=$((tries + 1))
  [ $tries -lt 600 ] || { echo "the publisher made no segment"; exit 1; }
  sleep 0.05
done
JETON_DIR="$work/run" "$work/reader" example

#!/bin/sh
# installed_tree.sh BUILD_DIR PUBLISHER
#
# Installs the client into a prefix of its own and, with nothing but that, builds the examples by CMake and by pkg-config
# and runs them against a live segment that PUBLISHER keeps.
set -eu
build_dir=$1
publisher=$2

work=$(mktemp -d)
publisher_pid=
finish() {
  status=$?
  if [ -n "$publisher_pid" ]; then kill "$publisher_pid" 2>/dev/null || true; fi
  rm -rf "$work"
  exit $status
}
trap finish EXIT

cmake --install "$build_dir" --component client --prefix "$work/prefix" >/dev/null
cp -r "$work/prefix/share/doc/jeton/examples" "$work/examples"
libdir=$(dirname "$(find "$work/prefix" -name libjeton.so.1)")
test -n "$libdir"
export PKG_CONFIG_PATH="$libdir/pkgconfig"
export LD_LIBRARY_PATH="$libdir"
export CMAKE_GENERATOR=Ninja  # as the project's own build; make may be missing

for language in c cpp; do
  cmake -S "$work/examples/$language" -B "$work/build-$language" -DCMAKE_PREFIX_PATH="$work/prefix" \
    -DCMAKE_BUILD_TYPE=Release >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
  cmake --build "$work/build-$language" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
done
# shellcheck disable=SC2046
cc -std=c99 -Wall -Wextra -Werror "$work/examples/c/show_token.c" $(pkg-config --cflags --libs jeton) -o "$work/show_token"
# shellcheck disable=SC2046
c++ -std=c++17 -Wall -Wextra -Werror "$work/examples/cpp/follow_token.cpp" $(pkg-config --cflags --libs jeton) \
  -o "$work/follow_token"
if pkg-config --exists libcurl; then
  # shellcheck disable=SC2046
  c++ -std=c++17 -Wall -Wextra -Werror "$work/examples/cpp/curl_header.cpp" $(pkg-config --cflags --libs jeton libcurl) \
    -o "$work/curl_header"
  if "$work/curl_header" other http://127.0.0.1:1/ 2>"$work/log"; then exit 1; fi
  grep -q "token 'other'" "$work/log" # it runs; what it does is tested by Language.curl_header
fi
# The static library needs no C++ runtime: a C compiler links it.
# shellcheck disable=SC2046
cc -std=c99 "$work/examples/c/show_token.c" $(pkg-config --cflags jeton) "$libdir/libjeton.a" -o "$work/show_token_static"

"$publisher" "$work/run" &
publisher_pid=$!
export JETON_DIR="$work/run"
tries=0
until [ -e "$work/run/segments/example" ]; do
  tries=$((tries + 1))
  [ $tries -lt 600 ] || { echo "the publisher made no segment"; exit 1; }
  sleep 0.05
done

for program in "$work/show_token" "$work/show_token_static" "$work/build-c/show_token"; do
  "$program" example 30 | grep -q '^Authorization: Bearer exam\.\.\.' || { echo "$program failed"; exit 1; }
done
for program in "$work/follow_token" "$work/build-cpp/follow_token"; do
  [ "$("$program" example 3 30 | grep -c '^generation ')" -eq 3 ] || { echo "$program failed"; exit 1; }
done
# What is not there is said.
if "$work/show_token" other 1 2>"$work/log"; then exit 1; fi
grep -q 'not found' "$work/log"

# What the scripts of this folder share; $here is the folder.
root=$(cd "$here/../.." && pwd)
symbols=$root/libclient/libjeton1.symbols

# libclient, below the current folder, as one unit, which compiles in a fifth of the time: unit.o. The folder is another
# one each time; ccache, if it is installed, knows the unit in any.
compile_libclient() { # compiler, more of its arguments
  printf '#include "%s"\n' libclient/src/*.cpp >unit.cpp
  CCACHE_NOHASHDIR=1 $(command -v ccache) "$@" -std=c++20 -fno-exceptions -fno-rtti -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 \
    -DJETON_VERSION_TEXT='"0"' -I. -Ilibclient/include -c unit.cpp
}

dump() { # library, folder of its headers
  # Nothing in it that differs between two builds of the same source. A type counts as public if a header of its file's
  # name is: no private header may be called as a public one is.
  abidw --exported-interfaces-only --headers-dir "$2" --drop-private-types --no-elf-needed \
    --no-corpus-path --no-comp-dir-path --no-show-locs "$1"
}
exported() { # library: name@version, sorted
  nm -D --defined-only --with-symbol-versions "$1" | awk '{ print $3 }' | sed 's/@@/@/' |
    awk '/^JETON_[0-9.]+$/ { $0 = $0 "@" $0 } { print }' | LC_ALL=C sort
}
# 0: nothing that a program built against the recorded dump would notice. Additions are none: of functions, of
# enumerators, of members at the end of a struct that begins with its size.
keeps() { # recorded dump, new dump
  plain=$(abidiff --no-added-syms "$1" "$2") && return 0
  # A suppression of abigail 2.2 forgives a grown struct its changed members too, so those are looked for first.
  if ! echo "$plain" | grep -Eq 'data member (change|deletion)|offset changed' &&
    abidiff --no-added-syms --suppressions "$here/allowed.ini" "$1" "$2" >/dev/null; then
    return 0
  fi
  echo "$plain"
  return 1
}

#!/usr/bin/env bash
# Every installed program and library is hardened: position independent, relocations read-only before main (RELRO and
# BIND_NOW), no executable stack, no text relocations, no path of libraries of its own, stack protector, FORTIFY, marked
# targets of indirect branches (CET, on x86-64), and no function that it must not call. Samples that lack one of these each
# are refused first.
#   hardened_binaries.sh BUILD_DIR CC
set -euo pipefail
export LC_ALL=C
build=$1 cc=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Functions that no program here needs: without bounds, with a name that another may take, or through a shell.
forbidden='gets|sprintf|vsprintf|mktemp|tmpnam|tempnam|system|popen|wordexp'
# libclient/README.md: throws nothing, writes no log, starts no thread, installs no signal handler. It does not end the process either.
forbidden_to_libjeton='_Z.*|__cxa_(throw|allocate_exception|begin_catch)|pthread_create|thrd_create|sigaction|signal|syslog|openlog|'
forbidden_to_libjeton+='printf|__printf_chk|puts|perror|stdout|stderr|exit|_exit|abort|fork|vfork|posix_spawn|exec[lv]p?e?|dlopen'

x86_features() { # file: IBT and SHSTK, if the linker has marked it
  readelf --wide --notes "$1" 2>/dev/null | sed -n 's/.*x86 feature: *//p'
}

marked_targets() { # file: how often it has endbr64
  { grep -oaP '\xf3\x0f\x1e\xfa' "$1" || true; } | wc -l
}

# Prints what a file lacks, a line each.
problems() { # file, features that a plain program of this compiler has, fewest marked targets
  local header dynamic called
  header=$(readelf --wide --file-header --program-headers "$1")
  dynamic=$(readelf --wide --dynamic "$1")
  called=$(readelf --wide --dyn-syms "$1" | awk '$7 == "UND" && $8 != "" { sub(/@.*/, "", $8); print $8 }')
  grep -qE 'Type: +DYN' <<<"$header" || echo "is not position independent: configure with CMAKE_POSITION_INDEPENDENT_CODE=ON"
  grep -q GNU_RELRO <<<"$header" || echo "has no RELRO"
  grep -qE '\(FLAGS(_1)?\).*(BIND_NOW|NOW)' <<<"$dynamic" || echo "binds its functions late (-z now)"
  grep -qE 'GNU_STACK.* RW +0x' <<<"$header" || echo "has an executable stack"
  if grep -qE 'TEXTREL' <<<"$dynamic"; then echo "has text relocations"; fi
  if grep -qE '\((RPATH|RUNPATH)\)' <<<"$dynamic"; then echo "names a path of libraries"; fi
  grep -qx __stack_chk_fail <<<"$called" || echo "has no stack protector"
  grep -qE '^__.*_chk$' <<<"$called" || echo "is not compiled with _FORTIFY_SOURCE"
  [ "$(marked_targets "$1")" -ge "$3" ] || echo "is not compiled with -fcf-protection"
  grep -xE "$forbidden" <<<"$called" | sed 's/^/calls /' || true
  if [[ $1 == *libjeton.so* ]]; then
    grep -xE "$forbidden_to_libjeton" <<<"$called" | sed 's/^/calls /' || true
    sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' <<<"$dynamic" | grep -vE '^(libc|ld-linux[^.]*)\.so\.' | sed 's/^/needs /' || true
  fi
  [ "$(x86_features "$1")" = "$2" ] || echo "has the features '$(x86_features "$1")' of x86, a plain program '$2'"
}

# The source of a sample that has all of it. Its variants are compiled or linked without one part each.
cat >"$work/sample.c" <<'END'
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char** argv) {
  char buffer[16];
  (void)argv;
#ifdef CALLS_A_SHELL
  argc += system("true");
#endif
#ifdef RELOCATES_TEXT
  __asm__(".pushsection .text.word,\"ax\"\n.quad main\n.popsection");
#endif
  return (int)read(0, buffer, (size_t)argc);
}
END
cet=()
[ "$(uname -m)" != x86_64 ] || cet=(-fcf-protection)
sample() { # name, options...
  local name=$1
  shift
  "$cc" -O2 -fPIE -pie -fstack-protector-strong "${cet[@]}" -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -Wl,-z,relro,-z,now "$work/sample.c" \
    -o "$work/$name" "$@" 2>"$work/log" || { cat "$work/log"; exit 1; }
}
sample good
plain=$(x86_features "$work/good")
marked=$(marked_targets "$work/good")
found=$(problems "$work/good" "$plain" "$marked")
[ -z "$found" ] || { echo "FAILED: the sample that has everything $found" >&2; exit 1; }
refused() { # the only problem, options...
  local problem=$1
  shift
  sample libjeton.so.bad "$@"
  found=$(problems "$work/libjeton.so.bad" "$plain" "$marked")
  [[ $found == "$problem"* && $found != *$'\n'* ]] ||
    { echo "FAILED: a sample with $* is refused for '$found', not for '$problem'" >&2; exit 1; }
}
refused "is not position independent" -fno-pie -no-pie
refused "has no RELRO" -Wl,-z,norelro
refused "binds its functions late" -Wl,-z,lazy
refused "has an executable stack" -Wl,-z,execstack
refused "has text relocations" -DRELOCATES_TEXT -Wl,-z,notext
refused "names a path of libraries" -Wl,-rpath,/tmp
refused "has no stack protector" -fno-stack-protector
refused "is not compiled with _FORTIFY_SOURCE" -U_FORTIFY_SOURCE
if [ ${#cet[@]} -gt 0 ]; then refused "is not compiled with -fcf-protection" -fcf-protection=none; fi
refused "calls system" -DCALLS_A_SHELL
refused "calls abort" -Wl,--undefined=abort
refused "needs libm" -Wl,--no-as-needed -lm
if [ -z "$plain" ] && [ ${#cet[@]} -gt 0 ]; then refused "has the features 'IBT" -Wl,-z,ibt,-z,shstk; fi

cmake --install "$build" --prefix "$work/tree" >/dev/null
failed=0 checked=0
while read -r file; do
  [ "$(head -c 4 "$file")" = $'\x7fELF' ] || continue
  checked=$((checked + 1))
  while read -r problem; do
    echo "FAILED: ${file#"$work/tree/"} $problem" >&2
    failed=1
  done < <(problems "$file" "$plain" "$marked")
done < <(find "$work/tree" -type f)
[ "$checked" -ge 3 ] || { echo "FAILED: $checked installed files are programs or libraries" >&2; failed=1; }
exit $failed

#!/usr/bin/env bash
# What an installation has: programs without debug information, which the build tree keeps; documentation, examples and
# the bindings' sources; all of it for every user, whatever the umasks of the clone and of root are.
#   installed_files.sh SOURCE_DIR BUILD_DIR
set -euo pipefail
export LC_ALL=C # readelf translates
source=$1 build=$2
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
(umask 077 && cmake --install "$build" --prefix "$tree" >/dev/null)

failed=0
fail() { echo "FAILED: $*" >&2; failed=1; }
has_section() { # file, pattern
  local all
  all=$(readelf --wide --sections "$1")
  grep -qE " \.$2 " <<<"$all"
}

closed=$(find "$tree"/{include,lib,share} \( -type f -o -path '*/jeton' -o -path '*/jeton/*' -type d \) ! -perm -444 -o -path '*/jeton*' -type d ! -perm -555)
[ -z "$closed" ] || fail "others cannot read $closed"
! grep -l USE_SOURCE_PERMISSIONS "$build"/{,*/}cmake_install.cmake || fail "installed files have the permissions of a clone"

library=$(find "$tree" -name 'libjeton.so.1.*')
for pair in agent/cli/jeton-agent:sbin/jeton-agent libclient/ctl/jetonctl:bin/jetonctl \
  "libclient/libjeton.so.1:${library#"$tree/"}"; do
  built=$build/${pair%%:*} installed=$tree/${pair#*:}
  has_section "$built" debug_info || fail "$built has no debug information itself"
  if has_section "$installed" '(debug_[a-z]+|symtab)'; then fail "$installed is not stripped"; fi
  [ "$(readelf -n "$built" | grep 'Build ID')" = "$(readelf -n "$installed" | grep 'Build ID')" ] ||
    fail "$installed has another build id than $built"
done
"$tree/bin/jetonctl" --version >/dev/null || fail "jetonctl does not start"
"$tree/sbin/jeton-agent" --version >/dev/null || fail "jeton-agent does not start"

documents=$tree/share/doc/jeton
for file in README.md {agent,config,libclient,systemd,tests}/README.md SECURITY.md CONTRIBUTING.md CHANGELOG.md LICENSE \
  config/agent.yaml; do
  cmp "$source/$file" "$documents/$file" || failed=1
done
"$source/.ci/links" --installed "$documents" || failed=1
cd "$source"
for file in $(git ls-files systemd/monitoring); do cmp "$file" "$tree/share/jeton/${file#systemd/}" || failed=1; done
for file in $(git ls-files config/examples); do cmp "$file" "$documents/$file" || failed=1; done
cd "$source/libclient"
for file in $(git ls-files examples); do cmp "$file" "$documents/$file" || failed=1; done
for file in $(git ls-files bindings | grep -vE '/tests/|/internal/|_test\.'); do
  cmp "$file" "$tree/share/jeton/$file" || failed=1
done
cmp ctl/completion/bash/jetonctl "$tree/share/bash-completion/completions/jetonctl" || failed=1
cmp ctl/completion/zsh/_jetonctl "$tree/share/zsh/vendor-completions/_jetonctl" || failed=1
cmp ctl/completion/fish/jetonctl.fish "$tree/share/fish/vendor_completions.d/jetonctl.fish" || failed=1
[ -x "$tree/share/jeton/bindings/node/pack" ] || fail "bindings/node/pack cannot be executed"
exit $failed

#!/usr/bin/env bash
# The Node.js package as libclient/README.md tells to install it, from an installed tree: packed once, then installed twice without a
# registry, by `npm install` and by `npm ci`; nothing is written where it comes from.
#   node_install_test.sh BUILD_DIR WORK
#
# Exit status 77: npm's registry cannot be reached to pack it.
set -euo pipefail
work=$2/install
fail() { echo "FAILED: $*" >&2; exit 1; }

rm -rf "$work" && mkdir -p "$work/app"
cmake --install "$1" --component client --prefix "$work/prefix" >"$work/install.log"
binding=$work/prefix/share/jeton/bindings/node
files() { find "$binding" -printf '%P %s\n' | sort; }
before=$(files)
"$(dirname "$(realpath "$0")")/npm_or_skip" "$work/npm.log" env npm_config_prefer_offline=true "$binding/pack" "$work"
[ "$(files)" = "$before" ] || fail "pack wrote into $binding"

cd "$work/app"
echo '{"name": "app", "version": "1.0.0", "type": "module"}' >package.json
cat >main.js <<'JS'
import * as jeton from 'jeton';
const token = jeton.open('api');
console.log(`Authorization: ${token.current().authorization}`);
token.close();
JS
install() { # npm's command; with a cache of its own, that is empty
  npm "$@" --offline --cache "$work/cache-$1" --no-audit --no-fund --silent
  [ "$(node main.js)" = "$("$JETONCTL" get api --header)" ] || fail "npm $1"
}
install install "$work"/jeton-*.tgz
rm -rf node_modules
install ci
echo "1 passed, 0 failed"

#!/usr/bin/env bash
# The Node.js binding beside a real agent (run by with_agent): installs its npm packages into WORK, then runs the tests
# there and the TypeScript compiler over the types.
#
#   node_test.sh BINDING WORK
#
# Exit status 77: npm's registry cannot be reached.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
binding=$1
work=$2

mkdir -p "$work"
cp -r "$binding/." "$work/"
# Where they are installed from this very lock file already, nothing is fetched.
if ! cmp -s "$binding/package-lock.json" "$work/installed.json"; then
  # Koffi's own install script only looks for a compiler where no binary fits.
  (cd "$work" && "$here/npm_or_skip" "$work/npm.log" npm ci --ignore-scripts --no-audit --no-fund --fetch-retries 1)
  cp "$binding/package-lock.json" "$work/installed.json"
fi
# As for a user: by the package's name, with its exports.
cp "$here"/node_*test.mjs "$here"/node_*worker.mjs "$here/node_types.ts" "$work/"
cd "$work"
node --expose-gc --test node_test.mjs
node --test node_worker_test.mjs
PAGE=$binding/../../README.md node --test node_documents_test.mjs
node --expose-gc --test node_lock_test.mjs   # the last one: it kills the agent
for target in es2022 esnext; do
  node_modules/.bin/tsc --noEmit --strict --module nodenext --moduleResolution nodenext --target "$target" --types node \
    node_types.ts
done

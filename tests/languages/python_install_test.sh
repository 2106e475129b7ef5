#!/usr/bin/env bash
# The Python package as libclient/README.md tells to install it, from an installed tree: no network, no setuptools, nothing written
# where it comes from.
#   python_install_test.sh PYTHON BUILD_DIR
set -euo pipefail
python=$1 work=$2/tests/languages/python_install
fail() { echo "FAILED: $*" >&2; exit 1; }
"$python" -m pip --version >/dev/null 2>&1 || { echo "skipped: no pip for $python"; exit 77; }

rm -rf "$work" && mkdir -p "$work"
cmake --install "$2" --component client --prefix "$work/prefix" >"$work/install.log"
binding=$work/prefix/share/jeton/bindings/python
files() { find "$binding" -printf '%P %s\n' | sort; }
before=$(files)
cd "$work"
# Only these arguments count, not the environment; each build is isolated from installed packages by pip itself.
unset PIP_FIND_LINKS PIP_INDEX_URL PIP_EXTRA_INDEX_URL PYTHONDONTWRITEBYTECODE
pip=("$python" -m pip --isolated --disable-pip-version-check --no-cache-dir --quiet)
"${pip[@]}" wheel --no-index --no-deps --wheel-dir wheels "$binding"
"${pip[@]}" install --root-user-action ignore --no-index --no-deps --target of_wheel wheels/jeton-*-py3-none-any.whl
"${pip[@]}" install --root-user-action ignore --no-index --no-deps --target of_folder "$binding"
[ "$(files)" = "$before" ] || fail "pip wrote into $binding"
for site in of_wheel of_folder; do
  header=$(cd / && PYTHONPATH=$work/$site "$python" -c '
import importlib.metadata, jeton
assert importlib.metadata.version("jeton") == jeton.__version__
print("Authorization: " + jeton.open("api").current().authorization)')
  [ "$header" = "$("$JETONCTL" get api --header)" ] || fail "$site reads another token"
  for file in "$binding"/jeton/*; do cmp "$file" "$work/$site/jeton/${file##*/}"; done
done
echo "1 passed, 0 failed"

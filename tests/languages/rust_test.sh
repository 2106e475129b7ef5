#!/usr/bin/env bash
# rust_test.sh SOURCE_DIR BUILD_DIR: the Rust binding. Everything that cargo writes goes below the build directory; nothing
# is downloaded.
set -euo pipefail
source=$1 work=$2/tests/languages/rust
mkdir -p "$work"
export CARGO_HOME=$work/home CARGO_TARGET_DIR=$work/target RUSTFLAGS="-D warnings"
export JETON_LIB_DIR=$2/libclient JETON_INCLUDE_DIR=$source/libclient/include
cd "$source/libclient/bindings/rust"
# One at a time: they share the agent's token.
cargo test --offline --locked --quiet -- --test-threads=1
cargo run --offline --locked --quiet --example show_token api

# As libclient/README.md tells a user of an installed tree, from a crate of its own.
cmake --install "$2" --component client --prefix "$work/prefix" >"$work/install.log"
rm -rf "$work/app" && mkdir -p "$work/app/src" && cd "$work/app"
cat >Cargo.toml <<TOML
[package]
name = "app"
version = "0.1.0"
edition = "2021"

[dependencies]
jeton = { path = "$work/prefix/share/jeton/bindings/rust" }
TOML
cat >src/main.rs <<'RUST'
fn main() {
    let value = jeton::Token::open("api").unwrap().read().unwrap();
    println!("{}", value.reveal_str().unwrap());
}
RUST
unset JETON_LIB_DIR
export PKG_CONFIG_PATH
PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name jeton.pc)")
[ "$(cargo run --offline --quiet)" = "$("$JETONCTL" get api)" ] || { echo "FAILED: the installed crate" >&2; exit 1; }

# What libclient/README.md shows: sends the value and has a rejected token replaced.
{
  cat <<'RUST'
use std::time::Duration;

fn send(value: &[u8]) {
    println!("{}", String::from_utf8_lossy(value));
}

fn main() -> Result<(), jeton::Error> {
    let status = 401;
RUST
  awk '/^```rust/ { rust = 1; next } /^```/ { rust = 0 } rust' "$source/libclient/README.md" |
    sed 's/"wechat"/"api"/; s/from_secs(5)/from_secs(60)/'
  printf '    Ok(())\n}\n'
} >src/main.rs
before=$("$JETONCTL" get api)
[ "$(cargo run --offline --quiet)" = "$before" ] || { echo "FAILED: what the page shows" >&2; exit 1; }
[ "$("$JETONCTL" get api)" != "$before" ] || { echo "FAILED: the page's rejection led to no new token" >&2; exit 1; }

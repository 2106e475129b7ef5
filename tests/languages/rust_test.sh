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

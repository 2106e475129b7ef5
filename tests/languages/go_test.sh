#!/usr/bin/env bash
# go_test.sh SOURCE_DIR BUILD_DIR: the Go binding against an installed tree, under the race detector where there is one.
# Nothing is downloaded. Only Go's own cache is outside the build directory: the standard library with the race detector
# takes a minute to compile.
set -euo pipefail
source=$1 work=$2/tests/languages/go
mkdir -p "$work"
cmake --install "$2" --component client --prefix "$work/prefix" >"$work/install.log"
export PKG_CONFIG_PATH
PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name jeton.pc)")

[ -n "${HOME:-}" ] || export GOCACHE=$work/cache
export GOPATH=$work/path GOPROXY=off GOTOOLCHAIN=local GOWORK=off CGO_ENABLED=1 GOFLAGS=-buildvcs=false
cd "$source/libclient/bindings/go"
unformatted=$(gofmt -l .)
[ -z "$unformatted" ] || { echo "FAILED: gofmt: $unformatted" >&2; exit 1; }
race=()
if [ -e "$(go env GOROOT)/src/runtime/race/race_$(go env GOOS)_$(go env GOARCH).syso" ]; then race=(-race); fi
go vet "${race[@]}" ./...
# One package after the other: they share the agent's token, and a test of one would see the refreshes of another.
go test "${race[@]}" -count=1 -p 1 ./...

# As libclient/README.md tells a user of an installed tree, from a module of its own.
rm -rf "$work/app" && mkdir "$work/app" && cd "$work/app"
cat >main.go <<'GO'
package main

import (
	"fmt"
	"log"

	"jeton"
)

func main() {
	token, err := jeton.Open("api")
	if err != nil {
		log.Fatal(err)
	}
	value, err := token.Read()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("Authorization: " + value.Header())
}
GO
go mod init app 2>/dev/null
go mod edit -require=jeton@v0.0.0 -replace=jeton="$work/prefix/share/jeton/bindings/go"
export LD_LIBRARY_PATH
LD_LIBRARY_PATH=$(dirname "$PKG_CONFIG_PATH")
[ "$(go run .)" = "$("$JETONCTL" get api --header)" ] || { echo "FAILED: the installed module" >&2; exit 1; }

# What libclient/README.md shows: sends the header, has a rejected token replaced and watches.
{
  cat <<'GO'
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"jeton"
)

func main() {
	request, err := http.NewRequest("GET", "http://127.0.0.1:1/", nil)
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	used := 0
	use := func(value jeton.Value) {
		used++
		cancel()
	}
	if err := documented(ctx, request, use); err != nil {
		log.Fatal(err)
	}
	fmt.Println(used, "Authorization: "+request.Header.Get("Authorization"))
}

func documented(ctx context.Context, request *http.Request, use func(jeton.Value)) error {
GO
  awk '/^```go/ { go = 1; next } /^```/ { go = 0 } go' "$source/libclient/README.md" | sed 's/"wechat"/"api"/'
  printf '\treturn err\n}\n'
} >main.go
before=$("$JETONCTL" get api --header)
[ "$(go run .)" = "1 $before" ] || { echo "FAILED: what the page shows" >&2; exit 1; }
[ "$("$JETONCTL" get api --header)" != "$before" ] || { echo "FAILED: the page's rejection led to no new token" >&2; exit 1; }

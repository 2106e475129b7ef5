// Package live is what the tests share: they run beside a real agent that tests/languages/with_agent started.
package live

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"
)

// Main refuses to run without the agent: a test that looks at nothing would pass.
func Main(m *testing.M) {
	if os.Getenv("JETON_DIR") == "" || os.Getenv("JETONCTL") == "" {
		fmt.Fprintln(os.Stderr, "run by tests/languages/with_agent, or: ctest -R Language.go")
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// Refresh asks the agent for a new token.
func Refresh(t *testing.T) {
	t.Helper()
	if output, err := exec.Command(os.Getenv("JETONCTL"), "refresh", "api").CombinedOutput(); err != nil {
		t.Fatalf("refresh: %v: %s", err, output)
	}
}

// Eventually waits for a condition, for long.
func Eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

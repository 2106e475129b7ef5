package jeton_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"jeton"
	"jeton/internal/live"
)

func TestMain(m *testing.M) { live.Main(m) }

func open(t testing.TB, options ...jeton.Option) *jeton.Token {
	t.Helper()
	token, err := jeton.Open("api", options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { token.Close() })
	return token
}

func read(t testing.TB, token *jeton.Token) jeton.Value {
	t.Helper()
	value, err := token.Read()
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func limited(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestReadGivesWhatJetonctlGives(t *testing.T) {
	value := read(t, open(t))
	header, err := exec.Command(os.Getenv("JETONCTL"), "get", "api", "--header").Output()
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(string(header)) != "Authorization: "+value.Header() {
		t.Error("the header is another one")
	}
	if kind, ok := value.Attribute("kind"); !ok || kind != "Bearer" {
		t.Errorf("attribute kind %q", kind)
	}
	if _, ok := value.Attribute("nosuch"); ok {
		t.Error("an attribute that the configuration does not name")
	}
	if host, _ := os.Hostname(); value.Origin() != host {
		t.Errorf("origin %q", value.Origin())
	}
	if !value.ExpiresAt().After(time.Now()) || value.IssuedAt().After(value.ExpiresAt()) || value.Expired() {
		t.Errorf("issued %v, expires %v", value.IssuedAt(), value.ExpiresAt())
	}
}

func TestInfoDescribesTheValue(t *testing.T) {
	token := open(t)
	value := read(t, token)
	info, err := token.Info()
	if err != nil {
		t.Fatal(err)
	}
	if info.Generation != value.Generation() || info.ValueSize != len(value.Reveal()) || info.Type != value.Type() ||
		!info.ExpiresAt.Equal(value.ExpiresAt()) || info.Expired || info.HeartbeatAge < 0 {
		t.Errorf("%+v of %v", info, value)
	}
}

func TestSecretIsNotPrintedNorMarshalled(t *testing.T) {
	token := open(t)
	old := read(t, token).Generation()
	live.Refresh(t) // so that there is a previous one
	if _, err := token.WaitChange(limited(t), old); err != nil {
		t.Fatal(err)
	}
	value := read(t, token)
	previous, ok := value.Previous()
	if !ok {
		t.Fatal("no previous token")
	}
	if accepted, err := token.Accepts(previous.Reveal()); err != nil || !accepted {
		t.Errorf("the previous token: %v, %v", accepted, err)
	}
	type inside struct{ hidden jeton.Value }
	type shown struct{ Value jeton.Value }
	text, err := json.Marshal(shown{value})
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		text = append(text, fmt.Sprintf(strings.Repeat(verb, 7), value, &value, inside{value}, shown{value}, previous,
			[]jeton.Value{value}, token)...)
	}
	for _, secret := range []string{value.Reveal(), previous.Reveal(), fmt.Sprintf("%x", value.Reveal())} {
		if strings.Contains(string(text), secret) {
			t.Error("a secret is printed")
		}
	}
	if !strings.Contains(string(text), fmt.Sprint(value.Generation())) {
		t.Error("the generation is not printed")
	}
}

func TestWaitChangeSeesARefresh(t *testing.T) {
	token := open(t)
	old := read(t, token)
	type waited struct {
		generation uint64
		err        error
	}
	changed := make(chan waited, 1)
	go func() {
		generation, err := token.WaitChange(limited(t), old.Generation())
		changed <- waited{generation, err}
	}()
	live.Refresh(t)
	got := <-changed
	if got.err != nil || got.generation <= old.Generation() {
		t.Fatalf("%+v after %d", got, old.Generation())
	}
	if now := read(t, token); now.Generation() < got.generation || now.Reveal() == old.Reveal() {
		t.Error("the old token is still read")
	}
}

// How many goroutines are in this function.
func goroutinesIn(function string) int {
	stacks := make([]byte, 1<<23)
	return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), function)
}

// The goroutines that follow a token for its waiters.
func watchers() int { return goroutinesIn("jeton.follow.func") }

func entries(t *testing.T, directory string) []os.DirEntry {
	t.Helper()
	found, err := os.ReadDir(directory)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func inotifyDescriptors(t *testing.T) int {
	count := 0
	for _, entry := range entries(t, "/proc/self/fd") {
		if target, err := os.Readlink("/proc/self/fd/" + entry.Name()); err == nil && strings.HasSuffix(target, "inotify") {
			count++
		}
	}
	return count
}

func TestThousandWaits_ShareADescriptorAndHoldNoThread(t *testing.T) {
	const count = 1000
	token := open(t)
	old := read(t, token).Generation()
	descriptors, threads := inotifyDescriptors(t), len(entries(t, "/proc/self/task"))
	ctx := limited(t)
	ended := make(chan error, count)
	for i := 0; i < count; i++ {
		go func() {
			_, err := token.WaitChange(ctx, old)
			ended <- err
		}()
	}
	live.Eventually(t, "all wait", func() bool { return goroutinesIn("jeton.(*Token).WaitChange(") == count })
	if more := inotifyDescriptors(t) - descriptors; more != 1 {
		t.Errorf("%d descriptors", more)
	}
	if more := len(entries(t, "/proc/self/task")) - threads; more > count/10 {
		t.Errorf("%d threads more", more)
	}
	live.Refresh(t)
	for i := 0; i < count; i++ {
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	}
	if left := inotifyDescriptors(t) - descriptors; left != 0 {
		t.Errorf("%d descriptors are left", left)
	}
}

func TestWait_WithoutADescriptorLeft_SeesARefresh(t *testing.T) {
	token := open(t)
	old := read(t, token).Generation()
	next, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	none := syscall.Rlimit{Cur: uint64(next.Fd()), Max: limit.Max}
	next.Close()
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	ctx, ended := limited(t), make(chan error, 1)
	go func() {
		_, err := token.WaitChange(ctx, old)
		ended <- err
	}()
	live.Eventually(t, "the wait has begun", func() bool { return goroutinesIn("jeton.every.func") > 0 })
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	live.Refresh(t)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	live.Eventually(t, "no goroutine is left", func() bool { return goroutinesIn("jeton.every.func") == 0 })
}

func TestWaitChangeHonoursItsContext(t *testing.T) {
	token := open(t)
	never := read(t, token).Generation() + 1<<40

	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		_, err := token.WaitChange(ctx, never)
		done <- err
	}()
	live.Eventually(t, "the wait has begun", func() bool { return watchers() > 0 })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := token.WaitChange(ctx, 0); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	ctx, cancel = context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if _, err := token.WaitChange(ctx, never); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	live.Eventually(t, "no goroutine is left", func() bool { return watchers() == 0 })
}

func TestWatchSendsEachChangeAndEnds(t *testing.T) {
	token := open(t)
	ctx, cancel := context.WithCancel(limited(t))
	changes := token.Watch(ctx)
	first := <-changes
	if first.Err != nil {
		t.Fatal(first.Err)
	}
	live.Refresh(t)
	if second := <-changes; second.Err != nil || second.Value.Generation() <= first.Value.Generation() {
		t.Errorf("%+v after %+v", second, first)
	}
	cancel()
	for range changes { // until it is closed
	}
}

func TestRejectionLeadsToANewToken(t *testing.T) {
	token := open(t)
	refused := read(t, token)
	if _, err := token.Rejected(refused.Generation()); err != nil {
		t.Fatal(err)
	}
	if _, err := token.WaitChange(limited(t), refused.Generation()); err != nil {
		t.Fatal(err)
	}
	// A late report of the same generation costs nothing: there is a newer one already.
	current, err := token.Rejected(refused.Generation())
	if err != nil || current <= refused.Generation() {
		t.Errorf("%d, %v", current, err)
	}
	if _, err := token.Rejected(current + 1<<40); !errors.Is(err, jeton.ErrAgentRefused) {
		t.Error(err)
	}
}

func TestManyReportsOfOneGeneration_HoldOneThread(t *testing.T) {
	const count = 200
	token := open(t)
	refused := read(t, token).Generation()
	agent, err := strconv.Atoi(os.Getenv("AGENT_PID"))
	if err != nil {
		t.Fatal(err)
	}
	threads := len(entries(t, "/proc/self/task"))
	// While the agent does not answer, all are under way together.
	if err := syscall.Kill(agent, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(agent, syscall.SIGCONT)
	// A report without an answer ends after a second, which a busy machine may need for all to begin.
	ended := make(chan struct{}, count)
	for i := 0; i < count; i++ {
		go func() {
			for {
				if _, err := token.Rejected(refused); err == nil {
					break
				}
			}
			ended <- struct{}{}
		}()
	}
	live.Eventually(t, "all report", func() bool { return goroutinesIn("jeton.(*Token).Rejected(") == count })
	if more := len(entries(t, "/proc/self/task")) - threads; more > count/10 {
		t.Errorf("%d threads more", more)
	}
	if err := syscall.Kill(agent, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < count; i++ {
		<-ended
	}
	if _, err := token.WaitChange(limited(t), refused); err != nil {
		t.Error(err)
	}
}

func TestAcceptsTheCurrentToken(t *testing.T) {
	token := open(t)
	for presented, want := range map[string]bool{read(t, token).Reveal(): true, read(t, token).Reveal() + "x": false, "": false} {
		if got, err := token.Accepts(presented); got != want || err != nil {
			t.Errorf("of %d bytes: %v, %v", len(presented), got, err)
		}
	}
}

func TestErrorsAreTheLanguagesOwn(t *testing.T) {
	_, err := jeton.Open("nosuch")
	var failed *jeton.Error
	if !errors.Is(err, jeton.ErrNotFound) || !errors.Is(err, fs.ErrNotExist) || errors.Is(err, jeton.ErrExpired) ||
		!errors.As(err, &failed) || failed.Token != "nosuch" || failed.Status.Name() != "JETON_NOT_FOUND" {
		t.Error(err)
	}
	for _, name := range []string{"", "a/b", "api\x00b"} {
		if _, err := jeton.Open(name); !errors.Is(err, jeton.ErrInvalidArgument) || !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%q: %v", name, err)
		}
	}
	missing, err := jeton.Open("nosuch", jeton.AllowMissing())
	if err != nil {
		t.Fatal(err)
	}
	defer missing.Close()
	if value, err := missing.Read(); !errors.Is(err, fs.ErrNotExist) || value.Reveal() != "" {
		t.Error(err)
	}
}

func TestCloseEndsWaitsAndCalls(t *testing.T) {
	token := open(t)
	ended := make(chan error, 1)
	never := read(t, token).Generation() + 1<<40
	go func() {
		_, err := token.WaitChange(context.Background(), never)
		ended <- err
	}()
	live.Eventually(t, "the wait has begun", func() bool { return watchers() > 0 })
	if err := token.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, jeton.ErrClosed) {
		t.Error(err)
	}
	_, readErr := token.Read()
	_, infoErr := token.Info()
	_, waitErr := token.WaitChange(context.Background(), 0)
	for _, err := range []error{readErr, infoErr, waitErr, token.Close()} {
		if !errors.Is(err, fs.ErrClosed) {
			t.Error(err)
		}
	}
}

func segmentMappings(t *testing.T) int {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(maps), "/segments/api")
}

func TestForgottenTokensAreUnmapped(t *testing.T) {
	before := segmentMappings(t)
	for i := 0; i < 20; i++ {
		token, err := jeton.Open("api")
		if err != nil {
			t.Fatal(err)
		}
		read(t, token)
	}
	live.Eventually(t, "the garbage is unmapped", func() bool {
		runtime.GC()
		return segmentMappings(t) <= before
	})
}

func TestManyGoroutinesReadWhileTheTokenChanges(t *testing.T) {
	token := open(t)
	first := read(t, token).Generation()
	var readers sync.WaitGroup
	for i := 0; i < 20; i++ {
		readers.Add(1)
		go func() {
			defer readers.Done()
			for last := uint64(0); last <= first; {
				value, err := token.Read()
				if err != nil || value.Generation() < last || value.Reveal() == "" {
					t.Errorf("%v, %v after %d", value, err, last)
					return
				}
				last = value.Generation()
				runtime.Gosched()
			}
		}()
	}
	live.Refresh(t)
	readers.Wait()
}

func TestListAndDiagnose(t *testing.T) {
	names, err := jeton.List()
	if err != nil || len(names) != 1 || names[0] != "api" {
		t.Errorf("%q, %v", names, err)
	}
	if _, err := jeton.List(jeton.Directory(t.TempDir())); !errors.Is(err, jeton.ErrNoAgent) {
		t.Error(err)
	}
	if found, err := jeton.Diagnose("api"); err != nil || found.Token != nil || found.Agent != nil || found.HeartbeatAge < 0 {
		t.Errorf("%+v, %v", found, err)
	}
	found, err := jeton.Diagnose("api", jeton.Directory(t.TempDir()))
	if err != nil || !errors.Is(found.Token, jeton.ErrNotFound) || !errors.Is(found.Agent, jeton.ErrNoAgent) {
		t.Errorf("%+v, %v", found, err)
	}
}

func TestReadOfAnUnchangedTokenAllocatesNothing(t *testing.T) {
	token := open(t)
	read(t, token)
	if count := testing.AllocsPerRun(1000, func() { _, _ = token.Read() }); count != 0 {
		t.Errorf("%v allocations", count)
	}
}

func BenchmarkRead(b *testing.B) {
	token := open(b)
	b.ReportAllocs()
	for i := 0; i < b.N; i++ {
		if _, err := token.Read(); err != nil {
			b.Fatal(err)
		}
	}
}

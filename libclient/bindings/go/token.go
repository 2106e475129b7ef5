// Package jeton reads the tokens that jeton-agent keeps for this host in shared memory.
//
//	token, err := jeton.Open("wechat")
//	...
//	defer token.Close()
//	value, err := token.Read() // never waits; cheap enough for every request
//	request.Header.Set("Authorization", value.Header())
//
// It calls libjeton (pkg-config jeton) through cgo. A call into C costs Go some tens of nanoseconds, more than the
// read itself; Read therefore makes one such call and copies nothing while the token has not changed. Waits hold no
// thread of the operating system, however many there are.
package jeton

/*
#cgo pkg-config: jeton
#include <jeton/jeton.h>
#include <stdlib.h>

static inline jeton_status open_token(const char *directory, uint32_t flags, const char *name, jeton_token **token) {
	jeton_options options = JETON_OPTIONS_INIT;
	options.directory = directory;
	options.flags = flags;
	return jeton_open(&options, name, token);
}

typedef struct {
	jeton_status status;
	jeton_info info;
} inspect_result;

static inline inspect_result inspect(jeton_token *token) {
	inspect_result result = {JETON_OK, JETON_INFO_INIT};
	result.status = jeton_inspect(token, &result.info);
	return result;
}
*/
import "C"

import (
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// Token is one token of this host, for any number of goroutines.
type Token struct {
	name    string
	handle  *C.jeton_token
	readers [readerCount]cachedReader
	turn    atomic.Uint32
	changes changes

	mutex   sync.Mutex // of what follows
	calls   sync.WaitGroup
	closing chan struct{} // closed by Close
	reports map[uint64]*report
}

type options struct {
	directory string
	flags     C.uint32_t
}

// Option changes how a token is opened.
type Option func(*options)

// Directory is the agent's runtime_dir; without it $JETON_DIR if set, else /run/jeton.
func Directory(path string) Option { return func(o *options) { o.directory = path } }

// AllowExpired lets Read also return an expired token; see Value.Expired.
func AllowExpired() Option { return func(o *options) { o.flags |= C.JETON_ALLOW_EXPIRED } }

// AllowMissing opens a token that is not there yet; Read says ErrNotFound until it is.
func AllowMissing() Option { return func(o *options) { o.flags |= C.JETON_ALLOW_MISSING } }

// Open maps the token `name`. Close it when it is not needed any more; the garbage collector closes a forgotten one.
func Open(name string, opts ...Option) (*Token, error) {
	chosen := choose(opts)
	directory, cName, free, ok := cStrings(chosen.directory, name)
	if !ok {
		return nil, &Error{Op: "open", Token: name, Status: ErrInvalidArgument}
	}
	defer free()
	token := &Token{name: name, closing: make(chan struct{})}
	status, errno := C.open_token(directory, chosen.flags, cName, &token.handle)
	if err := failure("open", name, status, errno); err != nil {
		return nil, err
	}
	runtime.SetFinalizer(token, func(t *Token) { t.Close() })
	return token, nil
}

// Close ends the waits of other goroutines with ErrClosed and wipes what this package holds of the secret outside of
// Go's memory. Calls after it say ErrClosed, Close itself too.
func (t *Token) Close() error {
	t.mutex.Lock()
	closed := t.isClosed()
	if !closed {
		close(t.closing)
	}
	t.mutex.Unlock()
	if closed {
		return &Error{Op: "close", Token: t.name, Status: ErrClosed}
	}
	runtime.SetFinalizer(t, nil)
	t.calls.Wait()
	for i := range t.readers {
		t.readers[i].close()
	}
	C.jeton_close(t.handle)
	return nil
}

// Name is what it was opened with.
func (t *Token) Name() string { return t.name }

// String names the token and nothing more.
func (t *Token) String() string { return "jeton.Token(" + t.name + ")" }

func (t *Token) isClosed() bool {
	select {
	case <-t.closing:
		return true
	default:
		return false
	}
}

// begin keeps the handle open until t.calls.Done, which also keeps the token from its finalizer.
func (t *Token) begin(op string) error {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.isClosed() {
		return &Error{Op: op, Token: t.name, Status: ErrClosed}
	}
	t.calls.Add(1)
	return nil
}

// Info describes a token without its value.
type Info struct {
	Generation          uint64
	IssuedAt, ExpiresAt time.Time
	Type                string
	ValueSize           int
	Expired, Rejected   bool
	PreviousGeneration  uint64 // 0: none
	PreviousAcceptUntil time.Time
	HeartbeatAge        time.Duration // of the agent's last heartbeat; negative: none yet
}

// Info describes the token, also an expired one.
func (t *Token) Info() (Info, error) {
	if err := t.begin("info"); err != nil {
		return Info{}, err
	}
	defer t.calls.Done()
	result, errno := C.inspect(t.handle)
	if err := failure("info", t.name, result.status, errno); err != nil {
		return Info{}, err
	}
	info := &result.info
	return Info{
		Generation:          uint64(info.generation),
		IssuedAt:            time.UnixMilli(int64(info.issued_at_ms)),
		ExpiresAt:           time.UnixMilli(int64(info.expires_at_ms)),
		Type:                C.GoString(&info._type[0]),
		ValueSize:           int(info.value_size),
		Expired:             uint32(info.flags)&flagExpired != 0,
		Rejected:            uint32(info.flags)&flagRejected != 0,
		PreviousGeneration:  uint64(info.previous_generation),
		PreviousAcceptUntil: time.UnixMilli(int64(info.previous_accept_until_ms)),
		HeartbeatAge:        time.Duration(info.heartbeat_age_ms) * time.Millisecond,
	}, nil
}

func choose(opts []Option) options {
	var chosen options
	for _, option := range opts {
		option(&chosen)
	}
	return chosen
}

// cStrings makes C strings; an empty directory is NULL. Not ok: C would see the end where there is none.
func cStrings(directory, name string) (cDirectory, cName *C.char, free func(), ok bool) {
	if strings.IndexByte(directory, 0) >= 0 || strings.IndexByte(name, 0) >= 0 {
		return nil, nil, nil, false
	}
	if directory != "" {
		cDirectory = C.CString(directory)
	}
	cName = C.CString(name)
	free = func() {
		C.free(unsafe.Pointer(cDirectory))
		C.free(unsafe.Pointer(cName))
	}
	return cDirectory, cName, free, true
}

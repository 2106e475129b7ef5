package jeton

/*
#include <errno.h>
#include <jeton/jeton.h>

// Results by value, handle as a number: pointers in either place would cost Go an allocation a call.
typedef struct {
	jeton_status status;
	int error; // errno of a failure
	const jeton_view *view;
} current_result;

static inline current_result current(uintptr_t reader) {
	current_result result = {JETON_OK, 0, 0};
	result.status = jeton_current((jeton_reader *)reader, &result.view);
	if (result.status != JETON_OK) result.error = errno;
	return result;
}
*/
import "C"

import (
	"sync"
	"syscall"
	"time"
	"unsafe"
)

const (
	flagExpired  = uint32(C.JETON_FLAG_EXPIRED)
	flagRejected = uint32(C.JETON_FLAG_REJECTED)
	readerCount  = 8
)

// cachedReader is a reader of the C library, for one goroutine at a time, and what was last made of its view.
type cachedReader struct {
	mutex  sync.Mutex
	handle *C.jeton_reader
	last   *content
}

// viewKey changes with anything in a view but its flags: a token's previous one goes within the same generation.
type viewKey struct {
	generation, previousGeneration                     uint64
	issuedAtMs, expiresAtMs, previousAcceptUntilMs     int64
	valueSize, typeSize, attributesSize, previousValue int
}

func keyOf(view *C.jeton_view) viewKey {
	return viewKey{uint64(view.generation), uint64(view.previous_generation), int64(view.issued_at_ms),
		int64(view.expires_at_ms), int64(view.previous_accept_until_ms), int(view.value_size), int(view.type_size),
		int(view.attributes_size), int(view.previous_value_size)}
}

// Read gives the current token: one call into C and no allocation while nothing changed, so there is no need to keep
// the result. Safe for any number of goroutines; ErrExpired, ErrNoToken, ErrBusy are worth waiting for.
func (t *Token) Read() (Value, error) {
	reader := t.lockReader()
	defer reader.mutex.Unlock()
	if t.isClosed() {
		return Value{}, &Error{Op: "read", Token: t.name, Status: ErrClosed}
	}
	if reader.handle == nil {
		status, errno := C.jeton_reader_open(t.handle, &reader.handle)
		if err := failure("read", t.name, status, errno); err != nil {
			return Value{}, err
		}
	}
	result := C.current(C.uintptr_t(uintptr(unsafe.Pointer(reader.handle))))
	if result.status != C.JETON_OK {
		reader.last = nil
		return Value{}, failure("read", t.name, result.status, syscall.Errno(result.error))
	}
	if key := keyOf(result.view); reader.last == nil || reader.last.key != key {
		reader.last = copyView(result.view, key)
	}
	return Value{&reader.last.self, uint32(result.view.flags)}, nil
}

// lockReader takes the first reader that is not in use: a program with one busy goroutine has one copy of the secret.
func (t *Token) lockReader() *cachedReader {
	for i := range t.readers {
		if t.readers[i].mutex.TryLock() {
			return &t.readers[i]
		}
	}
	reader := &t.readers[t.turn.Add(1)%readerCount]
	reader.mutex.Lock()
	return reader
}

func (r *cachedReader) close() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	C.jeton_reader_close(r.handle)
	r.handle, r.last = nil, nil
}

func copyView(view *C.jeton_view, key viewKey) *content {
	copied := &content{
		value:      goString(view.value, view.value_size),
		kind:       goString(view._type, view.type_size),
		origin:     goString(view.origin, view.origin_size),
		generation: key.generation,
		issuedAt:   time.UnixMilli(key.issuedAtMs),
		expiresAt:  time.UnixMilli(key.expiresAtMs),
		attributes: copyAttributes(view),
		key:        key,
	}
	copied.self = copied
	if key.previousGeneration != 0 {
		secret := goString(view.previous_value, view.previous_value_size)
		copied.previous = Previous{&secret, key.previousGeneration, time.UnixMilli(key.previousAcceptUntilMs)}
	}
	return copied
}

func copyAttributes(view *C.jeton_view) map[string]string {
	all := map[string]string{}
	var name, value *C.char
	var nameSize, valueSize C.size_t
	for i := C.size_t(0); C.jeton_attribute_at(view, i, &name, &nameSize, &value, &valueSize) == C.JETON_OK; i++ {
		all[goString(name, nameSize)] = goString(value, valueSize)
	}
	return all
}

func goString(text *C.char, size C.size_t) string {
	return string(unsafe.Slice((*byte)(unsafe.Pointer(text)), int(size)))
}

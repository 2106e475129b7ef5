package jeton

/*
#include <jeton/jeton.h>

typedef struct {
	jeton_status status;
	uint64_t generation;
} rejected_result;

static inline rejected_result rejected(jeton_token *token, uint64_t generation) {
	rejected_result result = {JETON_OK, 0};
	result.status = jeton_rejected(token, generation, &result.generation);
	return result;
}

static inline jeton_status list_tokens(const char *directory, char *buffer, size_t capacity, size_t *size) {
	jeton_options options = JETON_OPTIONS_INIT;
	options.directory = directory;
	return jeton_list(&options, buffer, capacity, size, NULL);
}

typedef struct {
	jeton_status status;
	jeton_diagnosis diagnosis;
} diagnose_result;

static inline diagnose_result diagnose(const char *directory, const char *name) {
	jeton_options options = JETON_OPTIONS_INIT;
	diagnose_result result = {JETON_OK, JETON_DIAGNOSIS_INIT};
	options.directory = directory;
	result.status = jeton_diagnose(&options, name, &result.diagnosis);
	return result;
}
*/
import "C"

import (
	"strings"
	"time"
	"unsafe"
)

// Rejected reports that the provider refused the token of this generation (401). The fleet fetches a new one, once,
// however many report it. It returns the generation that is current now: above `generation` if there is a newer one
// already, then Read again; otherwise WaitChange(ctx, generation) waits for it. Asks the agent, for a second at most.
// Goroutines that report the same generation at the same time share one call, and the thread that it holds.
func (t *Token) Rejected(generation uint64) (uint64, error) {
	if err := t.begin("rejected"); err != nil {
		return 0, err
	}
	defer t.calls.Done()
	t.mutex.Lock()
	if under := t.reports[generation]; under != nil {
		t.mutex.Unlock()
		<-under.done
		return under.current, under.err
	}
	own := &report{done: make(chan struct{})}
	if t.reports == nil {
		t.reports = map[uint64]*report{}
	}
	t.reports[generation] = own
	t.mutex.Unlock()

	result, errno := C.rejected(t.handle, C.uint64_t(generation))
	own.current, own.err = uint64(result.generation), failure("rejected", t.name, result.status, errno)
	t.mutex.Lock()
	delete(t.reports, generation)
	t.mutex.Unlock()
	close(own.done)
	return own.current, own.err
}

// report is a call of jeton_rejected that is under way; the rest is written before done is closed.
type report struct {
	done    chan struct{}
	current uint64
	err     error
}

// Accepts reports whether `presented` is the current token, or the previous one inside its overlap, in a time that
// depends on the sizes only.
func (t *Token) Accepts(presented string) (bool, error) {
	if err := t.begin("accepts"); err != nil {
		return false, err
	}
	defer t.calls.Done()
	bytes := make([]byte, len(presented)+1)
	copy(bytes, presented)
	status, errno := C.jeton_accepts(t.handle, unsafe.Pointer(&bytes[0]), C.size_t(len(presented)))
	for i := range bytes {
		bytes[i] = 0
	}
	if status == C.JETON_MISMATCH {
		return false, nil
	}
	return status == C.JETON_OK, failure("accepts", t.name, status, errno)
}

// List gives the names of the tokens of this host, sorted, readable by this user or not. ErrNoAgent: none ever ran here.
func List(opts ...Option) ([]string, error) {
	directory, _, free, ok := cStrings(choose(opts).directory, "")
	if !ok {
		return nil, &Error{Op: "list", Status: ErrInvalidArgument}
	}
	defer free()
	buffer := make([]byte, 512)
	for {
		var size C.size_t
		status, errno := C.list_tokens(directory, (*C.char)(unsafe.Pointer(&buffer[0])), C.size_t(len(buffer)), &size)
		if status == C.JETON_BUFFER_TOO_SMALL {
			buffer = make([]byte, int(size))
			continue
		}
		if err := failure("list", "", status, errno); err != nil {
			return nil, err
		}
		if size == 0 {
			return nil, nil
		}
		return strings.Split(string(buffer[:size-1]), "\x00"), nil
	}
}

// Diagnosis has the problem of a token and of the agent; nil: none. A token outlives its agent.
type Diagnosis struct {
	Token, Agent error         // a Status each
	HeartbeatAge time.Duration // since the agent's last heartbeat; negative: none seen
}

// Diagnose opens the token afresh and looks at everything.
func Diagnose(name string, opts ...Option) (Diagnosis, error) {
	directory, cName, free, ok := cStrings(choose(opts).directory, name)
	if !ok {
		return Diagnosis{}, &Error{Op: "diagnose", Token: name, Status: ErrInvalidArgument}
	}
	defer free()
	result, errno := C.diagnose(directory, cName)
	if err := failure("diagnose", name, result.status, errno); err != nil {
		return Diagnosis{}, err
	}
	found := Diagnosis{HeartbeatAge: time.Duration(result.diagnosis.heartbeat_age_ms) * time.Millisecond}
	if result.diagnosis.token != C.JETON_OK {
		found.Token = Status(result.diagnosis.token)
	}
	if result.diagnosis.agent != C.JETON_OK {
		found.Agent = Status(result.diagnosis.agent)
	}
	return found, nil
}

// Version of the library in use.
func Version() string { return C.GoString(C.jeton_version()) }

package jeton

/*
#include <jeton/jeton.h>

typedef struct {
	jeton_status status;
	uint64_t generation;
} look_result;

static inline look_result look_above(jeton_token *token, uint64_t generation) {
	look_result result = {JETON_OK, 0};
	result.status = jeton_wait_change(token, generation, 0, &result.generation);
	return result;
}
*/
import "C"

import (
	"context"
	"errors"
)

// WaitChange blocks until there is a valid token of a higher generation than this one, and returns that; 0 waits for any
// valid token. It ends with ctx.Err() when ctx does, with ErrClosed when the token is closed. A token that expired or is
// missing (AllowMissing) is waited for. Any number of goroutines may wait: they share one descriptor, which Go's poller
// watches, and hold no thread.
func (t *Token) WaitChange(ctx context.Context, generation uint64) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := t.begin("wait"); err != nil {
		return 0, err
	}
	defer t.calls.Done()
	t.changes.enter(t.handle)
	defer t.changes.leave()
	for {
		changed := t.changes.next() // before the look: a change from here on is not missed
		result, errno := C.look_above(t.handle, C.uint64_t(generation))
		if result.status != C.JETON_TIMED_OUT {
			return uint64(result.generation), failure("wait", t.name, result.status, errno)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-t.closing:
			return 0, &Error{Op: "wait", Token: t.name, Status: ErrClosed}
		}
	}
}

// Change is what Watch sends: a valid token, or the error for which the watch ended.
type Change struct {
	Value Value
	Err   error
}

// Watch sends the valid token and then each new one, or the newest of several if the receiver was slow. The channel is
// closed when ctx ends or the token is closed; if anything else ended the watch, the last Change says what.
func (t *Token) Watch(ctx context.Context) <-chan Change {
	changes := make(chan Change)
	go func() {
		defer close(changes)
		for generation := uint64(0); ; {
			value, err := t.nextValue(ctx, generation)
			if ctx.Err() != nil || errors.Is(err, ErrClosed) {
				return
			}
			select {
			case changes <- Change{value, err}:
			case <-ctx.Done():
				return
			case <-t.closing:
				return
			}
			if err != nil {
				return
			}
			generation = value.Generation()
		}
	}()
	return changes
}

// nextValue reads what was waited for; it may have gone again in between.
func (t *Token) nextValue(ctx context.Context, generation uint64) (Value, error) {
	for {
		if _, err := t.WaitChange(ctx, generation); err != nil {
			return Value{}, err
		}
		value, err := t.Read()
		if err == nil && value.Generation() > generation && !value.Expired() {
			return value, nil
		}
		if err != nil && !isWorthWaiting(err) {
			return Value{}, err
		}
	}
}

func isWorthWaiting(err error) bool {
	return errors.Is(err, ErrNoToken) || errors.Is(err, ErrExpired) || errors.Is(err, ErrNotFound) || errors.Is(err, ErrBusy)
}

package jeton

/*
#include <jeton/jeton.h>

typedef struct {
	jeton_status status;
	uint64_t generation;
} wait_result;

static inline wait_result wait_change(jeton_token *token, uint64_t generation, jeton_cancel *cancel) {
	jeton_wait_options options = JETON_WAIT_OPTIONS_INIT;
	wait_result result = {JETON_OK, 0};
	options.generation = generation;
	options.cancel = cancel;
	result.status = jeton_wait(token, &options, &result.generation);
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
// missing (AllowMissing) is waited for.
func (t *Token) WaitChange(ctx context.Context, generation uint64) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := t.begin("wait"); err != nil {
		return 0, err
	}
	defer t.calls.Done()
	var cancel *C.jeton_cancel
	status, errno := C.jeton_cancel_new(&cancel)
	if err := failure("wait", t.name, status, errno); err != nil {
		return 0, err
	}
	defer C.jeton_cancel_free(cancel)

	waited, watcherGone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watcherGone)
		select {
		case <-ctx.Done():
			C.jeton_cancel_now(cancel)
		case <-t.closing:
			C.jeton_cancel_now(cancel)
		case <-waited:
		}
	}()
	result, errno := C.wait_change(t.handle, C.uint64_t(generation), cancel)
	close(waited)
	<-watcherGone // it must not touch `cancel` any more

	if result.status == C.JETON_CANCELLED {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return 0, &Error{Op: "wait", Token: t.name, Status: ErrClosed}
	}
	return uint64(result.generation), failure("wait", t.name, result.status, errno)
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

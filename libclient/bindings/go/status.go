package jeton

/*
#include <jeton/jeton.h>
*/
import "C"

import (
	"io/fs"
	"syscall"
)

// Status says why a call failed; it is the sentinel for errors.Is. Texts are the library's own.
type Status int

// The statuses of jeton.h. Also: ErrNotFound is fs.ErrNotExist, ErrNoPermission is fs.ErrPermission, ErrInvalidArgument
// is fs.ErrInvalid and ErrClosed is fs.ErrClosed to errors.Is.
const (
	ErrNoToken            = Status(C.JETON_NO_TOKEN)            // the agent has not received such a token yet: wait
	ErrExpired            = Status(C.JETON_EXPIRED)             // it expired and there is no new one: wait, look at the agent
	ErrBusy               = Status(C.JETON_BUSY)                // published faster than it could be read: try again
	ErrInvalidArgument    = Status(C.JETON_INVALID_ARGUMENT)    // an impossible name
	ErrRejected           = Status(C.JETON_REJECTED)            // Diagnose: the provider refused the token
	ErrNotFound           = Status(C.JETON_NOT_FOUND)           // no such token in this directory
	ErrNoPermission       = Status(C.JETON_NO_PERMISSION)       // this user is not among the token's readers
	ErrSymlink            = Status(C.JETON_SYMLINK)             // the segment was refused, and so on to ErrCorrupt
	ErrNotRegular         = Status(C.JETON_NOT_REGULAR)         //
	ErrForeignOwner       = Status(C.JETON_FOREIGN_OWNER)       //
	ErrWritableFile       = Status(C.JETON_WRITABLE_FILE)       //
	ErrWritableDirectory  = Status(C.JETON_WRITABLE_DIRECTORY)  //
	ErrBadMagic           = Status(C.JETON_BAD_MAGIC)           //
	ErrUnsupportedVersion = Status(C.JETON_UNSUPPORTED_VERSION) // written by a newer agent: update libjeton
	ErrTruncated          = Status(C.JETON_TRUNCATED)           //
	ErrCorrupt            = Status(C.JETON_CORRUPT)             //
	ErrSystem             = Status(C.JETON_SYSTEM_ERROR)        // Error.Errno says what
	ErrNoAgent            = Status(C.JETON_NO_AGENT)            // no agent answers on this host's socket
	ErrAgentStale         = Status(C.JETON_AGENT_STALE)         // Diagnose: an agent that hangs or was stopped
	ErrAgentRefused       = Status(C.JETON_AGENT_REFUSED)       // the agent did not accept the call: unknown generation
	ErrClosed             = Status(-1)                          // the Token was closed
)

// Error is one sentence.
func (s Status) Error() string {
	if s == ErrClosed {
		return "the token was closed"
	}
	return C.GoString(C.jeton_status_text(C.jeton_status(s)))
}

// Name is that of the constant in jeton.h, for logs: "JETON_EXPIRED".
func (s Status) Name() string {
	if s == ErrClosed {
		return "JETON_CLOSED"
	}
	return C.GoString(C.jeton_status_name(C.jeton_status(s)))
}

// Is lets the errors of io/fs be asked for as well.
func (s Status) Is(target error) bool {
	switch target {
	case fs.ErrNotExist:
		return s == ErrNotFound
	case fs.ErrPermission:
		return s == ErrNoPermission
	case fs.ErrInvalid:
		return s == ErrInvalidArgument
	case fs.ErrClosed:
		return s == ErrClosed
	}
	return false
}

// Error is what every function of this package returns, apart from the error of a context.
type Error struct {
	Op     string        // "open", "read" ...
	Token  string        // its name
	Status Status        // also by errors.Is
	Errno  syscall.Errno // with ErrSystem; also by errors.Is
}

func (e *Error) Error() string {
	text := "jeton: " + e.Op
	if e.Token != "" {
		text += " " + e.Token
	}
	text += ": " + e.Status.Error()
	if e.Errno != 0 {
		text += " (" + e.Errno.Error() + ")"
	}
	return text
}

// Unwrap gives the Status.
func (e *Error) Unwrap() error { return e.Status }

// Is compares with the errno.
func (e *Error) Is(target error) bool {
	return e.Errno != 0 && (target == error(e.Errno) || e.Errno.Is(target))
}

func failure(op, name string, status C.jeton_status, errno error) error {
	if status == C.JETON_OK {
		return nil
	}
	failed := &Error{Op: op, Token: name, Status: Status(status)}
	if number, ok := errno.(syscall.Errno); ok && failed.Status == ErrSystem {
		failed.Errno = number
	}
	return failed
}

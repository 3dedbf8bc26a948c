// The statuses of the C library as Go errors.

package redilock

/*
#cgo pkg-config: redilock
#include <redilock/redilock.h>
*/
import "C"

import "errors"

// Status says how a call failed. It is an error itself, so that errors.Is compares it and errors.As
// finds it. A later library may use numbers that have no name here; they are failures too.
type Status int32

const (
	ErrHeld        Status = C.REDILOCK_E_HELD        // somebody else holds the lock; normal for a try
	ErrTimeout     Status = C.REDILOCK_E_TIMEOUT     // the wait ended before the lock was granted
	ErrCancelled   Status = C.REDILOCK_E_CANCELLED   // the context ended the call
	ErrInterrupted Status = C.REDILOCK_E_INTERRUPTED // a signal came, and "interruptible" was set
	ErrLost        Status = C.REDILOCK_E_LOST        // the lock expired or was taken away
	ErrNotOwner    Status = C.REDILOCK_E_NOT_OWNER   // the token does not hold the lock, or no more
	ErrUnknown     Status = C.REDILOCK_E_UNKNOWN     // the server may or may not have done it
	ErrUnavailable Status = C.REDILOCK_E_UNAVAILABLE // the server could not be reached
	ErrAuth        Status = C.REDILOCK_E_AUTH        // the server wants other credentials
	ErrServer      Status = C.REDILOCK_E_SERVER      // the server answered with an error
	ErrProtocol    Status = C.REDILOCK_E_PROTOCOL    // the peer does not speak the protocol
	ErrInvalid     Status = C.REDILOCK_E_INVALID     // an argument or option is wrong
	ErrNoMemory    Status = C.REDILOCK_E_NO_MEMORY   // the C library is out of memory
	ErrForked      Status = C.REDILOCK_E_FORKED      // the object belongs to the parent process
	ErrClosed      Status = C.REDILOCK_E_CLOSED      // the client was closed
	ErrUnsupported Status = C.REDILOCK_E_UNSUPPORTED // this build or server cannot do it
	ErrInternal    Status = C.REDILOCK_E_INTERNAL    // a bug in redilock; please report it
)

const ok Status = C.REDILOCK_OK

// Error returns a sentence that describes the status.
func (s Status) Error() string { return C.GoString(C.redilock_strerror(C.int32_t(s))) }

// Name returns the constant of the C library, such as "REDILOCK_E_HELD".
func (s Status) Name() string { return C.GoString(C.redilock_status_name(C.int32_t(s))) }

// Error describes a call that failed.
type Error struct {
	Status    Status
	Op        string // the call, such as "lock" or "unlock"
	Lock      string // the name of the lock; "" if the call is not about one
	Message   string // what failed, in words
	Retriable bool   // the same call may succeed later

	cause error
}

// Error returns the message of the C library: it names the lock, and the server or the holder.
func (e *Error) Error() string {
	text := e.Message
	if text == "" {
		text = e.Status.Error()
	}
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return "redilock: " + text
}

// Unwrap returns the status, and the cause of the context that ended the call.
func (e *Error) Unwrap() []error {
	if e.cause == nil {
		return []error{e.Status}
	}
	return []error{e.Status, e.cause}
}

// ErrUnlocked is the cause of a lock's context after Unlock or Detach.
var ErrUnlocked = errors.New("redilock: the lock was unlocked")

// message copies a text of the library: `text` writes to a buffer and returns the length it needs.
func message(text func(buffer *C.char, size C.size_t) C.size_t) string {
	var buffer [512]C.char
	if length := text(&buffer[0], C.size_t(len(buffer))); int(length) < len(buffer) {
		return C.GoStringN(&buffer[0], C.int(length))
	}
	return C.GoString(&buffer[0]) // the library writes no longer ones; a cut message still ends in NUL
}

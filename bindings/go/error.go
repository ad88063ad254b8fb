package posthog

import (
	"context"

	"github.com/posthog/libposthog/bindings/go/internal/abi"
)

// Error is why a call failed. A call that fails has accepted nothing. Compare it with errors.Is.
type Error int32

// The numbers are those of ph_status.
const (
	ErrNull        Error = -1  // A required value is missing.
	ErrUTF8        Error = -2  // An id, a name or a key is not UTF-8, or has a NUL inside.
	ErrEmpty       Error = -3  // An id, a name or a key is empty or blank.
	ErrJSON        Error = -4  // A value has no JSON.
	ErrDepth       Error = -5  // Values are nested too deep, or contain themselves.
	ErrRange       Error = -6  // A number is outside the range that the option names.
	ErrHost        Error = -7  // A host is not an http:// or https:// URL.
	ErrUUID        Error = -8  // A text is not a hyphenated UUID.
	ErrTimestamp   Error = -9  // A time is outside the years 1 to 9999.
	ErrTooLarge    Error = -10 // The event is larger than WithEventMaxBytes allows.
	ErrQueueFull   Error = -11 // The queue is at its bound.
	ErrFiltered    Error = -12 // WithBeforeSend dropped the event.
	ErrShutdown    Error = -13 // The client is closed.
	ErrReentrant   Error = -14 // Called from inside a hook.
	ErrTimeout     Error = -15 // The deadline passed first.
	ErrLost        Error = -16 // Events that the call waited for were dropped; Stats says why.
	ErrNoMemory    Error = -17 // There is no memory.
	ErrNetwork     Error = -18 // The server could not be reached, or did not answer in time.
	ErrServer      Error = -19 // The server answered with an error.
	ErrThread      Error = -20 // The system refused to start a thread.
	ErrPanic       Error = -21 // A bug in the library, caught at its boundary.
	ErrSuppressed  Error = -22 // Too many exceptions of the same kind (WithExceptionLimit).
	ErrUnsupported Error = -23 // The client was not configured for this, or the library not built for it.
	ErrFile        Error = -24 // A file that an option names cannot be read, or is not what it should be.
	ErrRejected    Error = -25 // The server refused the event.
)

func (e Error) Error() string {
	return "posthog: " + abi.StatusText(int32(e))
}

// Is makes ErrTimeout what a context says of its deadline, too.
func (e Error) Is(target error) bool {
	return e == ErrTimeout && target == context.DeadlineExceeded
}

// Timeout is true of ErrTimeout, as of the time-outs of package net.
func (e Error) Timeout() bool {
	return e == ErrTimeout
}

func check(status int32) error {
	if status == 0 {
		return nil
	}
	return Error(status)
}

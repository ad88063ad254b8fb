package posthog

import (
	"context"
	"unsafe"

	"github.com/posthog/libposthog/bindings/go/internal/abi"
)

// FlagEnabled says whether a flag is on for a distinct id: from what the client remembers, or else
// from a request, waiting no longer than WithFlagsTimeout in all. fallback when that is not known:
// there is no such flag, it could not be evaluated in time, or the client is disabled or closed.
func (c *Client) FlagEnabled(distinctID, key string, fallback bool, options ...FlagOption) bool {
	if !c.acquire() {
		return fallback
	}
	defer c.release()
	subject, err := newSubject(options)
	if err != nil {
		return fallback
	}
	defer subject.free()
	return abi.True(abi.FlagEnabledN, c.handle,
		uintptr(unsafe.Pointer(unsafe.StringData(distinctID))), uintptr(len(distinctID)),
		uintptr(unsafe.Pointer(unsafe.StringData(key))), uintptr(len(key)),
		subject.context, one(fallback))
}

// EvaluateFlags evaluates the feature flags of a distinct id, all of them unless an option says
// which, within the deadline of ctx, or else WithFlagsTimeout's default of 3 s.
//
// Success may be partial: Flags.Reason says why a flag is not known. A disabled client makes no
// request: no flag is known then. ErrTimeout, ErrNetwork, ErrServer, ErrEmpty, ErrUTF8, ErrShutdown.
func (c *Client) EvaluateFlags(
	ctx context.Context, distinctID string, options ...FlagOption,
) (*Flags, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !c.acquire() {
		return &Flags{}, c.unavailable()
	}
	defer c.release()
	subject, err := newSubject(options)
	if err != nil {
		return nil, err
	}
	defer subject.free()
	timeout := untilDeadline(ctx)
	if timeout == forever {
		timeout = flagsTimeout
	}
	handle := new(uintptr)
	status := abi.Status(abi.FlagsEvaluateN, c.handle,
		uintptr(unsafe.Pointer(unsafe.StringData(distinctID))), uintptr(len(distinctID)),
		subject.context, max(timeout, 1), uintptr(unsafe.Pointer(handle)))
	if status != 0 {
		return nil, Error(status)
	}
	return newFlags(*handle), nil
}

// flagsTimeout bounds an evaluation whose context has no deadline, in milliseconds.
const flagsTimeout = 3000

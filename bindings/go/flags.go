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
	subject, err := newContext(options)
	if err != nil {
		return fallback
	}
	defer freeContext(subject)
	return abi.True(abi.FlagEnabledN, c.handle,
		uintptr(unsafe.Pointer(unsafe.StringData(distinctID))), uintptr(len(distinctID)),
		uintptr(unsafe.Pointer(unsafe.StringData(key))), uintptr(len(key)),
		subject, one(fallback))
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
	timeout := untilDeadline(ctx)
	if timeout == forever {
		timeout = flagsTimeout
	}
	return c.snapshot(options, func(subject uintptr, made *uintptr) int32 {
		return abi.Status(abi.FlagsEvaluateN, c.handle,
			uintptr(unsafe.Pointer(unsafe.StringData(distinctID))), uintptr(len(distinctID)),
			subject, max(timeout, 1), uintptr(unsafe.Pointer(made)))
	})
}

// RecallFlags gives all that FlagEnabled answers from: for a variant or a payload without a request for
// each read. Where nothing is remembered the error says why: ErrNetwork, ErrServer, ErrTimeout.
func (c *Client) RecallFlags(distinctID string, options ...FlagOption) (*Flags, error) {
	return c.snapshot(options, func(subject uintptr, made *uintptr) int32 {
		id := cString(distinctID)
		return abi.Status(abi.FlagsRecall, c.handle, uintptr(unsafe.Pointer(id)), subject,
			uintptr(unsafe.Pointer(made)))
	})
}

// snapshot of somebody's flags, as take makes it.
func (c *Client) snapshot(
	options []FlagOption, take func(subject uintptr, made *uintptr) int32,
) (*Flags, error) {
	if !c.acquire() {
		return &Flags{}, c.unavailable()
	}
	defer c.release()
	subject, err := newContext(options)
	if err != nil {
		return nil, err
	}
	defer freeContext(subject)
	made := new(uintptr)
	if status := take(subject, made); status != 0 {
		return nil, Error(status)
	}
	return newFlags(*made), nil
}

// OverrideFlags sets what flags are, whatever definitions or PostHog say, in place of what was set so
// before; nil ends it. For tests. Values are booleans, names of variants, or maps with enabled, variant
// and payload.
func (c *Client) OverrideFlags(values Properties) error {
	if !c.acquire() {
		return c.unavailable()
	}
	defer c.release()
	text, err := jsonText(values)
	if err != nil {
		return err
	}
	return check(abi.Status(abi.FlagsOverride, c.handle, uintptr(unsafe.Pointer(text))))
}

// jsonText is JSON as C takes it. Nil, which C has a meaning for, for nil.
func jsonText(values Properties) (*byte, error) {
	if values == nil {
		return nil, nil
	}
	encoder := newEncoder()
	defer encoder.done()
	if err := encoder.properties(values); err != nil {
		return nil, err
	}
	return cString(string(encoder.text)), nil
}

// flagsTimeout bounds an evaluation whose context has no deadline, in milliseconds.
const flagsTimeout = 3000

package posthog

import (
	"context"
	"encoding/json"
	"runtime"
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
	otherwise := uintptr(0)
	if fallback {
		otherwise = 1
	}
	id, flag := cString(distinctID), cString(key)
	return abi.True(abi.FlagEnabled, c.handle, uintptr(unsafe.Pointer(id)),
		uintptr(unsafe.Pointer(flag)), subject.context, otherwise)
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
	handle, id := new(uintptr), cString(distinctID)
	status := abi.Status(abi.FlagsEvaluate, c.handle, uintptr(unsafe.Pointer(id)), subject.context,
		max(timeout, 1), uintptr(unsafe.Pointer(handle)))
	if status != 0 {
		return nil, Error(status)
	}
	return newFlags(*handle), nil
}

// flagsTimeout bounds an evaluation whose context has no deadline, in milliseconds.
const flagsTimeout = 3000

// Flags are the feature flags of one distinct id at one moment. They never change, and reading them
// makes no request. They may be read from any goroutine at once. The zero value knows no flag.
type Flags struct {
	handle uintptr
	// keys of the known flags, where the library has them with the NUL that C wants.
	keys map[string]uintptr
}

func newFlags(handle uintptr) *Flags {
	flags := &Flags{handle: handle, keys: make(map[string]uintptr)}
	for i := range abi.Call(abi.FlagsGetCount, handle) {
		key := abi.Call(abi.FlagsGetKey, handle, i)
		flags.keys[abi.Text(key)] = key
	}
	runtime.AddCleanup(flags, func(handle uintptr) { abi.Call(abi.FlagsFree, handle) }, handle)
	return flags
}

// IsEnabled says whether a flag is on, in whatever variant; fallback when that is not known.
func (f *Flags) IsEnabled(key string, fallback bool) bool {
	if f == nil || f.handle == 0 {
		return fallback
	}
	defer runtime.KeepAlive(f)
	otherwise := uintptr(0)
	if fallback {
		otherwise = 1
	}
	if known, ok := f.keys[key]; ok {
		return abi.True(abi.FlagsIsEnabled, f.handle, known, otherwise)
	}
	text := cString(key)
	return abi.True(abi.FlagsIsEnabled, f.handle, uintptr(unsafe.Pointer(text)), otherwise)
}

// IsKnown says whether the value of a flag is known. One that is off is known.
func (f *Flags) IsKnown(key string) bool {
	if f == nil {
		return false
	}
	_, ok := f.keys[key]
	return ok
}

// Variant of a flag that has several, and is on; "" otherwise.
func (f *Flags) Variant(key string) string {
	return f.text(abi.FlagsGetVariant, key)
}

// Payload of a flag, as JSON; nil when it has none, or is not known.
func (f *Flags) Payload(key string) json.RawMessage {
	if text := f.text(abi.FlagsGetPayload, key); text != "" {
		return json.RawMessage(text)
	}
	return nil
}

// Reason says why a flag has its value, in PostHog's code, e.g. condition_match; or why it is not
// known. "" when there is no such flag, or the server did not say.
func (f *Flags) Reason(key string) string {
	return f.text(abi.FlagsGetReason, key)
}

// Keys of the known flags, sorted by their bytes.
func (f *Flags) Keys() []string {
	if f == nil || f.handle == 0 {
		return nil
	}
	defer runtime.KeepAlive(f)
	keys := make([]string, 0, len(f.keys))
	for i := range abi.Call(abi.FlagsGetCount, f.handle) {
		keys = append(keys, abi.Text(abi.Call(abi.FlagsGetKey, f.handle, i)))
	}
	return keys
}

func (f *Flags) text(getter abi.Function, key string) string {
	if f == nil || f.handle == 0 {
		return ""
	}
	defer runtime.KeepAlive(f)
	if known, ok := f.keys[key]; ok {
		return abi.Text(abi.Call(getter, f.handle, known))
	}
	text := cString(key)
	return abi.Text(abi.Call(getter, f.handle, uintptr(unsafe.Pointer(text))))
}

// addTo adds the values to an event.
func (f *Flags) addTo(event uintptr) error {
	if f == nil || f.handle == 0 {
		return nil
	}
	defer runtime.KeepAlive(f)
	return check(abi.Status(abi.EventSetFlags, event, f.handle))
}

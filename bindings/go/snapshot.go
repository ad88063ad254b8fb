package posthog

import (
	"encoding/json"
	"runtime"
	"time"
	"unsafe"

	"github.com/posthog/libposthog/bindings/go/internal/abi"
)

// Flags are the feature flags of one distinct id at one moment. They never change, and reading them
// makes no request. They may be read from any goroutine at once. A nil *Flags and the zero value know
// no flag.
type Flags struct {
	handle uintptr
	// keys that there are, where the library has them with the NUL that C wants.
	keys map[string]uintptr
}

// newFlags takes the handle over: it is freed once nobody has the flags any more.
func newFlags(handle uintptr) *Flags {
	flags := &Flags{handle: handle, keys: make(map[string]uintptr)}
	for _, list := range [...]abi.Function{abi.FlagsGetKey, abi.FlagsGetUnknownKey} {
		for i := uintptr(0); ; i++ {
			key := abi.Call(list, handle, i)
			if key == 0 {
				break
			}
			flags.keys[abi.Text(key)] = key
		}
	}
	runtime.AddCleanup(flags, func(handle uintptr) { abi.Call(abi.FlagsFree, handle) }, handle)
	return flags
}

// IsEnabled says whether a flag is on, in whatever variant; fallback when that is not known.
func (f *Flags) IsEnabled(key string, fallback bool) bool {
	if !f.there() {
		return fallback
	}
	return uint8(f.get(abi.FlagsIsEnabled, key, one(fallback))) != 0
}

// IsKnown says whether the value of a flag is known. One that is off is known.
func (f *Flags) IsKnown(key string) bool {
	return f.there() && uint8(f.get(abi.FlagsIsKnown, key, 0)) != 0
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

// A Source is where the value of a flag came from. The numbers are those of ph_flag_source.
type Source int

const (
	SourceUnknown  Source = iota // Nowhere: it is not known.
	SourceRemote                 // PostHog's answer to this evaluation.
	SourceLocal                  // Definitions that the client had, without a request.
	SourceStale                  // An earlier answer: PostHog did not say this time.
	SourceOverride               // A value that the program set in place of any other.
	SourceDefault                // A value that the program brought for as long as nothing else is known.
)

// Source says where the value of a flag came from.
func (f *Flags) Source(key string) Source {
	if !f.there() {
		return SourceUnknown
	}
	return Source(int32(f.get(abi.FlagsGetSource, key, 0)))
}

// Age says how long ago the value was evaluated, or came from PostHog; -1 when nobody knows.
func (f *Flags) Age(key string) time.Duration {
	if age := f.number(abi.FlagsGetAgeMs, key); age >= 0 {
		return time.Duration(age) * time.Millisecond
	}
	return -1
}

// ID is the number by which PostHog knows a flag; -1 when nobody said.
func (f *Flags) ID(key string) int64 {
	return f.number(abi.FlagsGetID, key)
}

// Version of a flag's definition that was evaluated; -1 when nobody said.
func (f *Flags) Version(key string) int64 {
	return f.number(abi.FlagsGetVersion, key)
}

// RequestID is PostHog's name for the request of this evaluation; "" without an answer.
func (f *Flags) RequestID() string {
	if !f.there() {
		return ""
	}
	defer runtime.KeepAlive(f)
	return abi.Text(abi.Call(abi.FlagsGetRequestID, f.handle))
}

// Unknown are the keys of flags that exist, or were asked for, and are not known: Reason says why.
func (f *Flags) Unknown() []string {
	if !f.there() {
		return nil
	}
	defer runtime.KeepAlive(f)
	var keys []string
	for i := uintptr(0); ; i++ {
		key := abi.Call(abi.FlagsGetUnknownKey, f.handle, i)
		if key == 0 {
			return keys
		}
		keys = append(keys, abi.Text(key))
	}
}

// Keys of the known flags, sorted by their bytes.
func (f *Flags) Keys() []string {
	if !f.there() {
		return nil
	}
	defer runtime.KeepAlive(f)
	count := abi.Call(abi.FlagsGetCount, f.handle)
	keys := make([]string, 0, count)
	for i := range count {
		keys = append(keys, abi.Text(abi.Call(abi.FlagsGetKey, f.handle, i)))
	}
	return keys
}

// OnlyAccessed has those flags whose value was read: for an event that is to carry what a decision
// was made of, and not every flag of the project.
func (f *Flags) OnlyAccessed() *Flags {
	if !f.there() {
		return f
	}
	defer runtime.KeepAlive(f)
	handle := new(uintptr)
	if abi.Status(abi.FlagsOnlyAccessed, f.handle, uintptr(unsafe.Pointer(handle))) != 0 {
		return &Flags{}
	}
	return newFlags(*handle)
}

// Only has the flags of these keys, as far as they are here.
func (f *Flags) Only(keys ...string) *Flags {
	if !f.there() {
		return f
	}
	defer runtime.KeepAlive(f)
	var known []uintptr
	for _, key := range keys {
		if text, ok := f.keys[key]; ok {
			known = append(known, text)
		}
	}
	handle := new(uintptr)
	status := abi.Status(abi.FlagsOnly, f.handle, uintptr(unsafe.Pointer(unsafe.SliceData(known))),
		uintptr(len(known)), uintptr(unsafe.Pointer(handle)))
	if status != 0 {
		return &Flags{}
	}
	return newFlags(*handle)
}

func (f *Flags) there() bool {
	return f != nil && f.handle != 0
}

// get what a getter says of a flag. It may note that the flag was asked for.
func (f *Flags) get(getter abi.Function, key string, more uintptr) uintptr {
	defer runtime.KeepAlive(f)
	if known, ok := f.keys[key]; ok {
		return abi.Call(getter, f.handle, known, more)
	}
	text := cString(key)
	return abi.Call(getter, f.handle, uintptr(unsafe.Pointer(text)), more)
}

func (f *Flags) text(getter abi.Function, key string) string {
	if !f.there() {
		return ""
	}
	defer runtime.KeepAlive(f)
	return abi.Text(f.get(getter, key, 0))
}

func (f *Flags) number(getter abi.Function, key string) int64 {
	if !f.there() {
		return -1
	}
	return int64(f.get(getter, key, 0))
}

// addTo adds the values to an event.
func (f *Flags) addTo(event uintptr) error {
	if !f.there() {
		return nil
	}
	defer runtime.KeepAlive(f)
	return check(abi.Status(abi.EventSetFlags, event, f.handle))
}

// one is a bool as C takes it.
func one(yes bool) uintptr {
	if yes {
		return 1
	}
	return 0
}

package posthog

import (
	"unsafe"

	"github.com/posthog/libposthog/bindings/go/internal/abi"
)

// A FlagOption says more about one evaluation of feature flags than whose it is.
type FlagOption func(*subject)

// A subject is what the library calls a context.
type subject struct {
	context uintptr // 0 for none
	err     error
}

func newSubject(options []FlagOption) (*subject, error) {
	if len(options) == 0 {
		return &subject{}, nil
	}
	s := &subject{context: abi.Call(abi.ContextNew)}
	for _, option := range options {
		option(s)
	}
	if s.err != nil {
		s.free()
		return nil, s.err
	}
	return s, nil
}

func (s *subject) free() {
	if s.context != 0 {
		abi.Call(abi.ContextFree, s.context)
	}
}

func (s *subject) check(status int32) {
	if s.err == nil {
		s.err = check(status)
	}
}

// InGroup says which group of a type somebody belongs to, and what it is like; properties may be nil.
func InGroup(groupType, groupKey string, properties Properties) FlagOption {
	return func(s *subject) {
		kind, key := cString(groupType), cString(groupKey)
		s.check(abi.Status(abi.ContextSetGroup, s.context,
			uintptr(unsafe.Pointer(kind)), uintptr(unsafe.Pointer(key))))
		s.with(properties, func(props uintptr) int32 {
			return abi.Status(abi.ContextSetGroupProperties, s.context,
				uintptr(unsafe.Pointer(kind)), props)
		})
	}
}

// WithPerson gives person properties that the evaluation is to take for the person's.
func WithPerson(properties Properties) FlagOption {
	return func(s *subject) {
		s.with(properties, func(props uintptr) int32 {
			return abi.Status(abi.ContextSetPersonProperties, s.context, props)
		})
	}
}

// WithDeviceID sets the id of the device, for flags that are released by device.
func WithDeviceID(deviceID string) FlagOption {
	return func(s *subject) {
		text := cString(deviceID)
		s.check(abi.Status(abi.ContextSetDeviceID, s.context, uintptr(unsafe.Pointer(text))))
	}
}

// OnlyFlags limits the evaluation to these flags; to none, if there are none.
func OnlyFlags(keys ...string) FlagOption {
	return func(s *subject) {
		s.check(abi.Status(abi.ContextLimitFlagKeys, s.context))
		for _, key := range keys {
			text := cString(key)
			s.check(abi.Status(abi.ContextAddFlagKey, s.context, uintptr(unsafe.Pointer(text))))
		}
	}
}

// InContexts names evaluation contexts, such as backend: flags that are tagged with contexts are
// evaluated only in one of those.
func InContexts(names ...string) FlagOption {
	return func(s *subject) {
		for _, name := range names {
			text := cString(name)
			s.check(abi.Status(abi.ContextAddEvaluationContext, s.context,
				uintptr(unsafe.Pointer(text))))
		}
	}
}

// WithoutGeoIP says whether PostHog is to leave out where the request comes from, which on a server
// is where the server is. Without it: as the client is configured.
func WithoutGeoIP(disable bool) FlagOption {
	return func(s *subject) {
		s.check(abi.Status(abi.ContextSetGeoipDisable, s.context, one(disable)))
	}
}

// LocalOnly says that nothing may be asked of PostHog: a flag that the client cannot evaluate itself
// is not known then.
func LocalOnly() FlagOption {
	return func(s *subject) {
		s.check(abi.Status(abi.ContextSetLocalOnly, s.context, 1))
	}
}

func (s *subject) with(properties Properties, set func(props uintptr) int32) {
	if properties == nil {
		return
	}
	props, err := newProps(properties)
	if err != nil {
		if s.err == nil {
			s.err = err
		}
		return
	}
	defer abi.Call(abi.PropsFree, props)
	s.check(set(props))
}

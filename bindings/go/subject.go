package posthog

import (
	"unsafe"

	"github.com/posthog/libposthog/bindings/go/internal/abi"
)

// A FlagOption says more about one evaluation of feature flags than whose it is.
type FlagOption func(*subject)

// A subject is what the library calls a context. It is handed over as a whole, as JSON.
type subject struct {
	groups                              map[string]string
	groupProperties                     map[string]Properties
	person                              Properties
	deviceID                            string
	keys, contexts                      []string
	limited                             bool
	disableGeoIP, localOnly, flagEvents *bool
}

// newContext of the library's, to be freed with freeContext. 0, which is none, without options.
func newContext(options []FlagOption) (uintptr, error) {
	if len(options) == 0 {
		return 0, nil
	}
	s := &subject{groups: make(map[string]string), groupProperties: make(map[string]Properties)}
	for _, option := range options {
		option(s)
	}
	encoder := newEncoder()
	defer encoder.done()
	if err := encoder.subject(s); err != nil {
		return 0, err
	}
	context := new(uintptr)
	status := abi.Status(abi.ContextNewJSON, uintptr(unsafe.Pointer(unsafe.SliceData(encoder.text))),
		uintptr(len(encoder.text)), uintptr(unsafe.Pointer(context)))
	return *context, check(status)
}

func freeContext(context uintptr) {
	if context != 0 {
		abi.Call(abi.ContextFree, context)
	}
}

// subject as ph_context_new_json takes it.
func (e *encoder) subject(s *subject) error {
	e.text = append(e.text, '{')
	first := true
	e.key("groups", &first)
	e.strings(s.groups)
	e.key("group_properties", &first)
	if err := e.value(s.groupProperties); err != nil {
		return err
	}
	e.key("person_properties", &first)
	if err := e.properties(s.person); err != nil {
		return err
	}
	for _, member := range [...]struct {
		key   string
		there bool
		value any
	}{
		{"device_id", s.deviceID != "", s.deviceID},
		{"flag_keys", s.limited, s.keys},
		{"evaluation_contexts", len(s.contexts) > 0, s.contexts},
		{"geoip_disable", s.disableGeoIP != nil, s.disableGeoIP},
		{"local_only", s.localOnly != nil, s.localOnly},
		{"flag_events", s.flagEvents != nil, s.flagEvents},
	} {
		if member.there {
			e.key(member.key, &first)
			_ = e.value(member.value) // Texts and booleans always have JSON.
		}
	}
	e.text = append(e.text, '}')
	return nil
}

// InGroup says which group of a type somebody belongs to, and what it is like; properties may be nil.
func InGroup(groupType, groupKey string, properties Properties) FlagOption {
	return func(s *subject) {
		s.groups[groupType] = groupKey
		if properties != nil {
			s.groupProperties[groupType] = properties
		}
	}
}

// WithPerson gives person properties that the evaluation is to take for the person's.
func WithPerson(properties Properties) FlagOption {
	return func(s *subject) { s.person = merged(s.person, properties) }
}

// WithDeviceID sets the id of the device, for flags that are released by device.
func WithDeviceID(deviceID string) FlagOption {
	return func(s *subject) { s.deviceID = deviceID }
}

// OnlyFlags limits the evaluation to these flags; to none, if there are none.
func OnlyFlags(keys ...string) FlagOption {
	return func(s *subject) { s.keys, s.limited = append(s.keys, keys...), true }
}

// InContexts names evaluation contexts, such as backend: flags that are tagged with contexts are
// evaluated only in one of those.
func InContexts(names ...string) FlagOption {
	return func(s *subject) { s.contexts = append(s.contexts, names...) }
}

// WithoutGeoIP says whether PostHog is to leave out where the request comes from, which on a server
// is where the server is. Without it: as the client is configured.
func WithoutGeoIP(disable bool) FlagOption {
	return func(s *subject) { s.disableGeoIP = &disable }
}

// LocalOnly says that nothing may be asked of PostHog: a flag that the client cannot evaluate itself
// is not known then.
func LocalOnly() FlagOption {
	return func(s *subject) {
		only := true
		s.localOnly = &only
	}
}

// TellingReads says whether reads of values are told to PostHog ($feature_flag_called). Without it: as
// WithFlagEvents says.
func TellingReads(told bool) FlagOption {
	return func(s *subject) { s.flagEvents = &told }
}

package posthog

import (
	"encoding/json"
	"unsafe"

	"github.com/posthog/libposthog/bindings/go/internal/abi"
)

// WithBeforeSend sees each event before it is queued, and may change it; false drops it, and Capture
// returns ErrFiltered. It runs in the goroutine that captures. If it panics, the event is kept as it
// is then.
func WithBeforeSend(beforeSend func(*Outgoing) bool) Option {
	return func(s *setup) {
		s.hooks.BeforeSend = func(event uintptr) bool { return beforeSend(&Outgoing{event}) }
	}
}

// A Delivery is what became of a batch.
type Delivery int

const (
	Delivered Delivery = iota // The server took it.
	Failed                    // The server refused it for good.
	Dropped                   // It was given up: retries or age ran out, or the user opted out.
)

// WithDelivery is told once for each batch that was settled, and how many events it had. It runs on
// the thread that sends: what it does delays the next batch.
func WithDelivery(told func(outcome Delivery, events int)) Option {
	return func(s *setup) {
		s.hooks.Delivery = func(delivery int32, events int) { told(Delivery(delivery), events) }
	}
}

// register hands the hooks that there are to the library.
func (s *setup) register() {
	for _, hook := range [...]struct {
		there    bool
		set      abi.Function
		callback abi.CallbackKind
	}{
		{s.hooks.Log != nil, abi.ConfigSetLog, abi.OnLog},
		{s.hooks.BeforeSend != nil, abi.ConfigAddBeforeSend, abi.OnBeforeSend},
		{s.hooks.Delivery != nil, abi.ConfigSetDelivery, abi.OnDelivery},
		{s.hooks.Transport != nil, abi.ConfigSetTransport, abi.OnTransport},
		{s.hooks.Error != nil, abi.ConfigSetOnError, abi.OnError},
	} {
		if hook.there {
			hooks := s.hooks
			abi.Call(hook.set, s.config, abi.Callback(hook.callback), hooks.Userdata(),
				abi.Callback(abi.UserdataFree))
		}
	}
	if s.hooks.DefinitionsGet != nil {
		hooks := s.hooks
		abi.Call(abi.ConfigSetDefinitionsCache, s.config, abi.Callback(abi.OnDefinitionsGet),
			abi.Callback(abi.OnDefinitionsPut), hooks.Userdata(), abi.Callback(abi.UserdataFree))
	}
}

// Outgoing is an event as it will leave, stamps included. It lasts for the call of WithBeforeSend's
// function.
type Outgoing struct {
	event uintptr
}

// Name of the event.
func (o *Outgoing) Name() string {
	return abi.Text(abi.Call(abi.EventGetName, o.event))
}

// DistinctID says whose event it is.
func (o *Outgoing) DistinctID() string {
	return abi.Text(abi.Call(abi.EventGetDistinctID, o.event))
}

// Properties are all that will leave. Changing the map changes nothing: use Set and Remove.
func (o *Outgoing) Properties() Properties {
	var properties Properties
	text := abi.Text(abi.Call(abi.EventGetProperties, o.event))
	if json.Unmarshal([]byte(text), &properties) != nil {
		return nil
	}
	return properties
}

// Set sets properties of the event.
func (o *Outgoing) Set(properties Properties) error {
	props, err := newProps(properties)
	if err != nil {
		return err
	}
	defer abi.Call(abi.PropsFree, props)
	return check(abi.Status(abi.EventSetProperties, o.event, props))
}

// Remove removes properties. No error for those that are not there.
func (o *Outgoing) Remove(keys ...string) error {
	for _, key := range keys {
		text := cString(key)
		status := abi.Status(abi.EventRemoveProperty, o.event, uintptr(unsafe.Pointer(text)))
		if status != 0 {
			return Error(status)
		}
	}
	return nil
}

// SetName replaces the event's name.
func (o *Outgoing) SetName(name string) error {
	text := cString(name)
	return check(abi.Status(abi.EventSetName, o.event, uintptr(unsafe.Pointer(text))))
}

// SetDistinctID replaces whose event it is.
func (o *Outgoing) SetDistinctID(distinctID string) error {
	text := cString(distinctID)
	return check(abi.Status(abi.EventSetDistinctID, o.event, uintptr(unsafe.Pointer(text))))
}

// newProps is a property map of the library's, to be freed. 0, which is none, for nil.
func newProps(properties Properties) (uintptr, error) {
	if properties == nil {
		return 0, nil
	}
	encoder := newEncoder()
	defer encoder.done()
	if err := encoder.properties(properties); err != nil {
		return 0, err
	}
	props := abi.Call(abi.PropsNew)
	status := abi.Status(abi.PropsSetMembers, props,
		uintptr(unsafe.Pointer(unsafe.SliceData(encoder.text))), uintptr(len(encoder.text)))
	if status != 0 {
		abi.Call(abi.PropsFree, props)
		return 0, Error(status)
	}
	return props, nil
}

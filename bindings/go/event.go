package posthog

import (
	"context"
	"errors"
	"time"
	"unsafe"

	"github.com/posthog/libposthog/bindings/go/internal/abi"
)

// Properties of an event, a person or a group. Values may be anything that encoding/json takes. A
// time is written as RFC 3339, an error as its text, and NaN and the infinities as null.
type Properties map[string]any

// An Event to be captured. Only Name and DistinctID are required.
type Event struct {
	Name       string
	DistinctID string
	Properties Properties
	// Groups in which it happened: the type of each, and its key.
	Groups map[string]string
	// Set are person properties that the event sets, SetOnce those that it sets where they are not
	// set yet.
	Set, SetOnce Properties
	// Timestamp is when it happened. The zero time is the moment of capture.
	Timestamp time.Time
	// UUID is its identity: events of the same UUID, name, id and time are one to PostHog. "" for a
	// fresh one.
	UUID string
	// Flags adds the values of these feature flags.
	Flags *Flags
}

// plain is an event of which the short form of capture carries everything.
func (e *Event) plain() bool {
	return len(e.Groups) == 0 && len(e.Set) == 0 && len(e.SetOnce) == 0 && e.Timestamp.IsZero() &&
		e.UUID == "" && e.Flags == nil
}

// Capture captures an event. It copies everything and returns: it never waits for the network. nil
// means that the event is queued, and will be delivered or counted in Stats.
//
// ErrEmpty and ErrUTF8 (of the name or the id), ErrJSON (errors.Is; the text says which property),
// ErrDepth, ErrUUID, ErrTimestamp, ErrTooLarge, ErrQueueFull, ErrFiltered, ErrShutdown.
func (c *Client) Capture(event Event) error {
	if !c.acquire() {
		return c.lateCapture()
	}
	defer c.release()
	encoder := newEncoder()
	defer encoder.done()
	if !event.plain() {
		return c.captureDetails(&event, encoder)
	}
	if len(event.Properties) > 0 {
		if err := encoder.properties(event.Properties); err != nil {
			return c.refuse(err)
		}
	}
	return check(abi.Status(abi.CaptureJSON, c.handle,
		uintptr(unsafe.Pointer(unsafe.StringData(event.DistinctID))), uintptr(len(event.DistinctID)),
		uintptr(unsafe.Pointer(unsafe.StringData(event.Name))), uintptr(len(event.Name)),
		uintptr(unsafe.Pointer(unsafe.SliceData(encoder.text))), uintptr(len(encoder.text))))
}

// lateCapture is one for which the handle was not there.
func (c *Client) lateCapture() error {
	err := c.unavailable()
	if err == nil {
		return nil
	}
	return c.refuse(err)
}

// refuse counts a capture that failed before it came to the library.
func (c *Client) refuse(err error) error {
	for i := range c.refused {
		if errors.Is(err, Error(-1-i)) {
			c.refused[i].Add(1)
		}
	}
	return err
}

// captureDetails takes the way of an event that has more than properties.
func (c *Client) captureDetails(event *Event, encoder *encoder) error {
	if err := encoder.details(event); err != nil {
		return c.refuse(err)
	}
	details := encoder.text
	built := new(uintptr)
	status := abi.Status(abi.EventNewJSON,
		uintptr(unsafe.Pointer(unsafe.StringData(event.DistinctID))), uintptr(len(event.DistinctID)),
		uintptr(unsafe.Pointer(unsafe.StringData(event.Name))), uintptr(len(event.Name)),
		uintptr(unsafe.Pointer(unsafe.SliceData(details))), uintptr(len(details)),
		uintptr(unsafe.Pointer(built)))
	if status != 0 {
		return c.refuse(Error(status))
	}
	defer abi.Call(abi.EventFree, *built)
	if event.Flags != nil {
		if err := event.Flags.addTo(*built); err != nil {
			return c.refuse(err)
		}
	}
	return check(abi.Status(abi.CaptureEvent, c.handle, *built, 0))
}

// details of an event, as ph_event_new_json takes them.
func (e *encoder) details(event *Event) error {
	e.text = append(e.text, '{')
	first := true
	for _, part := range [...]struct {
		key        string
		properties Properties
	}{{"properties", event.Properties}, {"set", event.Set}, {"set_once", event.SetOnce}} {
		if len(part.properties) > 0 {
			e.key(part.key, &first)
			if err := e.properties(part.properties); err != nil {
				return err
			}
		}
	}
	if len(event.Groups) > 0 {
		e.key("groups", &first)
		e.strings(event.Groups)
	}
	if !event.Timestamp.IsZero() {
		e.key("timestamp", &first)
		e.time(event.Timestamp.UTC())
	}
	if event.UUID != "" {
		e.key("uuid", &first)
		e.string(event.UUID)
	}
	e.text = append(e.text, '}')
	return nil
}

// CaptureContext captures an event of the request that ctx belongs to: Middleware and WithRequest
// say whose it is. What the event says itself wins.
func (c *Client) CaptureContext(ctx context.Context, event Event) error {
	if request, ok := RequestFrom(ctx); ok {
		request.stamp(&event)
	}
	return c.Capture(event)
}

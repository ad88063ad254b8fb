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
	// Personless says that the event makes no person profile.
	Personless bool
	// Options of capture V1, which are passed on as they are.
	Options Properties
	// Flags adds the values of these feature flags.
	Flags *Flags
}

// plain is an event of which the short form of capture carries everything.
func (e *Event) plain() bool {
	return len(e.Groups) == 0 && len(e.Set) == 0 && len(e.SetOnce) == 0 && e.Timestamp.IsZero() &&
		e.UUID == "" && e.Options == nil && e.Flags == nil
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
		return c.build(&event, encoder, func(built uintptr) int32 {
			return abi.Status(abi.CaptureEvent, c.handle, built, 0)
		})
	}
	if err := encoder.own(&event); err != nil {
		return c.refuse(err)
	}
	return check(abi.CaptureText(c.handle, event.DistinctID, event.Name, encoder.text))
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

// CaptureAI captures an event of PostHog's AI observability ($ai_generation, $ai_span, ...): they have a
// queue and requests of their own, so that large ones do not hold up the others.
func (c *Client) CaptureAI(event Event) error {
	return c.captureBuilt(&event, func(built uintptr) int32 {
		return abi.Status(abi.CaptureAi, c.handle, built, 0)
	})
}

// CaptureNow captures an event and waits for what becomes of it, until the deadline of ctx: for importers,
// and for last words before an exit. nil: the server took it. ErrRejected, ErrLost: it did not, and never
// will. ErrTimeout: it stays queued, and its fate is open.
func (c *Client) CaptureNow(ctx context.Context, event Event) error {
	return c.captureBuilt(&event, func(built uintptr) int32 {
		return abi.Status(abi.CaptureImmediate, c.handle, built, untilDeadline(ctx), 0)
	})
}

// CaptureAINow is CaptureNow for an event of CaptureAI.
func (c *Client) CaptureAINow(ctx context.Context, event Event) error {
	return c.captureBuilt(&event, func(built uintptr) int32 {
		return abi.Status(abi.CaptureAiImmediate, c.handle, built, untilDeadline(ctx), 0)
	})
}

func (c *Client) captureBuilt(event *Event, capture func(built uintptr) int32) error {
	if !c.acquire() {
		return c.lateCapture()
	}
	defer c.release()
	encoder := newEncoder()
	defer encoder.done()
	return c.build(event, encoder, capture)
}

// build an event of the library's that carries everything, and capture it.
func (c *Client) build(event *Event, encoder *encoder, capture func(built uintptr) int32) error {
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
	if err := setOptions(*built, event.Options); err != nil {
		return c.refuse(err)
	}
	if event.Flags != nil {
		if err := event.Flags.addTo(*built); err != nil {
			return c.refuse(err)
		}
	}
	return check(capture(*built))
}

func setOptions(event uintptr, options Properties) error {
	if options == nil {
		return nil
	}
	props, err := newProps(options)
	if err != nil {
		return err
	}
	defer abi.Call(abi.PropsFree, props)
	return check(abi.Status(abi.EventSetOptions, event, props))
}

// own properties of an event. Of a key that is there twice the library takes the last.
func (e *encoder) own(event *Event) error {
	if err := e.properties(event.Properties); err != nil || !event.Personless {
		return err
	}
	e.text = e.text[:len(e.text)-1]
	first := len(event.Properties) == 0
	e.key("$process_person_profile", &first)
	e.text = append(e.text, "false}"...)
	return nil
}

// details of an event, as ph_event_new_json takes them.
func (e *encoder) details(event *Event) error {
	e.text = append(e.text, '{')
	first := true
	e.key("properties", &first)
	if err := e.own(event); err != nil {
		return err
	}
	for _, part := range [...]struct {
		key        string
		properties Properties
	}{{"set", event.Set}, {"set_once", event.SetOnce}} {
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

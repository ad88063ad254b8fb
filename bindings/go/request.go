package posthog

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
)

// A Request is whose request something is: what Middleware reads from the tracing headers of
// PostHog's browser SDK. It is never proof of who somebody is: use it for nothing but analytics.
type Request struct {
	DistinctID, SessionID, WindowID string
	// Properties of every event of the request, such as $current_url.
	Properties Properties
}

type requestKey struct{}

// WithRequest attaches a request to a context. It replaces what Middleware read, for those who know
// better whose request it is.
func WithRequest(ctx context.Context, request Request) context.Context {
	return context.WithValue(ctx, requestKey{}, request)
}

// RequestFrom is the request of a context.
func RequestFrom(ctx context.Context) (Request, bool) {
	request, ok := ctx.Value(requestKey{}).(Request)
	return request, ok
}

// stamp an event with what it does not say itself. Without any id it becomes an event of nobody: it
// gets an id of its own, and makes no person profile.
func (r Request) stamp(event *Event) {
	properties := r.properties()
	if event.DistinctID == "" {
		event.DistinctID = r.DistinctID
	}
	if event.DistinctID == "" {
		event.DistinctID = randomID()
		properties["$process_person_profile"] = false
	}
	event.Properties = merged(properties, event.Properties)
}

// properties of everything that is captured in the request, in a map of its own.
func (r Request) properties() Properties {
	properties := make(Properties, len(r.Properties)+3)
	for key, value := range r.Properties {
		properties[key] = value
	}
	for key, value := range map[string]string{"$session_id": r.SessionID, "$window_id": r.WindowID} {
		if value != "" {
			properties[key] = value
		}
	}
	return properties
}

// randomID is a version 4 UUID.
func randomID() string {
	var id [16]byte
	rand.Read(id[:]) // It never fails.
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

// tracingMax bounds what a tracing header may say.
const tracingMax = 1000

// sanitize makes a header of a stranger's harmless: no white space around it, no control characters,
// not too long. Empty is as good as missing.
func sanitize(value string) string {
	value = strings.TrimSpace(strings.Map(func(character rune) rune {
		if character < ' ' || character >= 0x7f && character < 0xa0 {
			return -1
		}
		return character
	}, value))
	if characters := []rune(value); len(characters) > tracingMax {
		return string(characters[:tracingMax])
	}
	return value
}

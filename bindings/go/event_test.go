package posthog

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/posthog/libposthog/bindings/go/internal/abi"
	"github.com/posthog/libposthog/bindings/go/internal/receiver"
)

func TestAnEventCarriesEverything(t *testing.T) {
	r := receiver.Start(t)
	client := open(t, r, WithGroupIndex("company", 2))
	id := "0190a6e0-7c3b-7def-8123-456789abcdef"
	ok(t, client.Capture(Event{
		Name:       "order placed",
		DistinctID: "user \"42\"",
		Properties: Properties{"total": 49.9, "bad": math.NaN(), "text": "a\xffb\x00"},
		Groups:     map[string]string{"company": "acme"},
		Set:        Properties{"plan": "pro"},
		SetOnce:    Properties{"first": time.Unix(0, 0).UTC()},
		Timestamp:  time.Date(2026, 11, 20, 10, 0, 0, 123456789, time.FixedZone("", 3600)),
		UUID:       id,
	}))
	ok(t, client.Close())
	event := r.Events()[0]
	if event.Event != "order placed" || event.DistinctID != "user \"42\"" || event.UUID != id ||
		event.Timestamp != "2026-11-20T09:00:00.123456789Z" {
		t.Errorf("%+v", event)
	}
	for key, expected := range map[string]any{
		"total": 49.9, "bad": nil, "text": "a\uFFFDb\uFFFD",
		"$groups": map[string]any{"company": "acme"}, "$group_2": "acme",
		"$set":      map[string]any{"plan": "pro"},
		"$set_once": map[string]any{"first": "1970-01-01T00:00:00Z"},
	} {
		if value, there := event.Properties[key]; !there || !reflect.DeepEqual(value, expected) {
			t.Errorf("%s is %v", key, value)
		}
	}
	if stats := client.Stats(); stats.RepairedValues != 3 {
		t.Errorf("%+v", stats)
	}
}

func TestBadInputIsAnErrorAndTheNextEventArrives(t *testing.T) {
	r := receiver.Start(t)
	client := open(t, r, WithEventMaxBytes(4096))
	good := Event{Name: "e", DistinctID: "u"}
	long := Properties{"long": string(make([]byte, 5000))}
	deep := Properties{}
	for range 70 {
		deep = Properties{"deeper": deep}
	}
	bad := []struct {
		expected Error
		call     func() error
	}{
		{ErrEmpty, func() error { return client.Capture(Event{Name: " ", DistinctID: "u"}) }},
		{ErrEmpty, func() error { return client.Capture(Event{Name: "e"}) }},
		{ErrUTF8, func() error { return client.Capture(Event{Name: "e", DistinctID: "\xff"}) }},
		{ErrUTF8, func() error { return client.Capture(Event{Name: "a\x00b", DistinctID: "u"}) }},
		{ErrUTF8, func() error { return client.Alias("u", "a\x00b") }},
		{ErrJSON, func() error { return client.Capture(with(good, Properties{"c": make(chan int)})) }},
		{ErrDepth, func() error { return client.Capture(with(good, deep)) }},
		{ErrTooLarge, func() error { return client.Capture(with(good, long)) }},
		{ErrUUID, func() error {
			return client.Capture(Event{Name: "e", DistinctID: "u", UUID: "1"})
		}},
		{ErrTimestamp, func() error {
			return client.Capture(Event{Name: "e", DistinctID: "u",
				Timestamp: time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)})
		}},
		{ErrEmpty, func() error { return client.GroupIdentify("u", "", "acme", nil) }},
		{ErrJSON, func() error { return client.Identify("u", Properties{"c": func() {}}, nil) }},
	}
	refused := make(map[Error]uint64)
	for i, it := range bad {
		err := it.call()
		is(t, err, it.expected)
		refused[it.expected]++
		good.Properties = Properties{"after": i}
		ok(t, client.Capture(good))
	}
	ok(t, client.Close())
	if events := r.Events(); len(events) != len(bad) {
		t.Error(len(events))
	}
	if stats := client.Stats(); !reflect.DeepEqual(stats.Refused, refused) {
		t.Errorf("%+v", stats)
	}
}

func with(event Event, properties Properties) Event {
	event.Properties = properties
	return event
}

func TestAnEventThatIsWaitedFor(t *testing.T) {
	r := receiver.Start(t)
	client := open(t, r, WithProtocol(ProtocolV1))
	good := Event{Name: "e", DistinctID: "u", Options: Properties{"cookieless_mode": true}}
	ok(t, client.CaptureNow(deadline(t, 10*time.Second), good))
	if stats := client.Stats(); stats.Delivered != 1 {
		t.Errorf("%+v", stats)
	}
	request := string(r.Requests()[0].JSON)
	if !strings.Contains(request, `"cookieless_mode":true`) {
		t.Error(request)
	}
	ok(t, client.CaptureAI(Event{Name: "$ai_span", DistinctID: "u"}))
	ok(t, client.Close())
	if stats := client.Stats(); stats.Delivered != 2 {
		t.Errorf("%+v", stats)
	}
	is(t, client.CaptureNow(deadline(t, time.Second), good), ErrShutdown)
}

// What a capture of plain values costs beside the library's own work: nothing is left for the garbage
// collector.
func TestACaptureAllocatesNothing(t *testing.T) {
	if abi.Linked != "cgo" || raceDetector {
		t.Log("purego and the race detector allocate")
		return
	}
	r := receiver.Start(t, "--sink")
	client := open(t, r)
	event := Event{Name: "e", DistinctID: "u", Properties: Properties{"plan": "pro", "amount": 4999, "ok": true}}
	capture := func() { ok(t, client.Capture(event)) }
	capture()
	if allocations := testing.AllocsPerRun(1000, capture); allocations >= 1 {
		t.Error(allocations)
	}
}

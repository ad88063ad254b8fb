package posthog

import (
	"testing"

	"github.com/posthog/libposthog/bindings/go/internal/receiver"
)

// What one capture costs its caller, with three properties. The figures beside posthog-go are those
// of `make bench`.
func BenchmarkCapture(b *testing.B) {
	r := receiver.Start(b, "--sink")
	client := open(b, r, WithQueueMaxEvents(10_000_000), WithQueueMaxBytes(4<<30))
	b.ReportAllocs()
	for b.Loop() {
		ok(b, client.Capture(Event{
			Name: "order placed", DistinctID: "user_42",
			Properties: Properties{"plan": "pro", "amount": 4999, "trial": false},
		}))
	}
}

func BenchmarkEncode(b *testing.B) {
	properties := Properties{"plan": "pro", "amount": 4999, "trial": false}
	b.ReportAllocs()
	for b.Loop() {
		encoder := newEncoder()
		ok(b, encoder.properties(properties))
		encoder.done()
	}
}

package posthog_test

import (
	"testing"
	"time"

	posthog "github.com/posthog/libposthog/bindings/go"
)

func placeOrder(client *posthog.Client) {
	_ = client.Capture(posthog.Event{Name: "order placed", DistinctID: "user_42"})
}

// The test of a program that the README shows, as it stands there.
func TestOfAProgram(t *testing.T) {
	fixed := posthog.WithDeterministic(time.UnixMilli(1_700_000_000_000), 42)
	client, _ := posthog.New("phc_test", posthog.WithCaptureOnly(true), fixed)
	placeOrder(client)
	if events, _ := client.Drain(100); len(events) != 1 || events[0].Name != "order placed" {
		t.Fatal(events)
	}

	placeOrder(client)
	events, err := client.Drain(100)
	if err != nil || events[0].UUID != "018bcfe5-6800-7000-8016-d8000560015e" ||
		!events[0].Timestamp.Equal(time.UnixMilli(1_700_000_000_000)) || events[0].Properties["$lib"] != "libposthog-go" {
		t.Error(events, err)
	}
	if err := client.Close(); err != nil {
		t.Error(err)
	}
	if events, err := client.Drain(100); events != nil || err != posthog.ErrShutdown {
		t.Error(events, err)
	}
}

package posthog

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/posthog/libposthog/bindings/go/internal/receiver"
)

const flagTable = `{"on": true, "off": false, "variant": "blue",
	"payload": {"enabled": true, "payload": {"copy": "hello"}}}`

func TestASnapshotOfFlags(t *testing.T) {
	r := receiver.Start(t)
	r.Post("/__flags", flagTable)
	client := open(t, r)
	flags, err := client.EvaluateFlags(context.Background(), "u")
	ok(t, err)
	if fmt.Sprint(flags.Keys()) != "[off on payload variant]" {
		t.Error(flags.Keys())
	}
	if !flags.IsEnabled("on", false) || flags.IsEnabled("off", true) || !flags.IsEnabled("variant", false) ||
		flags.IsEnabled("none", false) || !flags.IsEnabled("none", true) {
		t.Error("IsEnabled")
	}
	if !flags.IsKnown("off") || flags.IsKnown("none") || flags.IsKnown("a\x00b") {
		t.Error("IsKnown")
	}
	if flags.Variant("variant") != "blue" || flags.Variant("on") != "" || flags.Variant("none") != "" {
		t.Error("Variant")
	}
	if text := string(flags.Payload("payload")); text != `{"copy":"hello"}` {
		t.Error(text)
	}
	if flags.Payload("on") != nil || flags.Source("on") != SourceRemote || flags.Source("none") != SourceUnknown {
		t.Error("Payload, Source")
	}
	if only := flags.Only("on", "none"); fmt.Sprint(only.Keys()) != "[on]" || !only.IsEnabled("on", false) {
		t.Error(only.Keys())
	}
	ok(t, client.Capture(Event{Name: "decided", DistinctID: "u", Flags: flags.Only("on", "variant")}))
	ok(t, client.Close())
	for _, event := range r.Events() {
		if event.Event == "decided" {
			if event.Properties["$feature/on"] != true || event.Properties["$feature/variant"] != "blue" {
				t.Error(event)
			}
			return
		}
	}
	t.Error("no event")
}

func TestAFlagOfSomebody(t *testing.T) {
	r := receiver.Start(t)
	r.Post("/__flags", flagTable)
	client := open(t, r)
	options := []FlagOption{
		InGroup("company", "acme", Properties{"size": 3}), WithPerson(Properties{"plan": "pro"}),
		WithDeviceID("device"), InContexts("backend"), OnlyFlags("on"), WithoutGeoIP(true),
	}
	for range 3 {
		if !client.FlagEnabled("u", "on", false, options...) {
			t.Error("off")
		}
	}
	if client.FlagEnabled("u", "none", false) || !client.FlagEnabled("", "on", true) {
		t.Error("not the fallback")
	}
	if client.FlagEnabled("u", "on", false, WithPerson(Properties{"c": make(chan int)})) {
		t.Error("not the fallback")
	}
	request := string(r.Requests()[0].JSON)
	for _, part := range []string{`"company"`, `"acme"`, `"size"`, `"plan"`, `"device"`, `"backend"`, `"on"`} {
		if !strings.Contains(request, part) {
			t.Errorf("%s is not in %s", part, request)
		}
	}
}

func TestFlagsThatCannotBeHad(t *testing.T) {
	r := receiver.Start(t, "--script", `[{"path": "/flags/", "status": 400}]`)
	client := open(t, r)
	_, err := client.EvaluateFlags(context.Background(), "u")
	is(t, err, ErrServer)
	_, err = client.EvaluateFlags(context.Background(), " ")
	is(t, err, ErrEmpty)
	_, err = client.EvaluateFlags(context.Background(), "u", OnlyFlags("a\x00b"))
	is(t, err, ErrUTF8)
	done, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = client.EvaluateFlags(done, "u")
	is(t, err, context.Canceled)
}

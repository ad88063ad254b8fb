package posthog

import (
	"fmt"
	"strings"
	"testing"

	"github.com/posthog/libposthog/bindings/go/internal/receiver"
)

func TestPropertiesThatPostHogDoesNotKnowYet(t *testing.T) {
	r := receiver.Start(t)
	client := open(t, r)
	asked := func() string {
		_, err := client.EvaluateFlags(t.Context(), "u", InGroup("company", "acme", nil))
		ok(t, err)
		requests := r.Requests()
		return string(requests[len(requests)-1].JSON)
	}
	ok(t, client.SetPersonPropertiesForFlags("u", Properties{"plan": "pro"}))
	ok(t, client.SetGroupPropertiesForFlags("company", "acme", Properties{"size": 3}))
	if request := asked(); !strings.Contains(request, `"plan"`) || !strings.Contains(request, `"size"`) {
		t.Error(request)
	}
	ok(t, client.ResetPersonPropertiesForFlags("u"))
	ok(t, client.ResetGroupPropertiesForFlags("", ""))
	if request := asked(); strings.Contains(request, `"plan"`) || strings.Contains(request, `"size"`) {
		t.Error(request)
	}
	is(t, client.SetPersonPropertiesForFlags(" ", Properties{"plan": "pro"}), ErrEmpty)
	is(t, client.SetGroupPropertiesForFlags("company", "a\x00b", nil), ErrUTF8)
	is(t, client.ResetGroupPropertiesForFlags("company", ""), ErrNull)
}

func TestARecalledSnapshotAsksOnce(t *testing.T) {
	r := receiver.Start(t)
	r.Post("/__flags", flagTable)
	client := open(t, r)
	for range 3 {
		flags, err := client.RecallFlags("u", OnlyFlags("variant", "none"))
		ok(t, err)
		if flags.Variant("variant") != "blue" || flags.RequestID() == "" || flags.Age("variant") < 0 {
			t.Error(flags.Keys(), flags.RequestID(), flags.Age("variant"))
		}
		if flags.Age("none") != -1 || flags.ID("none") != -1 {
			t.Error(flags.Age("none"), flags.ID("none"))
		}
	}
	if requests := r.Requests(); len(requests) != 1 {
		t.Error(len(requests))
	}
	_, err := client.RecallFlags(" ")
	is(t, err, ErrEmpty)
	_, err = open(t, r, WithFlagsTimeout(0)).RecallFlags("u")
	is(t, err, ErrTimeout)
}

func TestWhatIsNotKnownHasAReason(t *testing.T) {
	r := receiver.Start(t, "--script", `[{"path": "/flags/", "body":
		{"flags": {"broken": {"enabled": false, "failed": true, "reason": {"code": "timeout"}}}}}]`)
	flags, err := open(t, r).EvaluateFlags(t.Context(), "u")
	ok(t, err)
	if fmt.Sprint(flags.Unknown()) != "[broken]" || flags.Reason("broken") != "timeout" {
		t.Error(flags.Unknown(), flags.Reason("broken"))
	}
}

func TestOverridesAndBootstrap(t *testing.T) {
	r := receiver.Start(t)
	early := WithFlagsBootstrap(Properties{"early": "bird", "rich": map[string]any{"enabled": true, "payload": 5}})
	client := open(t, r, early, WithFlagsLocalOnly(true))
	now := func() *Flags {
		flags, err := client.EvaluateFlags(t.Context(), "u")
		ok(t, err)
		return flags
	}
	if flags := now(); flags.Variant("early") != "bird" || flags.Source("early") != SourceDefault ||
		string(flags.Payload("rich")) != "5" {
		t.Error(flags.Keys())
	}
	ok(t, client.OverrideFlags(Properties{"early": false}))
	if flags := now(); flags.IsEnabled("early", true) || flags.Source("early") != SourceOverride {
		t.Error(flags.Keys())
	}
	ok(t, client.OverrideFlags(nil))
	if now().Variant("early") != "bird" {
		t.Error("the override is still there")
	}
	is(t, client.OverrideFlags(Properties{"early": 5}), ErrJSON)
	_, err := New("phc_test", WithFlagsBootstrap(Properties{"early": []int{1}}))
	is(t, err, ErrJSON)
	if requests := r.Requests(); len(requests) != 0 {
		t.Error(requests)
	}
}

func TestReadsAreToldUnlessTheyAreNotToBe(t *testing.T) {
	for _, each := range []struct {
		told    int
		client  []Option
		reading []FlagOption
	}{
		{1, nil, nil},
		{0, []Option{WithFlagEvents(false)}, nil},
		{0, nil, []FlagOption{TellingReads(false)}},
		{1, []Option{WithFlagEvents(false)}, []FlagOption{TellingReads(true)}},
	} {
		r := receiver.Start(t)
		client := open(t, r, each.client...)
		client.FlagEnabled("u", "new-checkout", false, each.reading...)
		ok(t, client.Close())
		if events := r.Events(); len(events) != each.told {
			t.Error(events, each.told)
		}
	}
}

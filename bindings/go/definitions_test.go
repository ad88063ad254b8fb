package posthog

import (
	"strings"
	"testing"
	"time"

	"github.com/posthog/libposthog/bindings/go/internal/receiver"
)

const definitions = `{"flags": [{"id": 1, "key": "beta", "active": true, "version": 3, "filters": {"groups": [
	{"properties": [{"key": "plan", "value": "pro", "operator": "exact", "type": "person"}], "rollout_percentage": 100}
]}}], "group_type_mapping": {}, "cohorts": {}}`

func TestFlagsAreEvaluatedHere(t *testing.T) {
	r := receiver.Start(t)
	client := open(t, r)
	is(t, client.WaitForFlags(deadline(t, time.Second)), ErrUnsupported)
	is(t, client.LoadDefinitions([]byte("nothing")), ErrJSON)
	ok(t, client.LoadDefinitions([]byte(definitions)))
	ok(t, client.WaitForFlags(deadline(t, time.Second)))
	saved, err := client.SaveDefinitions()
	ok(t, err)
	if string(saved) != definitions {
		t.Error(string(saved))
	}
	pro := WithPerson(Properties{"plan": "pro"})
	flags, err := client.EvaluateFlags(t.Context(), "u", pro, LocalOnly())
	ok(t, err)
	if !flags.IsEnabled("beta", false) || flags.Source("beta") != SourceLocal {
		t.Error(flags.Source("beta"), flags.Reason("beta"))
	}
	if !client.FlagEnabled("u", "beta", false, pro) ||
		client.FlagEnabled("u", "beta", true, WithPerson(Properties{"plan": "free"})) {
		t.Error("FlagEnabled")
	}
	told, err := client.ExplainFlag("u", "beta", pro)
	ok(t, err)
	if !strings.Contains(told, "plan") {
		t.Error(told)
	}
	for _, request := range r.Requests() {
		if strings.HasPrefix(request.Path, "/flags") {
			t.Error(request)
		}
	}
}

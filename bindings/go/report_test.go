package posthog

import (
	"strings"
	"sync"
	"testing"

	"github.com/posthog/libposthog/bindings/go/internal/receiver"
)

const unauthorized = `[{"path": "/batch", "status": 401}]`

func isRefusal(t *testing.T, report Report, r *receiver.Receiver) {
	t.Helper()
	if report.Family != FamilyEvents || report.HTTPStatus != 401 || report.Attempt != 1 ||
		report.EventsLost != 1 || report.Count != 1 || report.Hint != HintKey ||
		report.Host != r.URL || !strings.Contains(report.Message, "401") {
		t.Errorf("%+v", report)
	}
}

func TestReportsAreKeptUntilTheyAreTaken(t *testing.T) {
	r := receiver.Start(t, "--script", unauthorized)
	client := open(t, r)
	if report, there := client.NextError(); there {
		t.Error(report)
	}
	ok(t, client.Capture(Event{Name: "e", DistinctID: "u"}))
	is(t, client.Flush(t.Context()), ErrLost)
	report, there := client.NextError()
	if !there {
		t.Fatal("no report")
	}
	isRefusal(t, report, r)
	if report, there := client.NextError(); there {
		t.Error(report)
	}
	if _, there := (*Client)(nil).NextError(); there {
		t.Error("of no client")
	}
}

func TestAFunctionIsToldOfReports(t *testing.T) {
	r := receiver.Start(t, "--script", unauthorized)
	var mutex sync.Mutex
	var reports []Report
	client := open(t, r, WithErrorReports(func(report Report) {
		mutex.Lock()
		defer mutex.Unlock()
		reports = append(reports, report)
		panic("of the program's")
	}))
	ok(t, client.Capture(Event{Name: "e", DistinctID: "u"}))
	is(t, client.Flush(t.Context()), ErrLost)
	mutex.Lock()
	defer mutex.Unlock()
	if len(reports) != 1 {
		t.Fatal(reports)
	}
	isRefusal(t, reports[0], r)
}

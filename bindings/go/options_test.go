package posthog

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/posthog/libposthog/bindings/go/internal/receiver"
)

// asked is how many requests came for a path.
func asked(r *receiver.Receiver, path string) int {
	count := 0
	for _, request := range r.Requests() {
		if strings.HasPrefix(request.Path, path) {
			count++
		}
	}
	return count
}

func TestOptionsOfBatchesAndRequests(t *testing.T) {
	r := receiver.Start(t)
	client := open(t, r, WithBatchMaxEvents(2), WithBatchMaxBytes(100_000), WithConnectTimeout(time.Second),
		WithRequestTimeout(10*time.Second), WithHeader("X-Shop", "tea"), WithProxy(""), WithDebug(false),
		WithCompression(CompressionNone))
	for range 5 {
		ok(t, client.Capture(Event{Name: "e", DistinctID: "u"}))
	}
	ok(t, client.Flush(deadline(t, 10*time.Second)))
	if requests := asked(r, "/batch/"); requests < 3 || len(r.Events()) != 5 {
		t.Error(requests, r.Events())
	}
	if header := r.Requests()[0].Headers["x-shop"]; header != "tea" {
		t.Error(r.Requests()[0].Headers)
	}

	disabled := open(t, r, WithDisabled(true))
	ok(t, disabled.Capture(Event{Name: "e", DistinctID: "u"}))
	if stats := disabled.Stats(); stats.Accepted != 0 {
		t.Error(stats)
	}
	_, err := New("phc_test", WithCAFile("/nonexistent"))
	is(t, err, ErrFile)
	_, err = New("phc_test", WithProxy("ftp://nothing"))
	is(t, err, ErrHost)
}

func TestOptionsOfFlags(t *testing.T) {
	r := receiver.Start(t)
	r.Post("/__definitions", definitions)
	r.Post("/__flags", `{"on": true}`)
	secret := WithSecretKey("phx_secret")

	remote := open(t, r, secret, WithLocalEvaluation(false), WithFlagsTTL(time.Millisecond), WithFlagsMaxIdentities(1))
	is(t, remote.WaitForFlags(deadline(t, time.Second)), ErrUnsupported)
	for range 3 {
		if !remote.FlagEnabled("u", "on", false) {
			t.Error("off")
		}
		time.Sleep(20 * time.Millisecond)
	}
	if requests := asked(r, "/flags/?"); requests < 2 || asked(r, "/flags/definitions") != 0 {
		t.Error(requests, asked(r, "/flags/definitions"))
	}

	local := open(t, r, secret, WithDefinitionsPoll(time.Hour))
	ok(t, local.WaitForFlags(deadline(t, 10*time.Second)))
	ok(t, local.RefreshFlags(deadline(t, 10*time.Second)))
	if polls := asked(r, "/flags/definitions"); polls != 2 {
		t.Error(polls)
	}
	flags, err := open(t, r).EvaluateFlags(t.Context(), "u")
	ok(t, err)
	if none := flags.OnlyAccessed(); len(none.Keys()) != 0 {
		t.Error(none.Keys())
	}
	if flags.IsEnabled("on", false); len(flags.OnlyAccessed().Keys()) != 1 {
		t.Error(flags.OnlyAccessed().Keys())
	}
}

func TestOptionsOfExceptions(t *testing.T) {
	r := receiver.Start(t)
	client := open(t, r, WithRelease("1.2.3"), WithExceptionLimit(1, time.Hour),
		WithBeforeSend(func(event *Outgoing) bool { return event.SetDistinctID("someone else") == nil }))
	report := func(err error) error {
		ctx := WithRequest(t.Context(), Request{DistinctID: "user_42"})
		return client.CaptureExceptionContext(ctx, err, WithSkip(1))
	}
	// A kind is a type, a message and a place.
	for _, expected := range []error{nil, ErrSuppressed} {
		is(t, report(errors.New("gone")), expected)
	}
	ok(t, client.Flush(deadline(t, 10*time.Second)))
	event := r.Events()[0]
	frames := event.Properties["$exception_list"].([]any)[0].(map[string]any)["stacktrace"].(map[string]any)["frames"].([]any)
	innermost := frames[len(frames)-1].(map[string]any)["function"].(string)
	if event.Properties["$release_id"] != "1.2.3" || event.DistinctID != "someone else" ||
		!strings.HasSuffix(innermost, "TestOptionsOfExceptions") {
		t.Error(innermost, event)
	}

	unlimited := open(t, r, WithExceptionLimit(-1, 0))
	for range 20 {
		ok(t, unlimited.CaptureException("u", http.ErrBodyNotAllowed))
	}
}

// A library that is not there is not missed by a program without a key.
func TestWithoutAKeyTheLibraryIsNotLoaded(t *testing.T) {
	command := exec.Command(os.Args[0], "-test.run=^TestADisabledClientDoesNothing$")
	command.Env = append(os.Environ(), "POSTHOG_LIBRARY=/nowhere/libposthog.so")
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}

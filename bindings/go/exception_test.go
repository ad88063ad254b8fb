package posthog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/posthog/libposthog/bindings/go/internal/receiver"
)

// withStack is an error that brings its own, as those of pkg/errors do: a type of their own.
type withStack struct {
	error
	stack programCounters
}

type programCounters []programCounter

type programCounter uintptr

func (w withStack) StackTrace() programCounters { return w.stack }

func failDeep() error {
	var stack programCounters
	for _, address := range callers(0) {
		stack = append(stack, programCounter(address))
	}
	return withStack{errors.New("deep"), stack}
}

// list of the exception that arrived, as `$exception_list`.
func list(t *testing.T, event receiver.Event) []map[string]any {
	t.Helper()
	if event.Event != "$exception" {
		t.Fatal(event)
	}
	var items []map[string]any
	for _, item := range event.Properties["$exception_list"].([]any) {
		items = append(items, item.(map[string]any))
	}
	return items
}

func framesOf(item map[string]any) []map[string]any {
	var frames []map[string]any
	stack, there := item["stacktrace"].(map[string]any)
	if !there {
		return nil
	}
	for _, frame := range stack["frames"].([]any) {
		frames = append(frames, frame.(map[string]any))
	}
	return frames
}

// innermost frame's function, without its package.
func innermost(item map[string]any) string {
	frames := framesOf(item)
	if len(frames) == 0 {
		return ""
	}
	function := frames[len(frames)-1]["function"].(string)
	return function[strings.LastIndexByte(function, '.')+1:]
}

func captured(t *testing.T, capture func(*Client)) receiver.Event {
	t.Helper()
	r := receiver.Start(t)
	client := open(t, r)
	capture(client)
	ok(t, client.Close())
	events := r.Events()
	if len(events) != 1 {
		t.Fatal(events)
	}
	return events[0]
}

func TestAnErrorHasTheStackOfItsCapture(t *testing.T) {
	_, file, line, _ := runtime.Caller(0)
	event := captured(t, func(client *Client) {
		ok(t, client.CaptureException("u", errors.New("gone"), WithLevel(LevelWarning),
			WithFingerprint("mine"), WithProperties(Properties{"area": "test", "$exception_list": 1}),
			WithGroups(map[string]string{"company": "acme"})))
	})
	item := list(t, event)[0]
	if item["type"] != "errors.errorString" || item["value"] != "gone" {
		t.Error(item)
	}
	mechanism := fmt.Sprint(item["mechanism"])
	if mechanism != "map[exception_id:0 handled:true synthetic:true type:generic]" {
		t.Error(mechanism)
	}
	frames := framesOf(item)
	last := frames[len(frames)-1]
	if last["platform"] != "go" || last["filename"] != file || last["lineno"] != float64(line+2) ||
		last["in_app"] != true || !strings.Contains(last["function"].(string), "TestAnErrorHasTheStack") {
		t.Error(last)
	}
	if first := frames[0]; first["function"] != "runtime.goexit" || first["in_app"] != false {
		t.Error(first)
	}
	for key, expected := range map[string]any{
		"$exception_level": "warning", "$exception_fingerprint": "mine", "area": "test",
		"$exception_type": "errors.errorString", "$exception_message": "gone",
	} {
		if event.Properties[key] != expected {
			t.Errorf("%s is %v", key, event.Properties[key])
		}
	}
	if _, there := event.Properties["$exception_source"]; there {
		t.Error("a source")
	}
}

func TestWrappedErrorsAreCauses(t *testing.T) {
	err := fmt.Errorf("load: %w", errors.Join(
		&fs.PathError{Op: "open", Path: "/x", Err: os.ErrNotExist}, failDeep()))
	items := list(t, captured(t, func(client *Client) { ok(t, client.CaptureException("u", err)) }))
	var said []string
	for _, item := range items {
		mechanism := item["mechanism"].(map[string]any)
		said = append(said, fmt.Sprint(item["type"], " ", mechanism["source"], " ",
			mechanism["parent_id"], " ", innermost(item)))
	}
	expected := []string{
		"fmt.wrapError <nil> <nil> func1",
		"errors.joinError unwrap 0 ",
		"fs.PathError member 1 ",
		"errors.errorString unwrap 2 ",
		"posthog.withStack member 1 TestWrappedErrorsAreCauses",
	}
	if fmt.Sprint(said) != fmt.Sprint(expected) {
		t.Errorf("%q", said)
	}
	if synthetic := items[4]["mechanism"].(map[string]any)["synthetic"]; synthetic != false {
		t.Error(synthetic)
	}
}

// An error that wraps itself.
type ouroboros struct{}

func (o ouroboros) Error() string { return "again" }
func (o ouroboros) Unwrap() error { return o }

type nilError struct{ text string }

func (n *nilError) Error() string { return n.text }

func TestStrangeErrorsAreCaptured(t *testing.T) {
	r := receiver.Start(t)
	client := open(t, r)
	var nothing *nilError
	ok(t, client.CaptureException("u", nil))
	ok(t, client.CaptureException("u", ouroboros{}))
	ok(t, client.CaptureException("u", nothing))
	ok(t, client.CaptureException("u", errors.New("a\x00b\xff"+strings.Repeat("x", 1<<20))))
	is(t, client.CaptureException(" ", errors.New("e")), ErrEmpty)
	is(t, client.CaptureException("u", errors.New("e"), WithLevel(77)), ErrRange)
	is(t, client.CaptureException("u", errors.New("e"),
		WithProperties(Properties{"c": make(chan int)})), ErrJSON)
	ok(t, client.Close())
	events := r.Events()
	if len(events) != 3 {
		t.Fatal(len(events))
	}
	if items := list(t, events[0]); len(items) != exceptionsMax {
		t.Error(len(items))
	}
	if value := list(t, events[1])[0]["value"].(string); !strings.Contains(value, "Error() panicked") {
		t.Error(value)
	}
	if value := list(t, events[2])[0]["value"].(string); !strings.HasPrefix(value, "a\uFFFDb\uFFFDxxx") {
		t.Error(value[:20])
	}
}

//go:noinline
func indexOutOfRange(list []int) int { return list[len(list)] }

func TestAPanicHasTheStackOfWhatPanicked(t *testing.T) {
	event := captured(t, func(client *Client) {
		defer func() { ok(t, client.CapturePanic("u", recover(), Unhandled())) }()
		indexOutOfRange(nil)
	})
	item := list(t, event)[0]
	if innermost(item) != "indexOutOfRange" || item["type"] != "runtime.boundsError" {
		t.Error(item)
	}
	mechanism := fmt.Sprint(item["mechanism"])
	if mechanism != "map[exception_id:0 handled:false synthetic:false type:panic]" {
		t.Error(mechanism)
	}
}

func TestMiddlewareCapturesPanicsAndReadsTracingHeaders(t *testing.T) {
	r := receiver.Start(t)
	client := open(t, r)
	server := httptest.NewUnstartedServer(Middleware(client, http.HandlerFunc(
		func(writer http.ResponseWriter, request *http.Request) {
			switch request.URL.Path {
			case "/panic":
				panic("a handler")
			case "/abort":
				panic(http.ErrAbortHandler)
			}
			ok(t, client.CaptureContext(request.Context(), Event{Name: "visited"}))
		})))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.Start()
	defer server.Close()
	visit := func(path string, headers http.Header) error {
		request, err := http.NewRequest("GET", server.URL+path+"?token=secret", nil)
		ok(t, err)
		request.Header = headers
		// On a connection that was in use before, a request that failed is sent again.
		request.Close = true
		answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
		if err == nil {
			answer.Body.Close()
		}
		return err
	}
	traced := http.Header{
		"X-Posthog-Distinct-Id": {" \t", " user_42 "}, "X-Posthog-Session-Id": {"session"},
		"X-Posthog-Window-Id": {strings.Repeat("w", 2000)}, "User-Agent": {"test"},
	}
	ok(t, visit("/page", traced))
	ok(t, visit("/page", http.Header{}))
	if visit("/panic", traced) == nil || visit("/abort", traced) == nil {
		t.Error("a panic was swallowed")
	}
	ok(t, client.Close())
	events := r.Events()
	if len(events) != 3 {
		t.Fatal(events)
	}
	first := events[0].Properties
	if events[0].DistinctID != "user_42" || first["$session_id"] != "session" ||
		len(first["$window_id"].(string)) != tracingMax || first["$request_path"] != "/page" ||
		first["$current_url"] != server.URL+"/page" || first["$user_agent"] != "test" ||
		first["$ip"] != "127.0.0.1" || first["$process_person_profile"] != nil {
		t.Error(events[0])
	}
	nobody := events[1]
	if len(nobody.DistinctID) != 36 || nobody.Properties["$process_person_profile"] != false {
		t.Error(nobody)
	}
	item := list(t, events[2])[0]
	mechanism := fmt.Sprint(item["mechanism"])
	if mechanism != "map[exception_id:0 handled:false synthetic:false type:middleware]" ||
		item["type"] != "panic" || item["value"] != "a handler" || events[2].DistinctID != "user_42" ||
		events[2].Properties["$exception_source"] != "go.http_recover_middleware" ||
		!strings.HasPrefix(innermost(item), "func") {
		t.Error(events[2])
	}
}

func TestSlogRecordsBecomeExceptions(t *testing.T) {
	r := receiver.Start(t)
	client := open(t, r)
	var passed []string
	next := recorder{&passed}
	logger := slog.New(NewSlogHandler(client, next, SlogOptions{Attributes: true}))
	logger.Info("fine")
	ctx := WithRequest(context.Background(), Request{DistinctID: "user_42"})
	logger.With("service", "shop").WithGroup("order").
		ErrorContext(ctx, "payment failed", "id", 7, "err", os.ErrNotExist)
	logger.Error("nobody's")
	ok(t, client.Close())
	if fmt.Sprint(passed) != "[fine payment failed nobody's]" {
		t.Error(passed)
	}
	events := r.Events()
	if len(events) != 2 {
		t.Fatal(events)
	}
	items := list(t, events[0])
	if items[0]["type"] != "payment failed" || items[0]["value"] != "file does not exist" ||
		items[1]["type"] != "errors.errorString" || innermost(items[0]) != "TestSlogRecordsBecomeExceptions" {
		t.Error(items)
	}
	properties := events[0].Properties
	if events[0].DistinctID != "user_42" || properties["service"] != "shop" ||
		properties["order.id"] != 7.0 || properties["order.err"] != "file does not exist" ||
		properties["$exception_level"] != "error" || properties["$exception_source"] != "go.slog" {
		t.Error(events[0])
	}
	if events[1].Properties["$process_person_profile"] != false {
		t.Error(events[1])
	}
}

// The library's own diagnostics, through a logger that captures: no exception about an exception.
func TestTheLibrarysOwnLinesAreNoExceptions(t *testing.T) {
	r := receiver.Start(t, "--script", `[{"path": "/batch/", "status": 401}]`)
	var client *Client
	handler := &SlogHandler{next: slog.DiscardHandler, options: SlogOptions{Level: slog.LevelDebug}}
	client = open(t, r, WithLogger(slog.New(handler)))
	handler.client = client
	ok(t, client.Capture(Event{Name: "e", DistinctID: "u"}))
	client.Close()
	if stats := client.Stats(); stats.Accepted != 1 {
		t.Errorf("%+v", stats)
	}
}

type recorder struct{ messages *[]string }

func (recorder) Enabled(context.Context, slog.Level) bool { return true }

func (r recorder) Handle(_ context.Context, record slog.Record) error {
	*r.messages = append(*r.messages, record.Message)
	return nil
}
func (r recorder) WithAttrs([]slog.Attr) slog.Handler { return r }
func (r recorder) WithGroup(string) slog.Handler      { return r }

func TestWhatIsSaidBesideAnError(t *testing.T) {
	event := captured(t, func(client *Client) {
		ok(t, client.CaptureException("u", errors.New("gone"),
			WithTrace("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"),
			WithUUID("0190a6e0-7c3b-7def-8123-456789abcdef"),
			WithTimestamp(time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC))))
		is(t, client.CaptureException("u", errors.New("gone"), WithTrace("none", "none")), ErrRange)
		is(t, client.CaptureException("u", errors.New("gone"), WithUUID("none")), ErrUUID)
	})
	if event.Properties["$trace_id"] != "4bf92f3577b34da6a3ce929d0e0e4736" ||
		event.Properties["$span_id"] != "00f067aa0ba902b7" ||
		event.UUID != "0190a6e0-7c3b-7def-8123-456789abcdef" ||
		!strings.HasPrefix(event.Timestamp, "2026-01-02T03:04:05.678") {
		t.Error(event)
	}
}

func TestWhoseCodeAFrameIsMayBeSaid(t *testing.T) {
	frame := &runtime.Frame{Function: "example.com/shop/vendored/pay.Charge", File: "/srv/shop/vendored/pay.go"}
	for _, each := range []struct {
		rules []inAppRule
		inApp bool
	}{
		{nil, true},
		{[]inAppRule{{"example.com/shop/vendored/", false}}, false},
		{[]inAppRule{{"/srv/shop/vendored", false}}, false},
		{[]inAppRule{{"example.com/shop/vendored/pay", true}, {"example.com/", false}}, true},
		{[]inAppRule{{"other.com/", false}}, true},
	} {
		if inApp(frame, each.rules) != each.inApp {
			t.Error(each)
		}
	}
	r := receiver.Start(t)
	client := open(t, r, WithInApp("github.com/posthog/libposthog", false))
	ok(t, client.CaptureException("u", errors.New("gone")))
	ok(t, client.Close())
	frames := framesOf(list(t, r.Events()[0])[0])
	if last := frames[len(frames)-1]; last["in_app"] != false {
		t.Error(last)
	}
}

func TestTheHandlerMayBecomeTheDefault(t *testing.T) {
	var written bytes.Buffer
	before, flags := slog.Default(), log.Flags()
	log.SetOutput(&written)
	t.Cleanup(func() {
		slog.SetDefault(before)
		log.SetOutput(os.Stderr)
		log.SetFlags(flags)
	})
	event := captured(t, func(client *Client) {
		slog.SetDefault(slog.New(NewSlogHandler(client, slog.Default().Handler(), SlogOptions{})))
		done := make(chan struct{})
		go func() {
			defer close(done)
			log.Print("a line of package log")
			slog.Error("payment failed")
		}()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			panic("the handler waits for itself") // Package log is locked: nothing else would end.
		}
	})
	if list(t, event)[0]["type"] != "payment failed" {
		t.Error(event)
	}
	for _, line := range []string{"a line of package log", "payment failed"} {
		if !strings.Contains(written.String(), line) {
			t.Error(line, written.String())
		}
	}
}

package posthog

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/posthog/libposthog/bindings/go/internal/abi"
	"github.com/posthog/libposthog/bindings/go/internal/receiver"
)

// open a client of a receiver, for a test. It speaks V0, which has everything among the properties; the
// vectors compare both protocols.
func open(t testing.TB, r *receiver.Receiver, options ...Option) *Client {
	t.Helper()
	client, err := New("phc_test", append([]Option{
		WithHost(r.URL), WithProtocol(ProtocolV0),
	}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func is(t testing.TB, err, expected error) {
	t.Helper()
	if !errors.Is(err, expected) {
		t.Fatalf("%v, but expected: %v", err, expected)
	}
}

func deadline(t testing.TB, timeout time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	t.Cleanup(cancel)
	return ctx
}

func TestEveryEventArrives(t *testing.T) {
	r := receiver.Start(t)
	client := open(t, r)
	ok(t, client.Capture(Event{Name: "first", DistinctID: "u"}))
	ok(t, client.Identify("u", Properties{"plan": "pro"}, Properties{"first": "ad"}))
	ok(t, client.Alias("u", "visitor"))
	ok(t, client.GroupIdentify("", "company", "acme", Properties{"size": 3}))
	ok(t, client.Flush(deadline(t, 10*time.Second)))
	events := r.Events()
	names := []string{"first", "$identify", "$create_alias", "$groupidentify"}
	if len(events) != len(names) {
		t.Fatal(events)
	}
	for i, name := range names {
		if events[i].Event != name {
			t.Errorf("%s, not %s", events[i].Event, name)
		}
	}
	if lib := events[0].Properties["$lib"]; lib != "libposthog-go" {
		t.Error(lib)
	}
	if id := events[3].DistinctID; id != "$company_acme" {
		t.Error(id)
	}
	stats := client.Stats()
	if stats.Accepted != 4 || stats.Delivered != 4 || stats.LastSuccess.IsZero() {
		t.Errorf("%+v", stats)
	}
}

func TestCloseDeliversAndLaterCallsAreRefused(t *testing.T) {
	r := receiver.Start(t)
	client := open(t, r)
	ok(t, client.Capture(Event{Name: "e", DistinctID: "u"}))
	ok(t, client.Close())
	ok(t, client.Close())
	is(t, client.Capture(Event{Name: "e", DistinctID: "u"}), ErrShutdown)
	is(t, client.Alias("u", "v"), ErrShutdown)
	is(t, client.Flush(context.Background()), ErrShutdown)
	if client.FlagEnabled("u", "new-checkout", true) != true {
		t.Error("not the fallback")
	}
	stats := client.Stats()
	if stats.Delivered != 1 || stats.Refused[ErrShutdown] != 2 {
		t.Errorf("%+v", stats)
	}
	if len(r.Events()) != 1 {
		t.Error(r.Events())
	}
}

func TestADisabledClientDoesNothing(t *testing.T) {
	t.Setenv("POSTHOG_API_KEY", "")
	fromEnv, err := NewFromEnv()
	ok(t, err)
	empty, err := New(" ", WithFlushAt(-1))
	ok(t, err)
	for _, client := range []*Client{nil, fromEnv, empty} {
		if client.Enabled() {
			t.Error("enabled")
		}
		ok(t, client.Capture(Event{}))
		ok(t, client.Identify("", nil, nil))
		ok(t, client.CaptureException("", errors.New("e")))
		ok(t, client.Flush(context.Background()))
		flags, err := client.EvaluateFlags(context.Background(), "u")
		ok(t, err)
		if flags.IsEnabled("f", false) || !flags.IsEnabled("f", true) || len(flags.Keys()) > 0 {
			t.Error("a flag is known")
		}
		if client.Stats().Accepted != 0 {
			t.Error(client.Stats())
		}
		ok(t, client.Close())
	}
}

func TestTheEnvironmentSaysWhereTo(t *testing.T) {
	r := receiver.Start(t)
	t.Setenv("POSTHOG_API_KEY", "phc_env")
	t.Setenv("POSTHOG_HOST", r.URL)
	t.Setenv("APP_ENV", "prod")
	client, err := NewFromEnv(WithProtocol(ProtocolV0))
	ok(t, err)
	ok(t, client.Capture(Event{Name: "e", DistinctID: "u"}))
	ok(t, client.Close())
	if environment := r.Events()[0].Properties["environment"]; environment != "production" {
		t.Error(environment)
	}
	t.Setenv("POSTHOG_HOST", "not a host")
	_, err = NewFromEnv()
	is(t, err, ErrHost)
}

func TestOptionsAreCheckedTogether(t *testing.T) {
	_, err := New("phc_test", WithHost("ftp://x"), WithFlushAt(-1), WithRequestTimeout(time.Hour),
		WithGroupIndex("company", 5), WithCompression(77), WithMaxAge(-time.Second))
	is(t, err, ErrHost)
	is(t, err, ErrRange)
	for _, option := range []string{
		"WithHost", "WithFlushAt", "WithRequestTimeout", "WithGroupIndex", "WithCompression", "WithMaxAge",
	} {
		if !strings.Contains(err.Error(), option) {
			t.Errorf("%v does not name %s", err, option)
		}
	}
}

func TestFlushAndCloseKeepTheirDeadlines(t *testing.T) {
	r := receiver.Start(t, "--script", `[{"path": "/batch/", "hang": "body"}]`)
	client := open(t, r, WithCloseTimeout(100*time.Millisecond))
	ok(t, client.Capture(Event{Name: "e", DistinctID: "u"}))
	begun := time.Now()
	is(t, client.Flush(deadline(t, 100*time.Millisecond)), context.DeadlineExceeded)
	canceled, cancel := context.WithCancel(context.Background())
	time.AfterFunc(100*time.Millisecond, cancel)
	is(t, client.Flush(canceled), context.Canceled)
	is(t, client.Close(), ErrTimeout)
	is(t, ErrTimeout, context.DeadlineExceeded)
	if took := time.Since(begun); took > 5*time.Second {
		t.Error(took)
	}
	if stats := client.Stats(); stats.DroppedShutdown != 1 {
		t.Errorf("%+v", stats)
	}
}

func TestLoggerHearsTheLibrary(t *testing.T) {
	r := receiver.Start(t, "--script", `[{"path": "/batch/", "status": 401}]`)
	var text bytes.Buffer
	client := open(t, r, WithLogger(slog.New(slog.NewTextHandler(&text, nil))))
	ok(t, client.Capture(Event{Name: "e", DistinctID: "u"}))
	is(t, client.Flush(deadline(t, 10*time.Second)), ErrLost)
	client.Close()
	if lines := text.String(); !strings.Contains(lines, "posthog: ") || !strings.Contains(lines, "401") {
		t.Error(lines)
	}
}

func TestHooksSeeAndChangeEvents(t *testing.T) {
	r := receiver.Start(t)
	var settled []int
	client := open(t, r,
		WithBeforeSend(func(event *Outgoing) bool {
			switch event.Name() {
			case "drop":
				return false
			case "panic":
				panic("a hook")
			}
			ok(t, event.Set(Properties{"seen": event.DistinctID(), "os": event.Properties()["$os"]}))
			ok(t, event.Remove("secret"))
			ok(t, event.SetName("renamed"))
			return true
		}),
		WithDelivery(func(outcome Delivery, events int) {
			if outcome == Delivered {
				settled = append(settled, events)
			}
		}))
	ok(t, client.Capture(Event{Name: "e", DistinctID: "u", Properties: Properties{"secret": 1}}))
	is(t, client.Capture(Event{Name: "drop", DistinctID: "u"}), ErrFiltered)
	ok(t, client.Capture(Event{Name: "panic", DistinctID: "u"}))
	ok(t, client.Close())
	events := r.Events()
	if len(events) != 2 || events[0].Event != "renamed" || events[1].Event != "panic" {
		t.Fatal(events)
	}
	properties := events[0].Properties
	if properties["seen"] != "u" || properties["os"] == nil || properties["secret"] != nil {
		t.Error(properties)
	}
	sum := 0
	for _, events := range settled {
		sum += events
	}
	if sum != 2 {
		t.Error(settled)
	}
}

// The userdata of every client that the other tests made is freed, too.
func TestHooksAreFreed(t *testing.T) {
	before := abi.Registered()
	for range 20 {
		client, err := New("phc_test", WithBeforeSend(func(*Outgoing) bool { return true }),
			WithDelivery(func(Delivery, int) {}), WithLogger(slog.New(slog.DiscardHandler)))
		ok(t, err)
		ok(t, client.Close())
	}
	if after := abi.Registered(); after != before {
		t.Errorf("%d hooks are left, there were %d", after, before)
	}
}

func TestCallsFromManyGoroutinesWhileItCloses(t *testing.T) {
	r := receiver.Start(t, "--record", "count")
	client := open(t, r, WithQueueMaxEvents(1_000_000))
	var wait sync.WaitGroup
	var mutex sync.Mutex
	accepted := 0
	for range 8 {
		wait.Add(1)
		go func() {
			defer wait.Done()
			own := 0
			for i := range 2_000 {
				err := client.Capture(Event{Name: "e", DistinctID: "u", Properties: Properties{"n": i}})
				if err == nil {
					own++
				} else if !errors.Is(err, ErrShutdown) {
					t.Error(err)
				}
				client.Stats()
				client.IsOptedOut()
			}
			mutex.Lock()
			defer mutex.Unlock()
			accepted += own
		}()
	}
	time.Sleep(5 * time.Millisecond)
	ok(t, client.Shutdown(deadline(t, 20*time.Second)))
	wait.Wait()
	stats := client.Stats()
	if stats.Accepted != uint64(accepted) || stats.Delivered != stats.Accepted {
		t.Errorf("%d accepted, %+v", accepted, stats)
	}
	if stats.Accepted+stats.Refused[ErrShutdown] != 16_000 {
		t.Errorf("%+v", stats)
	}
}

//go:build linux

package posthog

import (
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/posthog/libposthog/bindings/go/internal/receiver"
)

// dies is what a process of its own does: this test's program once more.
func dies(t *testing.T, url, folder, how string) {
	client, err := New("phc_test", WithHost(url), WithStorageDir(folder), WithCrashHandler(true))
	ok(t, err)
	ok(t, client.SetCrashDistinctID("user_41"))
	ok(t, client.SetCrashDistinctID(""))
	ok(t, client.SetCrashDistinctID("user_42"))
	switch how {
	case "abort":
		ok(t, syscall.Kill(os.Getpid(), syscall.SIGABRT))
	case "panic":
		debug.SetTraceback("crash")
		go func() { panic("nobody recovers this") }()
	case "recovered":
		func() {
			defer func() { _ = recover() }()
			var none *Event
			none.Name = "nowhere"
		}()
		ok(t, client.Close())
		return
	}
	time.Sleep(time.Minute)
}

func TestTheNextStartReportsWhatTheLastOneDiedOf(t *testing.T) {
	if url := os.Getenv("CRASH_TEST_URL"); url != "" {
		dies(t, url, os.Getenv("CRASH_TEST_FOLDER"), os.Getenv("CRASH_TEST_HOW"))
		return
	}
	for how, reports := range map[string]int{"abort": 1, "panic": 1, "recovered": 0} {
		r := receiver.Start(t)
		folder := t.TempDir()
		ctx := deadline(t, 30*time.Second)
		command := exec.CommandContext(ctx, os.Args[0], "-test.run=^"+t.Name()+"$")
		command.Env = append(os.Environ(), "CRASH_TEST_URL="+r.URL, "CRASH_TEST_FOLDER="+folder, "CRASH_TEST_HOW="+how)
		output, err := command.CombinedOutput()
		if (err == nil) != (reports == 0) || ctx.Err() != nil {
			t.Fatalf("%s: %v\n%s", how, err, output)
		}
		client := open(t, r, WithStorageDir(folder))
		ok(t, client.Flush(deadline(t, 10*time.Second)))
		events := r.Events()
		if len(events) != reports {
			t.Fatalf("%s: %v\n%s", how, events, output)
		}
		for _, event := range events {
			exception := event.Properties["$exception_list"].([]any)[0].(map[string]any)
			if exception["type"] != "SIGABRT" || event.DistinctID != "user_42" {
				t.Errorf("%s: %v", how, event)
			}
		}
		ok(t, client.Close())
		if left, _ := os.ReadDir(folder); len(left) != 0 {
			t.Errorf("%s: %v", how, left)
		}
	}
}

func TestACrashNeedsADirectory(t *testing.T) {
	r := receiver.Start(t)
	is(t, open(t, r).SetCrashDistinctID("user_42"), ErrUnsupported)
	_, err := New("phc_test", WithHost(r.URL), WithStorageDir("a\x00b"))
	if is(t, err, ErrUTF8); !strings.Contains(err.Error(), "WithStorageDir") {
		t.Error(err)
	}
}

//go:build linux

package posthog

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/posthog/libposthog/bindings/go/internal/receiver"
)

// dies is what a process of its own does: this program once more, with TestDies alone.
func dies(t *testing.T, url, folder, how string) {
	client, err := New("phc_test", WithHost(url), WithStorageDir(folder), WithCrashHandler(true),
		WithStorageMaxBytes(8<<30), WithStorageMaxAge(60*24*time.Hour), WithStorageSync(how == "killed"),
		WithFlushInterval(time.Hour))
	ok(t, err)
	ok(t, client.SetCrashDistinctID("user_41"))
	ok(t, client.SetCrashDistinctID(""))
	ok(t, client.SetCrashDistinctID("user_42"))
	switch how {
	case "abort":
		ok(t, syscall.Kill(os.Getpid(), syscall.SIGABRT))
	case "killed":
		for number := range 3 {
			ok(t, client.Capture(Event{Name: "kept", DistinctID: "u", Properties: Properties{"n": number}}))
		}
		for begun := time.Now(); !runs("posthog-sync"); time.Sleep(time.Millisecond) {
			if time.Since(begun) > 10*time.Second {
				os.Exit(0)
			}
		}
		ok(t, syscall.Kill(os.Getpid(), syscall.SIGKILL))
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

// runs says whether a thread of that name is there.
func runs(name string) bool {
	names, _ := filepath.Glob("/proc/self/task/*/comm")
	return slices.ContainsFunc(names, func(file string) bool {
		found, _ := os.ReadFile(file)
		return strings.TrimSpace(string(found)) == name
	})
}

// process that ends so, in a folder of its own.
func process(t *testing.T, r *receiver.Receiver, folder, how string) (output string, err error) {
	ctx := deadline(t, 30*time.Second)
	command := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestDies$")
	command.Env = append(os.Environ(), "DIES_URL="+r.URL, "DIES_FOLDER="+folder, "DIES_HOW="+how)
	text, err := command.CombinedOutput()
	ok(t, ctx.Err())
	return string(text), err
}

func TestDies(t *testing.T) {
	if url := os.Getenv("DIES_URL"); url != "" {
		dies(t, url, os.Getenv("DIES_FOLDER"), os.Getenv("DIES_HOW"))
	}
}

func TestWhatAKilledProcessCapturedIsDeliveredByTheNext(t *testing.T) {
	r := receiver.Start(t)
	folder := t.TempDir()
	if output, err := process(t, r, folder, "killed"); err == nil || len(r.Events()) != 0 {
		t.Fatal(output, r.Events())
	}
	client := open(t, r, WithStorageDir(folder))
	ok(t, client.Close())
	events := r.Events()
	if stats := client.Stats(); stats.Adopted != 3 || stats.Delivered != 3 || len(events) != 3 {
		t.Fatal(stats, events)
	}
	for number, event := range events {
		if event.Properties["n"] != float64(number) {
			t.Error(event)
		}
	}
	if left, _ := os.ReadDir(folder); len(left) != 0 {
		t.Error(left)
	}
}

func TestTheNextStartReportsWhatTheLastOneDiedOf(t *testing.T) {
	for how, reports := range map[string]int{"abort": 1, "panic": 1, "recovered": 0} {
		r := receiver.Start(t)
		folder := t.TempDir()
		output, err := process(t, r, folder, how)
		if (err == nil) != (reports == 0) {
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

package posthog

import (
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/posthog/libposthog/bindings/go/internal/receiver"
)

// few when the race detector runs, which makes everything ten times as long.
func scaled(count int) int {
	if raceDetector {
		return count / 20
	}
	return count
}

// status of this process: a number of /proc/self/status.
func status(t *testing.T, key string) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("there is no /proc here")
	}
	for _, line := range strings.Split(string(text), "\n") {
		if value, ok := strings.CutPrefix(line, key+":"); ok {
			var number int
			_, err := fmt.Sscan(value, &number)
			if err != nil {
				t.Fatal(err)
			}
			return number
		}
	}
	t.Fatal(key)
	return 0
}

// stays runs a round of work a few times to warm up, then all of it, and compares threads and
// resident memory (in KiB) before and after.
func stays(t *testing.T, rounds int, memoryMax int, round func()) {
	t.Helper()
	for range max(rounds/10, 1) {
		round()
	}
	debug.FreeOSMemory()
	threads, memory := status(t, "Threads"), status(t, "VmRSS")
	for range rounds {
		round()
	}
	debug.FreeOSMemory()
	threadsAfter, memoryAfter := status(t, "Threads"), status(t, "VmRSS")
	t.Logf("threads %d -> %d, memory %d -> %d KiB", threads, threadsAfter, memory, memoryAfter)
	// Go itself starts a thread now and then, and keeps it.
	if threadsAfter > threads+3 {
		t.Errorf("%d threads, there were %d", threadsAfter, threads)
	}
	if memoryAfter > memory+memoryMax {
		t.Errorf("%d KiB, there were %d", memoryAfter, memory)
	}
}

func TestClientsThatComeAndGoLeaveNothing(t *testing.T) {
	r := receiver.Start(t, "--sink")
	stays(t, scaled(10_000), 8<<10, func() {
		client, err := New("phc_test", WithHost(r.URL))
		ok(t, err)
		ok(t, client.Capture(Event{Name: "e", DistinctID: "u"}))
		ok(t, client.Close())
	})
}

func TestAMillionIdsLeaveNothing(t *testing.T) {
	r := receiver.Start(t, "--sink")
	client := open(t, r, WithOverflow(OverflowBlock, 10*time.Second))
	n := 0
	stays(t, scaled(1_000), 8<<10, func() {
		for range 1_000 {
			n++
			ok(t, client.Capture(Event{
				Name: "e", DistinctID: fmt.Sprintf("user_%d", n), Properties: Properties{"n": n},
			}))
		}
	})
	ok(t, client.Flush(deadline(t, 60*time.Second)))
	if stats := client.Stats(); stats.Delivered != uint64(n) || len(stats.Refused) > 0 {
		t.Errorf("%d captured, %+v", n, stats)
	}
}

func TestFlagsThatAreReadLeaveNothing(t *testing.T) {
	r := receiver.Start(t, "--record", "count")
	client := open(t, r)
	n := 0
	stays(t, scaled(2_000), 8<<10, func() {
		n++
		flags, err := client.EvaluateFlags(t.Context(), fmt.Sprintf("user_%d", n))
		ok(t, err)
		if !flags.IsEnabled("new-checkout", false) {
			t.Error("off")
		}
	})
}

package posthog

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/posthog/libposthog/bindings/go/internal/abi"
)

func headerText(t *testing.T) string {
	text, err := os.ReadFile("../../include/posthog.h")
	ok(t, err)
	return string(text)
}

// The constants of one of the header's enums, without their prefix.
func enumOf(t *testing.T, prefix string) map[string]int {
	found := regexp.MustCompile(`(?m)^ +PH_`+prefix+`_?(\w+) = (-?\d+),$`).FindAllStringSubmatch(headerText(t), -1)
	constants := make(map[string]int)
	for _, match := range found {
		number, err := strconv.Atoi(match[2])
		ok(t, err)
		constants[match[1]] = number
	}
	if len(constants) == 0 {
		t.Fatal("no PH_" + prefix)
	}
	return constants
}

func TestVersionIsTheHeaders(t *testing.T) {
	if !strings.Contains(headerText(t), `#define PH_VERSION "`+abi.Version+`"`) {
		t.Error(abi.Version)
	}
}

// functionsIn are the names of the library's functions that a text has between quotes of this kind, or
// before a parenthesis.
func functionsIn(text, before, after string) map[string]bool {
	names := make(map[string]bool)
	for _, match := range regexp.MustCompile(before+`(ph_\w+)`+after).FindAllStringSubmatch(text, -1) {
		names[match[1]] = true
	}
	return names
}

func TestEveryFunctionIsWrappedOrTheReadmeSaysWhyNot(t *testing.T) {
	table, err := os.ReadFile("internal/abi/names.go")
	ok(t, err)
	readme, err := os.ReadFile("README.md")
	ok(t, err)
	_, section, _ := strings.Cut(string(readme), "## Only in C")
	wrapped := functionsIn(string(table), `"`, `"`)
	named := functionsIn(section, "`", "`")
	declared := functionsIn(headerText(t), `(?m)^PH_API[^;]*?\b`, ` *\(`)
	if len(declared) < 180 || len(named) == 0 {
		t.Fatal(len(declared), len(named))
	}
	for name := range declared {
		if wrapped[name] == named[name] {
			t.Errorf("%s: wrapped %v, in the README %v", name, wrapped[name], named[name])
		}
	}
	for name := range named {
		if !declared[name] {
			t.Errorf("%s is not in the header", name)
		}
	}
}

func TestErrorsAreTheHeaders(t *testing.T) {
	constants := enumOf(t, "ERROR")
	for name, number := range constants {
		err := Error(number)
		if text := err.Error(); !strings.HasPrefix(text, "posthog: ") || strings.Contains(text, "unknown") {
			t.Errorf("%s: %s", name, text)
		}
	}
	last := -len(constants)
	if Error(last-1).Error() != "posthog: unknown status" {
		t.Error("the header knows more errors than it names")
	}
	if int(ErrPanic) != constants["PANIC"] || int(ErrQueueFull) != constants["QUEUE_FULL"] {
		t.Error(constants)
	}
}

func TestStatisticsAreTheHeaders(t *testing.T) {
	constants := enumOf(t, "STAT")
	var stats Stats
	names := map[string]*uint64{
		"ACCEPTED": &stats.Accepted, "ADOPTED": &stats.Adopted, "DELIVERED": &stats.Delivered,
		"QUEUED": &stats.Queued, "IN_FLIGHT": &stats.InFlight, "STORED": &stats.Stored,
		"DRAINED": &stats.Drained, "DROPPED": &stats.Dropped,
		"DROPPED_OVERFLOW": &stats.DroppedOverflow, "DROPPED_REJECTED": &stats.DroppedRejected,
		"DROPPED_TOO_LARGE": &stats.DroppedTooLarge, "DROPPED_EXPIRED": &stats.DroppedExpired,
		"DROPPED_RETRIES": &stats.DroppedRetries, "DROPPED_SHUTDOWN": &stats.DroppedShutdown,
		"DROPPED_OPTED_OUT": &stats.DroppedOptedOut, "QUEUED_BYTES": &stats.QueuedBytes,
		"REPAIRED_VALUES": &stats.RepairedValues, "REQUESTS": &stats.Requests,
		"RETRIES": &stats.Retries, "FLAG_REQUESTS": &stats.FlagRequests,
	}
	fields := stats.fields()
	if len(fields) != len(names) {
		t.Error(len(fields))
	}
	for name, field := range names {
		if index, there := constants[name]; !there || fields[index] != field {
			t.Errorf("%s is number %d", name, index)
		}
	}
	for name, number := range enumOf(t, "ERROR") {
		index, there := constants["REFUSED_"+name]
		if there && index != statRefused-1-number {
			t.Errorf("REFUSED_%s is number %d", name, index)
		}
	}
	if constants["LAST_SUCCESS_MS"] != statLastSuccess || constants["DROPPED_DAMAGED"] != statDamaged {
		t.Error(constants)
	}
	if len(constants) != statCount {
		t.Errorf("the header has %d statistics", len(constants))
	}
}

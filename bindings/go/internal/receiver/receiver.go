// Package receiver runs posthog-receiver, which stands in for PostHog, for tests.
package receiver

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Variable names the environment variable that says which program the receiver is.
const Variable = "POSTHOG_RECEIVER"

// A Receiver that runs until the test ends.
type Receiver struct {
	t   testing.TB
	URL string
}

// An Event as it was sent.
type Event struct {
	Event      string
	DistinctID string `json:"distinct_id"`
	UUID       string
	Timestamp  string
	Properties map[string]any
}

// A Request as it was sent.
type Request struct {
	Path    string
	Headers map[string]string
	JSON    json.RawMessage
	Status  int
}

// Start starts one with these options. Without the program the test is skipped, as `make test` says.
func Start(t testing.TB, options ...string) *Receiver {
	t.Helper()
	program := os.Getenv(Variable)
	if program == "" {
		t.Skipf("%s is not set: run this by 'make test', or build tests/receiver", Variable)
	}
	command := exec.Command(program, append(options, "--quiet")...)
	command.Stderr = os.Stderr
	// It ends when this end of its stdin is closed, also by the end of the test's process.
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		command.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(line)
	return &Receiver{t, fields[len(fields)-1]}
}

// Get asks the receiver's control, and reads the answer into it.
func (r *Receiver) Get(path string, into any) {
	r.t.Helper()
	answer, err := http.Get(r.URL + path)
	r.read(path, answer, err, into)
}

// Post tells it something.
func (r *Receiver) Post(path, body string) {
	r.t.Helper()
	answer, err := http.Post(r.URL+path, "application/json", strings.NewReader(body))
	r.read(path, answer, err, nil)
}

func (r *Receiver) read(path string, answer *http.Response, err error, into any) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		r.t.Fatal(path, answer.Status, err, string(text))
	}
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			r.t.Fatal(path, err)
		}
	}
}

// Events that were accepted.
func (r *Receiver) Events() []Event {
	r.t.Helper()
	var events []Event
	r.Get("/__events", &events)
	return events
}

// Requests that came.
func (r *Receiver) Requests() []Request {
	r.t.Helper()
	var requests []Request
	r.Get("/__requests", &requests)
	return requests
}

// Accepted waits until so many events were accepted, and says how many there are.
func (r *Receiver) Accepted(atLeast int) int {
	r.t.Helper()
	var counts struct{ Accepted int }
	r.Get(fmt.Sprintf("/__wait?events=%d&timeout_ms=20000", atLeast), &counts)
	return counts.Accepted
}

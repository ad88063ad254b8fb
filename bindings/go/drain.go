package posthog

import (
	"encoding/json"
	"time"
	"unsafe"

	"github.com/posthog/libposthog/bindings/go/internal/abi"
)

// A Drained event, as it would have been sent.
type Drained struct {
	Name       string     `json:"event"`
	DistinctID string     `json:"distinct_id"`
	UUID       string     `json:"uuid"`
	Timestamp  time.Time  `json:"timestamp"`
	Properties Properties `json:"properties"`
}

// Drain takes up to maxEvents queued events out, the oldest first. They will not be sent: for tests,
// with WithCaptureOnly, and for programs that deliver by themselves.
func (c *Client) Drain(maxEvents int) ([]Drained, error) {
	if !c.acquire() {
		return nil, c.unavailable()
	}
	defer c.release()
	text := new(uintptr)
	status := abi.Status(abi.QueueDrain, c.handle, uintptr(max(maxEvents, 0)), uintptr(unsafe.Pointer(text)))
	if status != 0 {
		return nil, Error(status)
	}
	var events []Drained
	err := json.Unmarshal([]byte(abi.Owned(*text)), &events)
	return events, err
}

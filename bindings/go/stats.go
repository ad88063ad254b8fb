package posthog

import (
	"maps"
	"time"
	"unsafe"

	"github.com/posthog/libposthog/bindings/go/internal/abi"
)

// Stats are one consistent snapshot of the ledger, in which at every moment
//
//	Accepted + Adopted == Delivered + Queued + InFlight + Stored + Drained + Dropped
//
// and of some more counts since New.
type Stats struct {
	Accepted  uint64 // Events that a call accepted.
	Adopted   uint64 // Events found in storage that an earlier process left.
	Delivered uint64 // Events that the server took.
	Queued    uint64 // Events that wait to be sent.
	InFlight  uint64 // Events of the batch that is being sent, or waits for a retry.
	Stored    uint64 // Events that Close left in storage.
	Drained   uint64 // Events taken out of the queue.
	Dropped   uint64 // Accepted events that were given up; the reasons follow.

	DroppedOverflow uint64 // Evicted for newer ones.
	DroppedRejected uint64 // The server refused them for good.
	DroppedTooLarge uint64 // The server refused them for their size.
	DroppedExpired  uint64 // Given up for their age.
	DroppedRetries  uint64 // Given up after WithMaxRetries retries.
	DroppedShutdown uint64 // Not confirmed when the deadline of Close passed.
	DroppedOptedOut uint64 // Queued when the user opted out.
	DroppedDamaged  uint64 // Places in storage that cannot be read any more.

	QueuedBytes    uint64    // Bytes of the queued events, as they will be on the wire.
	RepairedValues uint64    // Values that were repaired: NaN, NUL, invalid UTF-8.
	Requests       uint64    // Requests with events, retries included.
	Retries        uint64    // Of these, how many were retries.
	FlagRequests   uint64    // Requests for feature flags.
	LastSuccess    time.Time // When the server last took a batch; zero for never.

	// Refused counts the captures and evaluations of flags that failed, by their error.
	Refused map[Error]uint64
}

// The indices are those of ph_stat.
const (
	statLastSuccess = 20
	statRefused     = 21
	refusals        = 25
	statDamaged     = statRefused + refusals
	statCount       = statDamaged + 1
)

// Stats counts what became of the events. It works after Close, too.
func (c *Client) Stats() Stats {
	if !c.acquire() {
		return c.finalStats()
	}
	defer c.release()
	stats := c.readStats()
	c.addRefused(&stats)
	return stats
}

// keepStats for later: the last call under way when the client closed may have changed them.
func (c *Client) keepStats() {
	stats := c.readStats()
	c.final.Store(&stats)
}

func (c *Client) finalStats() Stats {
	if c == nil || c.handle == 0 {
		return Stats{}
	}
	stats := *c.final.Load()
	stats.Refused = maps.Clone(stats.Refused)
	c.addRefused(&stats)
	return stats
}

// addRefused adds those that never came to the library.
func (c *Client) addRefused(stats *Stats) {
	for i := range c.refused {
		if count := c.refused[i].Load(); count > 0 {
			stats.Refused[Error(-1-i)] += count
		}
	}
}

func (c *Client) readStats() Stats {
	values := new([statCount]uint64)
	abi.Call(abi.StatsGet, c.handle, uintptr(unsafe.Pointer(values)), statCount)
	stats := Stats{Refused: make(map[Error]uint64)}
	for i, field := range stats.fields() {
		*field = values[i]
	}
	stats.DroppedDamaged = values[statDamaged]
	if success := values[statLastSuccess]; success > 0 {
		stats.LastSuccess = time.UnixMilli(int64(success))
	}
	// The errors are numbered down from -1 in the order of these counts.
	for i, count := range values[statRefused:statDamaged] {
		if count > 0 {
			stats.Refused[Error(-1-i)] = count
		}
	}
	return stats
}

// fields in the order of ph_stat.
func (s *Stats) fields() []*uint64 {
	return []*uint64{
		&s.Accepted, &s.Adopted, &s.Delivered, &s.Queued, &s.InFlight, &s.Stored, &s.Drained,
		&s.Dropped, &s.DroppedOverflow, &s.DroppedRejected, &s.DroppedTooLarge, &s.DroppedExpired,
		&s.DroppedRetries, &s.DroppedShutdown, &s.DroppedOptedOut, &s.QueuedBytes,
		&s.RepairedValues, &s.Requests, &s.Retries, &s.FlagRequests,
	}
}

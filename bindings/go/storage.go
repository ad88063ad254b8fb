package posthog

import (
	"time"

	"github.com/posthog/libposthog/bindings/go/internal/abi"
)

// WithStorageDir keeps what is to outlive the process in a directory: events until they are delivered,
// and the record of its crash. An event that a capture accepted is there, whatever ends the process; the
// next client of the same directory, key and host delivers it (Stats.Adopted). The directory is made, if
// only it is missing, for its owner alone. Linux, x86-64 and aarch64; New fails with ErrUnsupported elsewhere.
func WithStorageDir(path string) Option {
	return text("WithStorageDir", abi.ConfigSetStorageDir, path)
}

// WithStorageMaxBytes bounds the stored events: 1 MiB to 64 GiB, default 64 MiB.
func WithStorageMaxBytes(bytes int) Option {
	return wide("WithStorageMaxBytes", abi.ConfigSetStorageMaxBytes, bytes)
}

// WithStorageSync has stored events survive a loss of power, too: what was captured a WithFlushInterval ago
// is on the disk, or delivered. A thread of its own waits for the disk, no capture does. Default false.
func WithStorageSync(enabled bool) Option {
	return yes("WithStorageSync", abi.ConfigSetStorageSync, enabled)
}

// WithStorageMaxAge gives up events that have been stored for so long, in place of WithMaxAge: 1 ms to 365
// days, default 7 days.
func WithStorageMaxAge(age time.Duration) Option {
	return func(s *setup) {
		wide("WithStorageMaxAge", abi.ConfigSetStorageMaxAgeMs, int(wholeMilliseconds(age)))(s)
	}
}

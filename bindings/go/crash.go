package posthog

import (
	"time"
	"unsafe"

	"github.com/posthog/libposthog/bindings/go/internal/abi"
)

// WithStorageDir keeps what is to outlive the process in a directory: events that are not delivered yet,
// which the next start delivers, and its crash.
func WithStorageDir(path string) Option {
	return text("WithStorageDir", abi.ConfigSetStorageDir, path)
}

// WithStorageMaxBytes bounds the events in the storage directory, in place of the bounds of the queue in
// memory: 1 MiB to 64 GiB; default 64 MiB.
func WithStorageMaxBytes(bytes int) Option {
	return number("WithStorageMaxBytes", abi.ConfigSetStorageMaxBytes, bytes)
}

// WithStorageMaxAge gives up events that were stored so long ago, in place of WithMaxAge: 1 ms to 365 days;
// default 7 days.
func WithStorageMaxAge(age time.Duration) Option {
	return func(s *setup) {
		if s.config != 0 {
			s.check("WithStorageMaxAge",
				abi.Status(abi.ConfigSetStorageMaxAgeMs, s.config, uintptr(wholeMilliseconds(age))))
		}
	}
}

// WithCrashHandler has the next start report the signal that ends this process: an abort, or a fault in
// C code, or of Go's with debug.SetTraceback("crash"), which makes a panic end by SIGABRT. Needs
// WithStorageDir. What Go makes a panic of and the program recovers is no crash. Default false.
func WithCrashHandler(enabled bool) Option {
	return yes("WithCrashHandler", abi.ConfigSetCrashHandler, enabled)
}

// SetCrashDistinctID says whose the crash will be that WithCrashHandler reports: on a user's own machine,
// whoever was identified. "" is nobody. ErrUnsupported without WithStorageDir.
func (c *Client) SetCrashDistinctID(distinctID string) error {
	if !c.acquire() {
		return c.unavailable()
	}
	defer c.release()
	id := orNull(distinctID)
	return check(abi.Status(abi.CrashSetDistinctID, c.handle, uintptr(unsafe.Pointer(id))))
}

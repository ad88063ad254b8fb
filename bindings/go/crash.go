package posthog

import (
	"unsafe"

	"github.com/posthog/libposthog/bindings/go/internal/abi"
)

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

package posthog

import (
	"context"
	"math"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/posthog/libposthog/bindings/go/internal/abi"
)

const forever = math.MaxUint32

// closing is added to the users of a client that is to be freed: their number is negative from
// then on.
const closing = math.MinInt64 / 2

// A Client of one PostHog project. Every method may be called from any goroutine at once. A nil
// *Client, and one without an API key, is disabled: its calls succeed and do nothing.
type Client struct {
	handle uintptr
	// users of the handle: calls under way. The last one frees it after Close.
	users        atomic.Int64
	freed        atomic.Bool
	closeTimeout time.Duration
	closeOnce    sync.Once
	closeError   error
	final        atomic.Pointer[Stats]
	// refused captures that never came to the library, by their error.
	refused [refusals]atomic.Uint64
	logs    *logPump
	inApp   []inAppRule
}

// New makes a client for a project API key (phc_...). It opens no connection and starts no thread:
// that is left to the first event. Without a key the client is disabled.
//
// It fails for an option that is not as it has to be, and if the library cannot be loaded or is of
// another version than this package.
func New(apiKey string, options ...Option) (*Client, error) {
	if strings.TrimSpace(apiKey) == "" {
		return disabled(options), nil
	}
	if err := abi.Load(); err != nil {
		return nil, err
	}
	key := cString(apiKey)
	return newClient(abi.Call(abi.ConfigNew, uintptr(unsafe.Pointer(key))), options)
}

// NewFromEnv makes a client from POSTHOG_API_KEY, POSTHOG_HOST and the other variables that
// ph_config_from_env in posthog.h names. The options win over them. Without POSTHOG_API_KEY the
// client is disabled, and the library is not even loaded.
func NewFromEnv(options ...Option) (*Client, error) {
	if strings.TrimSpace(os.Getenv("POSTHOG_API_KEY")) == "" {
		return disabled(options), nil
	}
	if err := abi.Load(); err != nil {
		return nil, err
	}
	return newClient(abi.Call(abi.ConfigFromEnv), options)
}

// disabled says why, to a logger that wants to know: like the library, where it is used.
func disabled(options []Option) *Client {
	own := &setup{}
	for _, option := range options {
		option(own)
	}
	if own.logger != nil {
		own.logger.Info("posthog: disabled, nothing will be sent: there is no API key")
	}
	return &Client{}
}

func newClient(config uintptr, options []Option) (*Client, error) {
	defer abi.Call(abi.ConfigFree, config)
	own := &setup{config: config, closeTimeout: 5 * time.Second}
	library, version := cString("libposthog-go"), cString(abi.Version)
	own.check("library", abi.Status(abi.ConfigSetLibrary, config,
		uintptr(unsafe.Pointer(library)), uintptr(unsafe.Pointer(version))))
	for _, option := range options {
		option(own)
	}
	if own.err != nil {
		return nil, own.err
	}
	client := &Client{closeTimeout: own.closeTimeout, inApp: own.inApp}
	if own.logger != nil {
		client.logs = newLogPump(own.logger)
		own.hooks.Log = client.logs.line
	}
	own.register()
	handle := new(uintptr)
	status := abi.Status(abi.Init, config, uintptr(unsafe.Pointer(handle)))
	if status != 0 {
		client.logs.stop()
		return nil, Error(status)
	}
	client.handle = *handle
	return client, nil
}

// acquire the handle, for one call. False for a client that is disabled or freed.
func (c *Client) acquire() bool {
	if c == nil || c.handle == 0 {
		return false
	}
	if c.users.Add(1) > 0 {
		return true
	}
	c.release()
	return false
}

func (c *Client) release() {
	if c.users.Add(-1) == closing && c.freed.CompareAndSwap(false, true) {
		c.keepStats()
		abi.Call(abi.ClientFree, c.handle)
	}
}

// unavailable is what a call answers that could not acquire the handle.
func (c *Client) unavailable() error {
	if c == nil || c.handle == 0 {
		return nil
	}
	return ErrShutdown
}

// Enabled is false for a client that does nothing: there is no API key, or it is nil. The library
// may have been disabled otherwise.
func (c *Client) Enabled() bool {
	return c != nil && c.handle != 0
}

// Flush waits until every event captured before is settled, whatever the flush interval, or until
// ctx is done. ErrLost says that all are settled but some were dropped; Stats says why.
func (c *Client) Flush(ctx context.Context) error {
	return c.await(ctx, abi.Flush)
}

// await what a function of the library's waits for, or the end of ctx.
func (c *Client) await(ctx context.Context, function abi.Function) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !c.acquire() {
		return c.unavailable()
	}
	timeout := untilDeadline(ctx)
	if ctx.Done() == nil {
		defer c.release()
		return check(abi.Status(function, c.handle, timeout))
	}
	done := make(chan error, 1)
	go func() {
		defer c.release()
		done <- check(abi.Status(function, c.handle, timeout))
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close delivers what is queued, for as long as WithCloseTimeout says (5 s), and stops. Later calls
// return ErrShutdown. ErrTimeout says that some events were not confirmed in time, ErrLost that some
// were dropped; Stats, which works afterwards too, counts them.
func (c *Client) Close() error {
	if c == nil {
		return nil
	}
	return c.close(milliseconds(c.closeTimeout))
}

// Shutdown is Close with the deadline of ctx, in place of WithCloseTimeout.
func (c *Client) Shutdown(ctx context.Context) error {
	return c.close(untilDeadline(ctx))
}

func (c *Client) close(timeout uintptr) error {
	if c == nil || c.handle == 0 {
		return nil
	}
	c.closeOnce.Do(func() {
		if !c.acquire() {
			return
		}
		c.closeError = check(abi.Status(abi.Shutdown, c.handle, timeout))
		c.keepStats()
		c.users.Add(closing)
		c.release()
		c.logs.stop()
	})
	return c.closeError
}

// OptOut stops everything at the user's wish: what is queued is dropped, and nothing is sent. It is
// kept in memory only.
func (c *Client) OptOut() error {
	return c.do(abi.OptOut)
}

// OptIn undoes OptOut.
func (c *Client) OptIn() error {
	return c.do(abi.OptIn)
}

// IsOptedOut says whether OptOut holds.
func (c *Client) IsOptedOut() bool {
	if !c.acquire() {
		return false
	}
	defer c.release()
	return abi.True(abi.IsOptedOut, c.handle)
}

// Start starts the sender now rather than with the first event.
func (c *Client) Start() error {
	return c.do(abi.ClientStart)
}

func (c *Client) do(function abi.Function) error {
	if !c.acquire() {
		return c.unavailable()
	}
	defer c.release()
	return check(abi.Status(function, c.handle))
}

// untilDeadline is a timeout as C takes it.
func untilDeadline(ctx context.Context) uintptr {
	deadline, ok := ctx.Deadline()
	if !ok {
		return forever
	}
	return milliseconds(time.Until(deadline))
}

// milliseconds rounds up, so that a short time is not none, and never reaches forever.
func milliseconds(duration time.Duration) uintptr {
	rounded := (duration + time.Millisecond - 1) / time.Millisecond
	return uintptr(min(max(rounded, 0), forever-1))
}

// cString is a copy with a NUL, for calls that are not hot. A text with a NUL inside, which C would
// take for its end, becomes one that the library refuses with ErrUTF8.
func cString(text string) *byte {
	if strings.IndexByte(text, 0) >= 0 {
		text = "\xff"
	}
	return &append([]byte(text), 0)[0]
}

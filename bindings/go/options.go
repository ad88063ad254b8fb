package posthog

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"
	"unsafe"

	"github.com/posthog/libposthog/bindings/go/internal/abi"
)

// An Option of New. Numbers and durations: 0 is the default, and New fails with ErrRange for those
// outside the range that the option names.
type Option func(*setup)

// A setup collects the options of one client.
type setup struct {
	config       uintptr // 0 for a client without a key, which has no use for them
	err          error
	closeTimeout time.Duration
	logger       *slog.Logger
	hooks        abi.Hooks
	inApp        []inAppRule
}

func (s *setup) check(option string, status int32) {
	if status != 0 {
		s.fail(option, Error(status))
	}
}

func (s *setup) fail(option string, err error) {
	s.err = errors.Join(s.err, fmt.Errorf("option %s: %w", option, err))
}

// WithHost sets where requests go: an http:// or https:// URL, with or without a path prefix.
// Default https://us.i.posthog.com. New fails with ErrHost for another text.
func WithHost(host string) Option {
	return text("WithHost", abi.ConfigSetHost, host)
}

// WithSecretKey sets the secret key (phx_... or phs_...) that reads the definitions of feature flags.
// With it flags are evaluated in this process as far as that is possible.
func WithSecretKey(key string) Option {
	return text("WithSecretKey", abi.ConfigSetSecretKey, key)
}

// WithDisabled makes a client that does nothing.
func WithDisabled(disabled bool) Option {
	return yes("WithDisabled", abi.ConfigSetDisabled, disabled)
}

// WithDebug writes diagnostics to standard error, unless there is a logger. Default false.
func WithDebug(debug bool) Option {
	return yes("WithDebug", abi.ConfigSetDebug, debug)
}

// WithEnvironment stamps every event with the property environment, which wins over one of the
// event's own: production (for production, prod), staging (staging, stage) or dev (anything else).
func WithEnvironment(environment string) Option {
	return text("WithEnvironment", abi.ConfigSetEnvironment, environment)
}

// WithIsServer says whether this is a server (the default) or software on the user's own machine.
func WithIsServer(server bool) Option {
	return yes("WithIsServer", abi.ConfigSetIsServer, server)
}

// WithDisableGeoIP says whether PostHog leaves alone where the requests come from. Default: as
// WithIsServer, because a server's address is not the user's.
func WithDisableGeoIP(disable bool) Option {
	return yes("WithDisableGeoIP", abi.ConfigSetGeoipDisable, disable)
}

// WithGroupIndex gives a group type its index in the project, 0 to 4: events in a group of that type
// carry $group_<index> beside $groups.
func WithGroupIndex(groupType string, index int) Option {
	return func(s *setup) {
		if s.config == 0 {
			return
		}
		text := cString(groupType)
		s.check("WithGroupIndex", abi.Status(abi.ConfigSetGroupIndex, s.config,
			uintptr(unsafe.Pointer(text)), narrow(int64(index))))
	}
}

// WithoutProperties keeps properties from ever leaving: in events at any depth, and in flag requests.
func WithoutProperties(keys ...string) Option {
	return func(s *setup) {
		for _, key := range keys {
			text("WithoutProperties", abi.ConfigDenyProperty, key)(s)
		}
	}
}

// A Compression of request bodies.
type Compression int

// The numbers are those of ph_compression.
const (
	CompressionNone Compression = iota
	CompressionGzip
	CompressionDeflate
	CompressionBrotli
	CompressionZstd
)

// WithCompression compresses request bodies. Default CompressionGzip, which capture V0 gets in place
// of those after it. New fails with ErrRange for one that the library was built without.
func WithCompression(compression Compression) Option {
	return func(s *setup) {
		if s.config != 0 {
			s.check("WithCompression",
				abi.Status(abi.ConfigSetCompression, s.config, uintptr(int32(compression))))
		}
	}
}

// A Protocol in which events are sent.
type Protocol int

const (
	ProtocolAuto Protocol = iota // V1 where the server speaks it, else V0.
	ProtocolV0                   // POST /batch/: one answer for a whole batch.
	ProtocolV1                   // POST /i/v1/analytics/events: an answer for each event.
)

// WithProtocol sets the capture protocol. Default ProtocolAuto.
func WithProtocol(protocol Protocol) Option {
	return func(s *setup) {
		if s.config != 0 {
			s.check("WithProtocol",
				abi.Status(abi.ConfigSetProtocol, s.config, uintptr(int32(protocol))))
		}
	}
}

// WithHistoricalMigration says that all events are an import of what happened long ago.
func WithHistoricalMigration(historical bool) Option {
	return yes("WithHistoricalMigration", abi.ConfigSetHistoricalMigration, historical)
}

// WithFlushAt sends when so many events wait: 1 to 1,000,000; default 100. Batches grow with the
// backlog.
func WithFlushAt(events int) Option {
	return number("WithFlushAt", abi.ConfigSetFlushAt, events)
}

// WithFlushInterval sends what has waited for so long: 1 ms to 24 h; default 5 s.
func WithFlushInterval(interval time.Duration) Option {
	return duration("WithFlushInterval", abi.ConfigSetFlushIntervalMs, interval)
}

// WithBatchMaxEvents bounds a request's events: 1 to 100,000; default 1,000.
func WithBatchMaxEvents(events int) Option {
	return number("WithBatchMaxEvents", abi.ConfigSetBatchMaxEvents, events)
}

// WithBatchMaxBytes bounds a request's body before compression: 1,024 to 16 MiB; default 1 MiB.
func WithBatchMaxBytes(bytes int) Option {
	return wide("WithBatchMaxBytes", abi.ConfigSetBatchMaxBytes, bytes)
}

// WithQueueMaxEvents bounds the events that wait: 1 to 10,000,000; default 10,000.
func WithQueueMaxEvents(events int) Option {
	return number("WithQueueMaxEvents", abi.ConfigSetQueueMaxEvents, events)
}

// WithQueueMaxBytes bounds their bytes: 1,024 to 4 GiB; default 32 MiB.
func WithQueueMaxBytes(bytes int) Option {
	return wide("WithQueueMaxBytes", abi.ConfigSetQueueMaxBytes, bytes)
}

// WithEventMaxBytes refuses larger events with ErrTooLarge: 1,024 to 16 MiB; default 1 MiB.
func WithEventMaxBytes(bytes int) Option {
	return wide("WithEventMaxBytes", abi.ConfigSetEventMaxBytes, bytes)
}

// An Overflow says what gives way when the queue is at its bound.
type Overflow int

const (
	// OverflowDropNewest refuses the new event with ErrQueueFull.
	OverflowDropNewest Overflow = iota
	// OverflowDropOldest drops the oldest queued events for it.
	OverflowDropOldest
	// OverflowBlock waits for room; then the new event is refused.
	OverflowBlock
)

// WithOverflow says what gives way when the queue is at its bound; default OverflowDropNewest. wait
// is how long a capture waits at most, for OverflowBlock: 1 ms to 10 min, default 1 s.
func WithOverflow(overflow Overflow, wait time.Duration) Option {
	return func(s *setup) {
		if s.config != 0 {
			s.check("WithOverflow", abi.Status(abi.ConfigSetOverflow, s.config,
				uintptr(int32(overflow)), narrow(wholeMilliseconds(wait))))
		}
	}
}

// WithConnectTimeout bounds a connection attempt: 1 ms to 10 min; default 5 s.
func WithConnectTimeout(timeout time.Duration) Option {
	return duration("WithConnectTimeout", abi.ConfigSetConnectTimeoutMs, timeout)
}

// WithRequestTimeout bounds a request in total: 1 ms to 10 min; default 15 s.
func WithRequestTimeout(timeout time.Duration) Option {
	return duration("WithRequestTimeout", abi.ConfigSetRequestTimeoutMs, timeout)
}

// WithMaxAge gives up a batch that has been tried for so long: 1 ms to 30 days; default 24 h.
func WithMaxAge(age time.Duration) Option {
	return func(s *setup) {
		if s.config != 0 {
			s.check("WithMaxAge",
				abi.Status(abi.ConfigSetMaxAgeMs, s.config, uintptr(wholeMilliseconds(age))))
		}
	}
}

// WithMaxRetries bounds the retries of a batch: n means 1 + n requests, a negative n a single one.
// Default 0: as many as WithMaxAge allows.
func WithMaxRetries(retries int) Option {
	if retries < 0 {
		retries = math.MaxUint32
	}
	return number("WithMaxRetries", abi.ConfigSetMaxRetries, retries)
}

// WithRetryWaits sets the wait before the first retry (default 1 s), which doubles from one to the
// next, and its bound (default 30 s): 1 ms to 10 min.
func WithRetryWaits(first, most time.Duration) Option {
	return func(s *setup) {
		duration("WithRetryWaits", abi.ConfigSetRetryBaseMs, first)(s)
		duration("WithRetryWaits", abi.ConfigSetRetryCapMs, most)(s)
	}
}

// WithFlagsTimeout bounds the total time of FlagEnabled, its retry included: up to 10 min, default
// 3 s. 0 is no waiting at all: answers come from what is known, and a refresh runs in the background.
func WithFlagsTimeout(timeout time.Duration) Option {
	return duration("WithFlagsTimeout", abi.ConfigSetFlagsTimeoutMs, timeout)
}

// WithFlagsTTL sets for how long FlagEnabled answers from what it has asked before: 1 ms to 24 h;
// default 60 s.
func WithFlagsTTL(ttl time.Duration) Option {
	return duration("WithFlagsTTL", abi.ConfigSetFlagsTTLMs, ttl)
}

// WithFlagsMaxIdentities bounds for how many identities it remembers the answer: 1 to 1,000,000;
// default 10,000.
func WithFlagsMaxIdentities(identities int) Option {
	return number("WithFlagsMaxIdentities", abi.ConfigSetFlagsMaxIdentities, identities)
}

// WithLocalEvaluation says whether flags are evaluated in this process when there is a secret key.
// Default true.
func WithLocalEvaluation(local bool) Option {
	return yes("WithLocalEvaluation", abi.ConfigSetLocalEvaluation, local)
}

// WithDefinitionsPoll sets how often PostHog is asked for newer definitions of flags: 100 ms to 24 h;
// default 30 s.
func WithDefinitionsPoll(interval time.Duration) Option {
	return duration("WithDefinitionsPoll", abi.ConfigSetDefinitionsPollMs, interval)
}

// WithFlagsLocalOnly says whether flags are evaluated without any request: one that this process cannot
// decide is not known then. Default false.
func WithFlagsLocalOnly(localOnly bool) Option {
	return yes("WithFlagsLocalOnly", abi.ConfigSetFlagsLocalOnly, localOnly)
}

// WithFlagsBootstrap sets what flags are for as long as nothing else is known of them. Values are
// booleans, names of variants, or maps with enabled, variant and payload.
func WithFlagsBootstrap(values Properties) Option {
	return func(s *setup) {
		if s.config == 0 {
			return
		}
		text, err := jsonText(values)
		if err != nil {
			s.fail("WithFlagsBootstrap", err)
			return
		}
		s.check("WithFlagsBootstrap",
			abi.Status(abi.ConfigSetFlagsBootstrap, s.config, uintptr(unsafe.Pointer(text))))
	}
}

// WithFlagEvents says whether PostHog is told which flags are read ($feature_flag_called), which
// experiments live on. Default true.
func WithFlagEvents(flagEvents bool) Option {
	return yes("WithFlagEvents", abi.ConfigSetFlagEvents, flagEvents)
}

// WithProxy sends requests by a proxy, http://[user[:password]@]host[:port]; "" by none. Default: what
// HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY say.
func WithProxy(url string) Option {
	return text("WithProxy", abi.ConfigSetProxy, url)
}

// WithCAFile trusts the certificates of that file (PEM), and no others, to sign a server's. New fails
// with ErrFile for a file without any.
func WithCAFile(path string) Option {
	return text("WithCAFile", abi.ConfigSetCaFile, path)
}

// WithHeader adds a header to every request. Where the library sends one of the same name itself, its
// own wins.
func WithHeader(name, value string) Option {
	return func(s *setup) {
		if s.config != 0 {
			name, value := cString(name), cString(value)
			s.check("WithHeader", abi.Status(abi.ConfigAddHeader, s.config,
				uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(value))))
		}
	}
}

// WithCaptureOnly keeps events for Drain and sends nothing: for tests. No thread, no socket.
func WithCaptureOnly(captureOnly bool) Option {
	return yes("WithCaptureOnly", abi.ConfigSetCaptureOnly, captureOnly)
}

// WithDeterministic makes what is captured the same in each run, for tests: events are of that time,
// and their UUIDs are of a sequence that seed begins.
func WithDeterministic(now time.Time, seed uint64) Option {
	return func(s *setup) {
		if s.config != 0 {
			s.check("WithDeterministic", abi.Status(abi.ConfigSetDeterministic, s.config,
				uintptr(now.UnixMilli()), uintptr(seed)))
		}
	}
}

// WithRelease sets the release that is running, the $release_id of its exceptions.
func WithRelease(id string) Option {
	return text("WithRelease", abi.ConfigSetRelease, id)
}

// WithInApp says whose code frames of exceptions are whose package or file begins with prefix, e.g.
// example.com/vendored/ or /srv/generated/: the program's own, or a library's. May be given many times;
// the longest prefix that fits wins. Without one, the program's own is its main module.
func WithInApp(prefix string, inApp bool) Option {
	return func(s *setup) { s.inApp = append(s.inApp, inAppRule{prefix, inApp}) }
}

// WithExceptionLimit limits exceptions of the same kind: burst at once (default 10), then one in each
// interval (default 10 s). A negative burst is no limit.
func WithExceptionLimit(burst int, interval time.Duration) Option {
	if burst < 0 {
		burst = math.MaxUint32
	}
	return func(s *setup) {
		if s.config != 0 {
			s.check("WithExceptionLimit", abi.Status(abi.ConfigSetExceptionLimit, s.config,
				narrow(int64(burst)), narrow(wholeMilliseconds(interval))))
		}
	}
}

// WithCloseTimeout sets how long Close waits at most. Default 5 s. 0 does not wait.
func WithCloseTimeout(timeout time.Duration) Option {
	return func(s *setup) { s.closeTimeout = max(timeout, 0) }
}

func text(option string, function abi.Function, value string) Option {
	return func(s *setup) {
		if s.config != 0 {
			value := cString(value)
			s.check(option, abi.Status(function, s.config, uintptr(unsafe.Pointer(value))))
		}
	}
}

func yes(option string, function abi.Function, value bool) Option {
	return func(s *setup) {
		if s.config != 0 {
			s.check(option, abi.Status(function, s.config, one(value)))
		}
	}
}

// number is for settings of 32 bits.
func number(option string, function abi.Function, value int) Option {
	return func(s *setup) {
		switch {
		case s.config == 0:
		case value < 0 || int64(value) > math.MaxUint32:
			s.fail(option, ErrRange)
		default:
			s.check(option, abi.Status(function, s.config, uintptr(value)))
		}
	}
}

// wide is for settings of 64 bits.
func wide(option string, function abi.Function, value int) Option {
	return func(s *setup) {
		switch {
		case s.config == 0:
		case value < 0:
			s.fail(option, ErrRange)
		default:
			s.check(option, abi.Status(function, s.config, uintptr(value)))
		}
	}
}

func duration(option string, function abi.Function, value time.Duration) Option {
	return func(s *setup) {
		number(option, function, int(wholeMilliseconds(value)))(s)
	}
}

// wholeMilliseconds rounds up: what is short is not the default. Negative for what is negative.
func wholeMilliseconds(value time.Duration) int64 {
	if value < 0 {
		return -1
	}
	return int64((value + time.Millisecond - 1) / time.Millisecond)
}

// narrow is a number of 32 bits, where what does not fit is out of every range.
func narrow(value int64) uintptr {
	if value < 0 || value > math.MaxUint32 {
		return math.MaxUint32
	}
	return uintptr(value)
}

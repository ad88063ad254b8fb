package posthog

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"github.com/posthog/libposthog/bindings/go/internal/abi"
)

// A Level says how bad an exception is. The numbers are those of ph_level.
type Level int

const (
	LevelFatal Level = iota // The program ends of it.
	LevelError
	LevelWarning
	LevelLog
	LevelInfo
	LevelDebug
)

// An ExceptionOption says more about an exception than the error does.
type ExceptionOption func(*exception)

// An exception is what is captured of an error.
type exception struct {
	level       Level
	mechanism   string
	source      string
	fingerprint string
	unhandled   bool
	skip        int
	properties  Properties
	groups      map[string]string
	uuid        string
	timestamp   time.Time
	trace, span string
	// stack of the capture, for an error that brings none.
	stack []runtime.Frame
	// original says that the stack is the error's own: that of a panic.
	original bool
	inApp    []inAppRule
	// count of the errors of the tree so far.
	count int
}

// WithLevel sets the level. Default LevelError.
func WithLevel(level Level) ExceptionOption {
	return func(e *exception) { e.level = level }
}

// Unhandled says that the program did not deal with the error.
func Unhandled() ExceptionOption {
	return func(e *exception) { e.unhandled = true }
}

// WithFingerprint sets by what PostHog groups it, in place of its own choice.
func WithFingerprint(fingerprint string) ExceptionOption {
	return func(e *exception) { e.fingerprint = fingerprint }
}

// WithProperties sets properties of the event. What describes the exception itself is the library's.
func WithProperties(properties Properties) ExceptionOption {
	return func(e *exception) { e.properties = properties }
}

// WithGroups says in which groups it happened: the type of each, and its key.
func WithGroups(groups map[string]string) ExceptionOption {
	return func(e *exception) { e.groups = groups }
}

// WithTrace says in which trace and span it happened, as W3C Trace Context writes them: 32 and 16
// hexadecimal digits.
func WithTrace(traceID, spanID string) ExceptionOption {
	return func(e *exception) { e.trace, e.span = traceID, spanID }
}

// WithUUID sets the event's identity, by which the program may refer to the report.
func WithUUID(uuid string) ExceptionOption {
	return func(e *exception) { e.uuid = uuid }
}

// WithTimestamp sets when it happened. Without it: the moment of capture.
func WithTimestamp(moment time.Time) ExceptionOption {
	return func(e *exception) { e.timestamp = moment }
}

// WithSkip leaves out the innermost callers of CaptureException from the stack, for functions that
// wrap it.
func WithSkip(frames int) ExceptionOption {
	return func(e *exception) { e.skip = frames }
}

// CaptureException captures an error with its stack, and the errors that it wraps (errors.Unwrap,
// errors.Join) with theirs. The stack is the error's own if it brings one (a method Callers or
// StackTrace, as of common packages for errors), or else that of the caller.
//
// The exception's type, by which PostHog groups, is the error's, or what a method ExceptionType says.
// A nil error is ignored. Without a distinct id the exception is nobody's. ErrSuppressed says that there
// were too many of the same kind (WithExceptionLimit): the next that is sent has their number.
func (c *Client) CaptureException(distinctID string, err error, options ...ExceptionOption) error {
	return c.exception(distinctID, err, &exception{mechanism: "generic"}, options)
}

// CaptureExceptionContext does the same for the request that ctx belongs to: Middleware and
// WithRequest say whose it is.
func (c *Client) CaptureExceptionContext(
	ctx context.Context, err error, options ...ExceptionOption,
) error {
	distinctID, properties := identityOf(ctx)
	return c.exception(distinctID, err, &exception{mechanism: "generic", properties: properties}, options)
}

// CapturePanic captures what recover returned, in the deferred function that called it, with the
// stack of what panicked.
func (c *Client) CapturePanic(distinctID string, value any, options ...ExceptionOption) error {
	if value == nil {
		return nil
	}
	return c.exception(distinctID, panicError(value), &exception{mechanism: "panic", original: true},
		options)
}

// identityOf a request, as an event's.
func identityOf(ctx context.Context) (string, Properties) {
	request, _ := RequestFrom(ctx)
	return request.DistinctID, request.properties()
}

// aPanic is a value that is no error.
type aPanic struct{ value any }

func (p aPanic) Error() string       { return fmt.Sprint(p.value) }
func (aPanic) ExceptionType() string { return "panic" }

func panicError(value any) error {
	if err, ok := value.(error); ok {
		return err
	}
	return aPanic{value}
}

// exception captures err; called by functions that the host calls.
func (c *Client) exception(distinctID string, err error, e *exception, options []ExceptionOption) error {
	if err == nil {
		return nil
	}
	if !c.acquire() {
		return c.lateCapture()
	}
	defer c.release()
	e.level = LevelError
	own := e.properties
	e.properties = nil
	for _, option := range options {
		option(e)
	}
	e.properties = merged(own, e.properties)
	if e.stack == nil {
		e.stack = resolve(callers(1 + e.skip))
		if e.original {
			e.stack = panicked(e.stack)
		}
	}
	e.inApp = c.inApp
	handle, problem := e.build(err)
	if problem == nil {
		defer abi.Call(abi.ExceptionFree, handle)
		problem = e.describe(handle)
	}
	if problem != nil {
		return c.refuse(problem)
	}
	// Without an id it is nobody's, and makes no person profile.
	var id *byte
	if distinctID != "" {
		id = cString(distinctID)
	}
	return check(abi.Status(abi.CaptureException, c.handle, uintptr(unsafe.Pointer(id)), handle))
}

// exceptionsMax is how many errors of a tree the library sends at most. It also ends a chain that
// leads back into itself.
const exceptionsMax = 50

// build the exception of an error and of those that it wraps, to be freed. Never with the thread's
// native stack: it says nothing about Go.
func (e *exception) build(err error) (uintptr, error) {
	encoder := newEncoder()
	defer encoder.done()
	encoder.text = append(encoder.text, '[')
	e.entries(encoder, err, cause{})
	encoder.text = append(encoder.text, ']')
	handle := new(uintptr)
	status := abi.Status(abi.ExceptionNewJSON, uintptr(unsafe.Pointer(unsafe.SliceData(encoder.text))),
		uintptr(len(encoder.text)), uintptr(unsafe.Pointer(handle)))
	if status != 0 {
		return 0, Error(status)
	}
	abi.Call(abi.ExceptionSetStack, *handle, 0, 0)
	return *handle, nil
}

// entries of an error and of those that it wraps, depth first, as ph_exception_new_json takes them.
func (e *exception) entries(encoder *encoder, err error, link cause) {
	index, first := e.count, true
	e.count++
	if index > 0 {
		encoder.text = append(encoder.text, ',')
	}
	encoder.text = append(encoder.text, '{')
	encoder.key("type", &first)
	encoder.string(typeOf(err))
	encoder.key("value", &first)
	encoder.string(messageOf(err))
	if index > 0 {
		encoder.key("parent", &first)
		encoder.text = strconv.AppendInt(encoder.text, int64(link.parent), 10)
		encoder.key("source", &first)
		encoder.string(link.source)
	}
	if frames, synthetic := e.framesOf(err, index == 0); len(frames) > 0 {
		encoder.key("frames", &first)
		encoder.frames(frames, e.inApp)
		encoder.key("synthetic", &first)
		encoder.text = strconv.AppendBool(encoder.text, synthetic)
	}
	encoder.text = append(encoder.text, '}')
	for _, wrapped := range causesOf(err) {
		if e.count < exceptionsMax {
			wrapped.parent = index
			e.entries(encoder, wrapped.err, wrapped)
		}
	}
}

// framesOf the error's own stack, or for the outermost error that of the capture; and whether they are
// of another place than the error.
func (e *exception) framesOf(err error, outermost bool) (frames []runtime.Frame, synthetic bool) {
	frames = resolve(stackOf(err))
	if outermost && (e.original || len(frames) == 0) {
		return e.stack, !e.original
	}
	return frames, false
}

// describe what belongs to the event as a whole.
func (e *exception) describe(handle uintptr) error {
	statuses := []int32{abi.Status(abi.ExceptionSetLevel, handle, uintptr(int32(e.level)))}
	for function, value := range map[abi.Function]string{
		abi.ExceptionSetMechanism:   e.mechanism,
		abi.ExceptionSetSource:      e.source,
		abi.ExceptionSetFingerprint: e.fingerprint,
		abi.ExceptionSetUUID:        e.uuid,
	} {
		if value != "" {
			text := cString(value)
			statuses = append(statuses, abi.Status(function, handle, uintptr(unsafe.Pointer(text))))
		}
	}
	for kind, key := range e.groups {
		kind, key := cString(kind), cString(key)
		statuses = append(statuses, abi.Status(abi.ExceptionSetGroup, handle,
			uintptr(unsafe.Pointer(kind)), uintptr(unsafe.Pointer(key))))
	}
	if e.trace != "" || e.span != "" {
		trace, span := cString(e.trace), cString(e.span)
		statuses = append(statuses, abi.Status(abi.ExceptionSetTrace, handle,
			uintptr(unsafe.Pointer(trace)), uintptr(unsafe.Pointer(span))))
	}
	if !e.timestamp.IsZero() {
		statuses = append(statuses, abi.Status(abi.ExceptionSetTimestampMs, handle,
			uintptr(e.timestamp.UnixMilli())))
	}
	if e.unhandled {
		statuses = append(statuses, abi.Status(abi.ExceptionSetHandled, handle, 0))
	}
	if len(e.properties) > 0 {
		props, err := newProps(e.properties)
		if err != nil {
			return err
		}
		defer abi.Call(abi.PropsFree, props)
		statuses = append(statuses, abi.Status(abi.ExceptionSetProperties, handle, props))
	}
	for _, status := range statuses {
		if status != 0 {
			return Error(status)
		}
	}
	return nil
}

// A cause is an error that another one wraps, and how.
type cause struct {
	err    error
	source string
	parent int
}

func causesOf(err error) []cause {
	if group, ok := err.(interface{ Unwrap() []error }); ok {
		var causes []cause
		for _, member := range group.Unwrap() {
			if member != nil {
				causes = append(causes, cause{err: member, source: "member"})
			}
		}
		return causes
	}
	if inner := errors.Unwrap(err); inner != nil {
		return []cause{{err: inner, source: "unwrap"}}
	}
	return nil
}

// typeOf an error, by which PostHog groups.
func typeOf(err error) string {
	if named, ok := err.(interface{ ExceptionType() string }); ok && strings.TrimSpace(named.ExceptionType()) != "" {
		return named.ExceptionType()
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", err), "*")
}

// messageOf an error, whose method may panic: a nil pointer in an interface often does.
func messageOf(err error) (message string) {
	defer func() {
		if problem := recover(); problem != nil {
			message = fmt.Sprintf("Error() panicked: %v", problem)
		}
	}()
	return err.Error()
}

// merged properties, of which the later ones win.
func merged(first, second Properties) Properties {
	if len(first) == 0 {
		return second
	}
	all := make(Properties, len(first)+len(second))
	for _, properties := range []Properties{first, second} {
		for key, value := range properties {
			all[key] = value
		}
	}
	return all
}

// Step remembers what the program did, for the exceptions that come after: the last steps are in
// $exception_steps.
func (c *Client) Step(message string, properties Properties) error {
	return c.withProps(func(props []uintptr) int32 {
		text := cString(strings.ReplaceAll(message, "\x00", "\uFFFD"))
		return abi.Status(abi.StepAdd, c.handle, uintptr(unsafe.Pointer(text)), props[0])
	}, properties)
}

package posthog

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"runtime"
	"strings"
)

// A SlogHandler passes every record on to another handler, and captures those that are bad enough as
// exceptions: the message is the exception's type, and an error among the attributes its cause.
type SlogHandler struct {
	next    slog.Handler
	client  *Client
	options SlogOptions
	// bound attributes, of WithAttrs, and the names of the groups that are open.
	bound  []slog.Attr
	groups []string
}

// SlogOptions of NewSlogHandler. The zero value is good.
type SlogOptions struct {
	// Level from which on records are captured. Default slog.LevelError.
	Level slog.Leveler
	// DistinctID says whose a record is. "", or none: of the request that the context belongs to,
	// or of nobody.
	DistinctID func(context.Context, slog.Record) string
	// Attributes says that they become properties of the event. Default false: they may be secret.
	Attributes bool
}

// NewSlogHandler makes one. A nil next handles no record.
//
// The handler that slog begins with writes by package log, which slog.SetDefault makes write to slog: as
// next of what is the default then, it would wait for itself for ever. A slog.TextHandler on the same
// output takes its place.
func NewSlogHandler(client *Client, next slog.Handler, options SlogOptions) *SlogHandler {
	if options.Level == nil {
		options.Level = slog.LevelError
	}
	if next == nil {
		next = slog.DiscardHandler
	}
	if fmt.Sprintf("%T", next) == "*slog.defaultHandler" {
		next = slog.NewTextHandler(log.Writer(), nil)
	}
	return &SlogHandler{next: next, client: client, options: options}
}

// Enabled for what either of the two wants.
func (h *SlogHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= h.options.Level.Level() || h.next.Enabled(ctx, level)
}

// Handle never fails for what becomes of the exception: Client.Stats counts it.
func (h *SlogHandler) Handle(ctx context.Context, record slog.Record) error {
	if record.Level >= h.options.Level.Level() && ctx.Value(ownLine{}) == nil {
		h.capture(ctx, record)
	}
	if h.next.Enabled(ctx, record.Level) {
		return h.next.Handle(ctx, record)
	}
	return nil
}

// ownLine marks a line that the library itself says: it must not lead to an exception, about which
// there may be a line again.
type ownLine struct{}

func (h *SlogHandler) capture(ctx context.Context, record slog.Record) {
	var inner error
	found := make(Properties)
	for _, attribute := range h.bound {
		gather(attribute, "", found, &inner)
	}
	prefix := h.prefix()
	record.Attrs(func(attribute slog.Attr) bool {
		gather(attribute, prefix, found, &inner)
		return true
	})
	distinctID, properties := identityOf(ctx)
	if h.options.DistinctID != nil {
		if named := h.options.DistinctID(ctx, record); named != "" {
			distinctID = named
		}
	}
	if h.options.Attributes {
		properties = merged(found, properties)
	}
	_ = h.client.exception(distinctID, logged{record.Message, inner}, &exception{
		mechanism:  "logger",
		source:     "go.slog",
		properties: properties,
		stack:      withoutSlog(resolve(callers(0))),
	}, []ExceptionOption{WithLevel(levelOf(record.Level))})
}

// logged is a message, with the error that it is about.
type logged struct {
	message string
	inner   error
}

func (l logged) Unwrap() error { return l.inner }

func (l logged) Error() string {
	if l.inner == nil {
		return ""
	}
	return messageOf(l.inner)
}

func (l logged) ExceptionType() string {
	if strings.TrimSpace(l.message) == "" {
		return "log"
	}
	return l.message
}

// gather an attribute as a property, and the first error.
func gather(attribute slog.Attr, prefix string, into Properties, first *error) {
	value := attribute.Value.Resolve()
	if value.Kind() == slog.KindGroup {
		if attribute.Key != "" {
			prefix += attribute.Key + "."
		}
		for _, member := range value.Group() {
			gather(member, prefix, into, first)
		}
		return
	}
	if err, ok := value.Any().(error); ok && *first == nil {
		*first = err
	}
	if attribute.Key != "" {
		into[prefix+attribute.Key] = value.Any()
	}
}

// prefix of the attributes in the groups that are open.
func (h *SlogHandler) prefix() string {
	if len(h.groups) == 0 {
		return ""
	}
	return strings.Join(h.groups, ".") + "."
}

func withoutSlog(frames []runtime.Frame) []runtime.Frame {
	for len(frames) > 1 && (strings.HasPrefix(frames[0].Function, "log/slog.") ||
		strings.Contains(frames[0].Function, ".(*SlogHandler).")) {
		frames = frames[1:]
	}
	return frames
}

func levelOf(level slog.Level) Level {
	switch {
	case level >= slog.LevelError:
		return LevelError
	case level >= slog.LevelWarn:
		return LevelWarning
	case level >= slog.LevelInfo:
		return LevelInfo
	default:
		return LevelDebug
	}
}

// WithAttrs binds attributes.
func (h *SlogHandler) WithAttrs(attributes []slog.Attr) slog.Handler {
	bound := *h
	bound.next = h.next.WithAttrs(attributes)
	bound.bound = append([]slog.Attr(nil), h.bound...)
	prefix := h.prefix()
	for _, attribute := range attributes {
		attribute.Key = prefix + attribute.Key
		bound.bound = append(bound.bound, attribute)
	}
	return &bound
}

// WithGroup opens a group.
func (h *SlogHandler) WithGroup(name string) slog.Handler {
	bound := *h
	bound.next = h.next.WithGroup(name)
	bound.groups = append(append([]string(nil), h.groups...), name)
	return &bound
}

package posthog

import (
	"context"
	"log/slog"
	"time"
)

// WithLogger sends the library's diagnostics to logger. They are handed over without waiting: the
// threads of the library never run a slog.Handler, and a handler that is slow loses lines, not
// events.
func WithLogger(logger *slog.Logger) Option {
	return func(s *setup) { s.logger = logger }
}

// How many lines may wait for the logger.
const logLines = 256

// A logPump carries lines from whatever thread says them to the logger, in a goroutine of its own.
type logPump struct {
	logger *slog.Logger
	lines  chan logLine
	end    chan struct{}
	ended  chan struct{}
}

type logLine struct {
	level   slog.Level
	message string
}

func newLogPump(logger *slog.Logger) *logPump {
	pump := &logPump{logger, make(chan logLine, logLines), make(chan struct{}), make(chan struct{})}
	go pump.run()
	return pump
}

// line is called by the library.
func (p *logPump) line(level int32, message string) {
	levels := [...]slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError}
	select {
	case p.lines <- logLine{levels[min(max(level, 0), 3)], message}:
	default:
	}
}

func (p *logPump) run() {
	defer close(p.ended)
	for {
		select {
		case line := <-p.lines:
			p.write(line)
		case <-p.end:
			for range len(p.lines) {
				p.write(<-p.lines)
			}
			return
		}
	}
}

func (p *logPump) write(line logLine) {
	p.logger.Log(context.WithValue(context.Background(), ownLine{}, true), line.level, "posthog: "+line.message)
}

// stop writes what waits, unless the handler takes too long for it.
func (p *logPump) stop() {
	if p == nil {
		return
	}
	close(p.end)
	select {
	case <-p.ended:
	case <-time.After(time.Second):
	}
}

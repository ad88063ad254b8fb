package main

import (
	"cmp"
	"log/slog"
	"os"
	"strings"

	"github.com/posthog/libposthog/bindings/go"
)

// schemaVersion of the events of this product. What a property means may change with it.
const schemaVersion = 2

// Analytics captures the events of the product, and stamps them all alike.
type Analytics struct {
	client *posthog.Client
	logger *slog.Logger
}

// event of the product. WorkspaceID is empty outside of any.
type event struct {
	posthog.Event
	WorkspaceID string
}

// newAnalytics from the environment. Without POSTHOG_API_KEY, or with ANALYTICS_DISABLED, it does
// nothing: an installation of somebody else's never sends anything by default.
func newAnalytics(logger *slog.Logger, options ...posthog.Option) (*Analytics, error) {
	// The library makes it production, staging or dev.
	environment := cmp.Or(os.Getenv("ANALYTICS_ENVIRONMENT"), os.Getenv("APP_ENV"), "dev")
	options = append([]posthog.Option{
		posthog.WithLogger(logger), posthog.WithEnvironment(environment),
	}, options...)
	key, host := browserConfig()
	logger.Info("analytics", "on", key != "", "host", host, "environment", environment)
	client, err := posthog.NewFromEnv(options...)
	if err != nil {
		return nil, err
	}
	return &Analytics{client, logger}, nil
}

// capture never fails for its caller: a lost event is worth a line, but no reason to refuse a user.
func (a *Analytics) capture(e event) {
	properties := posthog.Properties{"is_demo": false}
	// An id with a colon is an agent's or a workspace's.
	if e.DistinctID != "" && !strings.Contains(e.DistinctID, ":") {
		properties["user_id"] = e.DistinctID
	}
	for key, value := range e.Properties {
		properties[key] = value
	}
	if e.WorkspaceID != "" {
		properties["workspace_id"] = e.WorkspaceID
	}
	// The environment wins over the event's own too: that is the library's doing.
	properties["event_schema_version"] = schemaVersion
	e.Properties = properties
	if err := a.client.Capture(e.Event); err != nil {
		a.logger.Warn("an event was not captured", "event", e.Name, "err", err)
	}
}

// close delivers what is queued, and says what became of everything.
func (a *Analytics) close() {
	err := a.client.Close()
	stats := a.client.Stats()
	refused := uint64(0)
	for _, count := range stats.Refused {
		refused += count
	}
	a.logger.Info("analytics closed", "accepted", stats.Accepted, "delivered", stats.Delivered,
		"dropped", stats.Dropped, "dropped_overflow", stats.DroppedOverflow,
		"dropped_rejected", stats.DroppedRejected, "dropped_too_large", stats.DroppedTooLarge,
		"dropped_expired", stats.DroppedExpired, "dropped_retries", stats.DroppedRetries,
		"dropped_shutdown", stats.DroppedShutdown, "dropped_opted_out", stats.DroppedOptedOut,
		"refused", refused, "err", err)
}

// browserConfig is key and host for PostHog's browser SDK, read anew each time, so that a key is
// rotated without a restart. Blank when analytics is off.
func browserConfig() (key, host string) {
	for _, variable := range []string{"POSTHOG_DISABLED", "ANALYTICS_DISABLED", "DO_NOT_TRACK"} {
		switch strings.ToLower(strings.TrimSpace(os.Getenv(variable))) {
		case "", "0", "false", "no", "off":
		default:
			return "", ""
		}
	}
	if key = strings.TrimSpace(os.Getenv("POSTHOG_API_KEY")); key == "" {
		return "", ""
	}
	if host = os.Getenv("POSTHOG_HOST"); host == "" {
		host = "https://us.i.posthog.com"
	}
	return key, host
}

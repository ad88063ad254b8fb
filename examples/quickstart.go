// A small shop that tells PostHog what happens in it. Reads POSTHOG_API_KEY and POSTHOG_HOST;
// POSTHOG_DEBUG=1 shows what the library does.
//
//	go run quickstart.go
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/posthog/libposthog/bindings/go"
)

const user = "user_42"

// check prints an error: a lost event is worth a line, but no reason to stop serving customers.
func check(what string, err error) bool {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
	}
	return err == nil
}

// introduce who the user is, by which other id they are known, and which company they buy for.
func introduce(client *posthog.Client) {
	check("identify", client.Identify(user,
		posthog.Properties{"plan": "pro"}, posthog.Properties{"first_seen_on": "newsletter"}))
	check("alias", client.Alias(user, "visitor_7"))
	check("group", client.GroupIdentify(user, "company", "engines",
		posthog.Properties{"name": "Analytical Engines", "employees": 40}))
}

// greet evaluates every flag of the user with one request.
func greet(client *posthog.Client) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	flags, err := client.EvaluateFlags(ctx, user)
	check("flags", err)
	state, payload := "off", "none"
	if flags.IsEnabled("new-checkout", false) {
		state = "on"
	}
	if text := flags.Payload("new-checkout"); text != nil {
		payload = string(text)
	}
	fmt.Printf("new-checkout is %s, payload %s\n", state, payload)
}

func takeOrder(client *posthog.Client, number int) {
	// Asks PostHog once, and then answers from memory.
	enabled := client.FlagEnabled(user, "new-checkout", false)
	check("order", client.Capture(posthog.Event{
		Name:       "order placed",
		DistinctID: user,
		Properties: posthog.Properties{
			"order":        number,
			"total":        49.9,
			"items":        []any{map[string]any{"sku": "tea", "count": 2}},
			"new_checkout": enabled,
		},
	}))
}

// importDelivery with its own uuid and time: an event that is sent twice is still one event.
func importDelivery(client *posthog.Client) {
	check("delivery", client.Capture(posthog.Event{
		Name:       "order delivered",
		DistinctID: user,
		Groups:     map[string]string{"company": "engines"},
		UUID:       "0190a6e0-7c3b-7def-8123-456789abcdef",
		Timestamp:  time.Date(2026, 11, 20, 10, 0, 0, 5e8, time.FixedZone("", 3600)),
	}))
}

type paymentError struct{ message string }

func (e paymentError) Error() string { return e.message }

// ExceptionType is what PostHog groups by, in place of main.paymentError.
func (e paymentError) ExceptionType() string { return "PaymentError" }

func reportFailure(client *posthog.Client) {
	check("failure", client.CaptureException(user, paymentError{"the card was declined"}))
}

// printLedger: every event that came is in exactly one of the columns on the right.
func printLedger(stats posthog.Stats) bool {
	fmt.Println("\n  accepted + adopted = delivered + queued + in flight + stored + drained + dropped")
	fmt.Printf("  %8d + %7d = %9d + %6d + %9d + %6d + %7d + %7d ", stats.Accepted, stats.Adopted,
		stats.Delivered, stats.Queued, stats.InFlight, stats.Stored, stats.Drained, stats.Dropped)
	balances := stats.Accepted+stats.Adopted == stats.Delivered+stats.Queued+stats.InFlight+
		stats.Stored+stats.Drained+stats.Dropped
	if balances {
		fmt.Println(" it balances")
	} else {
		fmt.Println(" IT DOES NOT BALANCE")
	}
	return balances
}

func run() bool {
	orders := 3
	if len(os.Args) > 1 {
		orders, _ = strconv.Atoi(os.Args[1])
	}
	running, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	client, err := posthog.NewFromEnv()
	if !check("new", err) {
		return false
	}
	introduce(client)
	greet(client)
	for order := 1; order <= orders && running.Err() == nil; order++ {
		takeOrder(client, order)
	}
	importDelivery(client)
	reportFailure(client)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	check("flush", client.Flush(ctx))

	delivered := check("close", client.Close())
	return printLedger(client.Stats()) && delivered
}

func main() {
	if !run() {
		os.Exit(1)
	}
}

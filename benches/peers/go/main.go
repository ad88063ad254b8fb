// posthog-go: one mode of the benchmarks of peers. README.md says what the modes are.
package main

import (
	"fmt"
	"log"
	"math"
	"os"
	"time"

	"github.com/posthog/posthog-go"
)

var (
	person = posthog.NewProperties().
		Set("email", "someone@customer.example").Set("plan", "pro").Set("seats", 42)
	ids = func() (ids [1024]string) {
		for number := range ids {
			ids[number] = fmt.Sprintf("user_%08d", number)
		}
		return
	}()
)

// nanoseconds returns the best of some rounds, a call.
func nanoseconds(calls int, call func(id string)) float64 {
	best := math.Inf(1)
	for round := 0; round < 5; round++ {
		begun := time.Now()
		for number := 0; number < calls; number++ {
			call(ids[number%len(ids)])
		}
		best = math.Min(best, float64(time.Since(begun).Nanoseconds())/float64(calls))
	}
	return best
}

func figure(group string, value float64) {
	fmt.Printf("%s\tposthog-go %s\tns\t%.0f\n", group, posthog.Version, value)
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func flags(url string) {
	client := must(posthog.NewWithConfig("phc_benchmark", posthog.Config{
		Endpoint:                           url,
		SecretKey:                          "phx_benchmark",
		DefaultFeatureFlagsPollingInterval: time.Hour,
	}))
	defer client.Close()
	silent := false
	one := func(id string) interface{} {
		return must(client.GetFeatureFlag(posthog.FeatureFlagPayload{
			Key: "flag-000", DistinctId: id, PersonProperties: person,
			OnlyEvaluateLocally: true, SendFeatureFlagEvents: &silent,
		}))
	}
	every := func(id string) map[string]interface{} {
		return must(client.GetAllFlags(posthog.FeatureFlagPayloadNoKey{
			DistinctId: id, PersonProperties: person, OnlyEvaluateLocally: true,
		}))
	}
	if one(ids[0]) == nil || len(every(ids[0])) != 200 {
		log.Fatal("wrong flags")
	}
	figure("local evaluation of one flag", nanoseconds(20_000, func(id string) { one(id) }))
	figure("local evaluation of 200 flags", nanoseconds(200, func(id string) { every(id) }))
}

// silence for its log.
type silence struct{}

func (silence) Debugf(string, ...interface{}) {}
func (silence) Logf(string, ...interface{})   {}
func (silence) Warnf(string, ...interface{})  {}
func (silence) Errorf(string, ...interface{}) {}

// capture in bursts, which the default queue can hold, with a client of its own for each.
func capture(url string) {
	const rounds, events = 20, 5_000
	best := math.Inf(1)
	for round := 0; round < rounds; round++ {
		client := must(posthog.NewWithConfig("phc_benchmark", posthog.Config{
			Endpoint: url, Logger: silence{}, Compression: posthog.CompressionGzip,
		}))
		begun := time.Now()
		for number := 0; number < events; number++ {
			err := client.Enqueue(posthog.Capture{
				Event: "order placed", DistinctId: "user_42",
				Properties: posthog.Properties{
					"plan": "pro", "source": "web checkout", "amount": number,
				},
			})
			if err != nil {
				log.Fatal(err)
			}
		}
		best = math.Min(best, float64(time.Since(begun).Nanoseconds())/events)
		client.Close()
	}
	figure("three properties, from Go", best)
}

func main() {
	modes := map[string]func(string){"flags": flags, "capture": capture}
	modes[os.Args[1]](os.Args[2])
}

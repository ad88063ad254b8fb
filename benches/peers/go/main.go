// posthog-go: one mode of the benchmarks of peers. README.md says what the modes are.
package main

import (
	"fmt"
	"log"
	"math"
	"os"
	"slices"
	"strconv"
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

// wrapper captures in bursts, which the default queue can hold, with a client of its own for each.
func wrapper(url string) {
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

const burst = 5_000

// capture does it in bursts that the default queue can hold; every call is timed. Only Close waits
// for what is on its way, so each burst has a client of its own.
func capture(url string, rounds int, packing string) {
	compression := posthog.CompressionNone
	if packing == "gzip" {
		compression = posthog.CompressionGzip
	}
	var latencies []int64
	var spent time.Duration
	for round := 0; round < rounds; round++ {
		client := must(posthog.NewWithConfig("phc_benchmark", posthog.Config{
			Endpoint: url, Logger: silence{}, Compression: compression,
		}))
		begun := time.Now()
		for number := 0; number < burst; number++ {
			start := time.Now()
			err := client.Enqueue(posthog.Capture{
				Event: "order placed", DistinctId: ids[number%len(ids)],
				Properties: posthog.Properties{
					"plan": "pro", "source": "web checkout", "amount": 4999 + number%1024,
				},
			})
			latencies = append(latencies, time.Since(start).Nanoseconds())
			if err != nil {
				log.Fatal(err)
			}
		}
		if err := client.Close(); err != nil {
			log.Fatal(err)
		}
		spent += time.Since(begun)
	}
	name := "capture, beside others\tposthog-go " + posthog.Version
	fmt.Printf("%s\t%s/s\t%.0f\n", name, packing, float64(rounds*burst)/spent.Seconds())
	if packing == "plain" {
		return
	}
	empty := make([]int64, 100_000)
	for number := range empty {
		empty[number] = time.Since(time.Now()).Nanoseconds()
	}
	slices.Sort(empty)
	slices.Sort(latencies)
	for _, point := range []struct {
		metric   string
		fraction float64
	}{{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}} {
		at := latencies[int(float64(len(latencies))*point.fraction)]
		fmt.Printf("%s\t%s\t%d\n", name, point.metric, max(0, at-empty[len(empty)/2]))
	}
}

func main() {
	switch os.Args[1] {
	case "flags":
		flags(os.Args[2])
	case "wrapper":
		wrapper(os.Args[2])
	case "capture":
		capture(os.Args[2], must(strconv.Atoi(os.Args[3])), os.Args[4])
	}
}

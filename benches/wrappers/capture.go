// capture URL: three properties through bindings/go, in bursts; what a call takes at best, in
// nanoseconds. benches/peers/go does the same with posthog-go.
package main

import (
	"fmt"
	"log"
	"math"
	"os"
	"time"

	"github.com/posthog/libposthog/bindings/go"
)

const rounds, events = 20, 5_000

func main() {
	best := math.Inf(1)
	for range rounds {
		client, err := posthog.New("phc_benchmark", posthog.WithHost(os.Args[1]))
		if err != nil {
			log.Fatal(err)
		}
		begun := time.Now()
		for number := range events {
			err := client.Capture(posthog.Event{
				Name: "order placed", DistinctID: "user_42",
				Properties: posthog.Properties{
					"plan": "pro", "source": "web checkout", "amount": number,
				},
			})
			if err != nil {
				log.Fatal(err)
			}
		}
		best = math.Min(best, float64(time.Since(begun).Nanoseconds())/events)
		if err := client.Close(); err != nil || client.Stats().Delivered != events {
			log.Fatal(err, client.Stats())
		}
	}
	fmt.Printf("three properties, from Go\tlibposthog-go, %s\tns\t%.0f\n", os.Args[2], best)
}

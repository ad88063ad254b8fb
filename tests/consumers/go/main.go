// Consumer sends one event and waits until it is there. That it does so shows that the package can
// be had and linked.
package main

import (
	"fmt"
	"os"

	"github.com/posthog/libposthog/bindings/go"
)

func main() {
	client, err := posthog.NewFromEnv()
	if err == nil {
		err = client.Capture(posthog.Event{Name: os.Args[1], DistinctID: "consumer"})
	}
	if err == nil {
		err = client.Close()
	}
	if err != nil || client.Stats().Delivered != 1 {
		fmt.Fprintln(os.Stderr, err, client.Stats())
		os.Exit(1)
	}
}

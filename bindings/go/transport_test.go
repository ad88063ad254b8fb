package posthog

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/posthog/libposthog/bindings/go/internal/receiver"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (r roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return r(request) }

func TestATransportCarriesEventsAndFlags(t *testing.T) {
	r := receiver.Start(t)
	var carried atomic.Int32
	client := open(t, r, WithTransport(roundTripper(func(request *http.Request) (*http.Response, error) {
		carried.Add(1)
		if _, bounded := request.Context().Deadline(); !bounded {
			t.Error("without a deadline")
		}
		return http.DefaultTransport.RoundTrip(request)
	})))
	ok(t, client.Capture(Event{Name: "e", DistinctID: "u"}))
	if !client.FlagEnabled("u", "new-checkout", false) {
		t.Error("off")
	}
	ok(t, client.Close())
	if len(r.Events()) == 0 || int(carried.Load()) != len(r.Requests()) {
		t.Errorf("%d carried, %d came", carried.Load(), len(r.Requests()))
	}
}

func TestATransportThatFailsIsTriedAgain(t *testing.T) {
	r := receiver.Start(t)
	var tries atomic.Int32
	client := open(t, r, WithRetryWaits(time.Millisecond, time.Millisecond),
		WithTransport(roundTripper(func(request *http.Request) (*http.Response, error) {
			switch tries.Add(1) {
			case 1:
				return nil, errors.New("no network")
			case 2:
				panic("a transport")
			case 3:
				return &http.Response{StatusCode: 503, Body: io.NopCloser(bytes.NewReader(nil))}, nil
			}
			return http.DefaultTransport.RoundTrip(request)
		})))
	ok(t, client.Capture(Event{Name: "e", DistinctID: "u"}))
	ok(t, client.Flush(deadline(t, 20*time.Second)))
	if stats := client.Stats(); stats.Retries != 3 || stats.Delivered != 1 || len(r.Events()) != 1 {
		t.Errorf("%+v", stats)
	}
}

func TestATransportThatHangsHoldsNobodyUp(t *testing.T) {
	client, err := New("phc_test", WithRequestTimeout(100*time.Millisecond), WithMaxRetries(-1),
		WithTransport(roundTripper(func(*http.Request) (*http.Response, error) {
			<-t.Context().Done()
			return nil, context.Canceled
		})))
	ok(t, err)
	ok(t, client.Capture(Event{Name: "e", DistinctID: "u"}))
	begun := time.Now()
	is(t, client.Flush(deadline(t, 10*time.Second)), ErrLost)
	client.Close()
	if took := time.Since(begun); took > 5*time.Second {
		t.Error(took)
	}
}

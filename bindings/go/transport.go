package posthog

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"
	"unsafe"

	"github.com/posthog/libposthog/bindings/go/internal/abi"
)

// WithTransport has Go carry every request, of events and of flags: through a proxy, with
// certificates of your own, or to nowhere in a test. Retries, batches, compression and deadlines stay
// the library's. The transport runs on threads of the library, several at once, and gets a context
// that ends when nobody waits for the answer any more.
func WithTransport(transport http.RoundTripper) Option {
	return func(s *setup) {
		if transport != nil {
			s.hooks.Transport = func(request abi.Request, response uintptr) bool {
				return carry(transport, request, response)
			}
		}
	}
}

// An answer that was read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// carry a request; false where there is no answer. A transport that does not heed its context is left
// behind, so that the library's deadlines hold.
func carry(transport http.RoundTripper, request abi.Request, response uintptr) bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(request.TimeoutMs)*time.Millisecond)
	defer cancel()
	answered := make(chan *answer, 1)
	go func() {
		defer func() {
			if recover() != nil {
				answered <- nil
			}
		}()
		answered <- roundTrip(ctx, transport, request)
	}()
	select {
	case answer := <-answered:
		return answer != nil && answer.give(response)
	case <-ctx.Done():
		return false
	}
}

func roundTrip(ctx context.Context, transport http.RoundTripper, asked abi.Request) *answer {
	request, err := http.NewRequestWithContext(ctx, asked.Method, asked.URL, bytes.NewReader(asked.Body))
	if err != nil {
		return nil
	}
	for i := 0; i+1 < len(asked.Headers); i += 2 {
		request.Header.Add(asked.Headers[i], asked.Headers[i+1])
	}
	answered, err := transport.RoundTrip(request)
	if err != nil {
		return nil
	}
	defer answered.Body.Close()
	body, err := io.ReadAll(answered.Body)
	if err != nil {
		return nil
	}
	return &answer{answered.StatusCode, answered.Header, body}
}

func (a *answer) give(response uintptr) bool {
	if abi.Status(abi.ResponseSetStatus, response, narrow(int64(a.status))) != 0 {
		return false
	}
	for name, values := range a.header {
		for _, value := range values {
			name, value := cString(name), cString(value)
			abi.Call(abi.ResponseAddHeader, response,
				uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(value)))
		}
	}
	return abi.Status(abi.ResponseAppendBody, response,
		uintptr(unsafe.Pointer(unsafe.SliceData(a.body))), uintptr(len(a.body))) == 0
}

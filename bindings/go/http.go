package posthog

import (
	"context"
	"net"
	"net/http"
)

// Middleware reads the tracing headers of PostHog's browser SDK and attaches a Request to the context
// of each HTTP request, which CaptureContext and CaptureExceptionContext use. A panic of next is
// captured, and goes on: to whatever recovers it then, which is net/http itself in the end.
func Middleware(client *Client, next http.Handler) http.Handler {
	return http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		ctx := WithRequest(request.Context(), RequestOf(request))
		returned := false
		defer func() {
			if returned {
				return
			}
			if value := recover(); value != nil {
				capturePanicOf(ctx, client, value)
				panic(value)
			}
		}()
		next.ServeHTTP(writer, request.WithContext(ctx))
		returned = true
	})
}

// capturePanicOf a request that is about to fail. http.ErrAbortHandler is no failure: it is how a
// handler ends a response.
func capturePanicOf(ctx context.Context, client *Client, value any) {
	if value == http.ErrAbortHandler {
		return
	}
	distinctID, properties := identityOf(ctx)
	properties["$response_status_code"] = http.StatusInternalServerError
	_ = client.exception(distinctID, panicError(value), &exception{
		mechanism:  "middleware",
		source:     "go.http_recover_middleware",
		unhandled:  true,
		original:   true,
		properties: properties,
	}, nil)
}

// RequestOf an HTTP request: its tracing headers, and what it is about, as properties. Nothing of it
// is trusted: headers are cut and cleaned, and the URL is without its query, which may hold secrets.
func RequestOf(request *http.Request) Request {
	scheme := "http"
	if request.TLS != nil {
		scheme = "https"
	}
	path := request.URL.EscapedPath()
	properties := make(Properties)
	for key, value := range map[string]string{
		"$current_url":    scheme + "://" + request.Host + path,
		"$request_method": request.Method,
		"$request_path":   path,
		"$user_agent":     request.UserAgent(),
		"$ip":             addressOf(request),
	} {
		if value = sanitize(value); value != "" {
			properties[key] = value
		}
	}
	return Request{
		DistinctID: header(request, "X-Posthog-Distinct-Id"),
		SessionID:  header(request, "X-Posthog-Session-Id"),
		WindowID:   header(request, "X-Posthog-Window-Id"),
		Properties: properties,
	}
}

// header is the first value that is one.
func header(request *http.Request, name string) string {
	for _, value := range request.Header.Values(name) {
		if value = sanitize(value); value != "" {
			return value
		}
	}
	return ""
}

func addressOf(request *http.Request) string {
	if host, _, err := net.SplitHostPort(request.RemoteAddr); err == nil {
		return host
	}
	return request.RemoteAddr
}

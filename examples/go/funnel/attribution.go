package main

import (
	"encoding/json"
	"net/http"
	"net/url"
)

// attributionCookie says where a visitor came from: UTM parameters and the referrer's origin, as
// JSON, percent-encoded. The browser writes it on the first visit.
const attributionCookie = "signup_source"

// attributionMax is how many bytes of it are believed. What is longer was cut off somewhere, and
// half of an attribution is worse than none.
const attributionMax = 512

// attributionOf a request; nil when there is none that can be read.
func attributionOf(request *http.Request) json.RawMessage {
	cookie, err := request.Cookie(attributionCookie)
	if err != nil {
		return nil
	}
	text, err := url.PathUnescape(cookie.Value)
	if err != nil || len(text) > attributionMax || !json.Valid([]byte(text)) {
		return nil
	}
	return json.RawMessage(text)
}

package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/posthog/libposthog/bindings/go"
)

// sentEvent as PostHog gets it.
type sentEvent struct {
	Event      string
	DistinctID string `json:"distinct_id"`
	Properties map[string]any
}

// A postHog is a stand-in that keeps what it is sent.
type postHog struct {
	*httptest.Server
	mutex  sync.Mutex
	status int
	events []sentEvent
}

func newPostHog(t *testing.T) *postHog {
	p := &postHog{status: http.StatusOK}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *postHog) ServeHTTP(writer http.ResponseWriter, request *http.Request) {
	if request.URL.Path != "/batch/" {
		// The newer protocol, which this stand-in does not speak: the library tries the other.
		http.NotFound(writer, request)
		return
	}
	var batch struct{ Batch []sentEvent }
	unpacked, err := gzip.NewReader(request.Body)
	if err == nil {
		err = json.NewDecoder(unpacked).Decode(&batch)
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if err != nil || p.status != http.StatusOK {
		writer.WriteHeader(max(p.status, http.StatusBadRequest))
		return
	}
	p.events = append(p.events, batch.Batch...)
	io.WriteString(writer, `{"status": 1}`)
}

// named events that came.
func (p *postHog) named(name string) []sentEvent {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	var found []sentEvent
	for _, event := range p.events {
		if event.Event == name {
			found = append(found, event)
		}
	}
	return found
}

// A product that runs, and whose log is kept.
type product struct {
	*httptest.Server
	t         *testing.T
	analytics *Analytics
	log       bytes.Buffer
}

func start(t *testing.T, p *postHog, options ...posthog.Option) *product {
	t.Helper()
	for _, name := range []string{"POSTHOG_DISABLED", "ANALYTICS_DISABLED", "DO_NOT_TRACK", "APP_ENV",
		"ANALYTICS_ENVIRONMENT"} {
		t.Setenv(name, "")
	}
	if p != nil {
		t.Setenv("POSTHOG_API_KEY", "phc_test")
		t.Setenv("POSTHOG_HOST", p.URL)
	} else {
		t.Setenv("POSTHOG_API_KEY", "")
	}
	store, err := openStore(filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	it := &product{t: t}
	it.analytics, err = newAnalytics(slog.New(slog.NewTextHandler(&it.log, nil)), options...)
	if err != nil {
		t.Fatal(err)
	}
	it.Server = httptest.NewServer((&server{store, it.analytics}).handler())
	t.Cleanup(func() {
		it.Server.Close()
		it.analytics.close()
		store.db.Close()
	})
	return it
}

// post a request, which has to succeed.
func (it *product) post(path, asked string, cookies ...*http.Cookie) map[string]any {
	request, err := http.NewRequest("POST", it.URL+path, strings.NewReader(asked))
	if err != nil {
		it.t.Error(err)
		return nil
	}
	for _, cookie := range cookies {
		request.AddCookie(cookie)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		it.t.Error(err)
		return nil
	}
	defer answer.Body.Close()
	var said map[string]any
	if err := json.NewDecoder(answer.Body).Decode(&said); err != nil || answer.StatusCode != 200 {
		it.t.Error(path, answer.Status, err)
	}
	return said
}

// own properties of an event, without the library's stamps.
func own(event sentEvent) map[string]any {
	for _, stamp := range []string{"$lib", "$lib_version", "$os", "$os_version", "$is_server", "$geoip_disable"} {
		delete(event.Properties, stamp)
	}
	return event.Properties
}

func TestEachStepOfTheFunnel(t *testing.T) {
	p := newPostHog(t)
	it := start(t, p)
	source := url.PathEscape(`{"utm_source":"news","referrer":"https://a.example"}`)
	login := `{"email": "ada@engines.example", "auth_method": "google"}`
	it.post("/api/login", login, &http.Cookie{Name: attributionCookie, Value: source})
	it.post("/api/login", login)
	it.post("/api/workspaces", `{"name": "Engines", "user": "1"}`)
	it.post("/api/runtimes", `{"workspace": 1, "name": "laptop"}`)
	it.post("/api/runtimes", `{"workspace": 1, "name": "laptop", "user": "1"}`)
	it.post("/api/runtimes", `{"workspace": 1, "name": "server", "user": "1"}`)
	it.post("/api/issues", `{"workspace": 1, "name": "a bug"}`)
	it.post("/api/issues/1/complete", `{"agent": "7"}`)
	it.post("/api/issues/1/complete", `{"user": "1"}`)
	it.post("/api/invites", `{"workspace": 1, "user": "1", "email": "b@engines.example"}`)
	it.post("/api/invites/1/accept", `{"user": "2"}`)
	it.post("/api/invites/1/accept", `{"user": "2"}`)
	it.analytics.close()

	stamped := func(more map[string]any) map[string]any {
		all := map[string]any{"environment": "dev", "event_schema_version": 2.0, "is_demo": false}
		for key, value := range more {
			all[key] = value
		}
		return all
	}
	expected := []sentEvent{
		{"signup", "1", stamped(map[string]any{
			"user_id": "1", "auth_method": "google", "email_domain": "engines.example",
			"$set_once": map[string]any{
				"email":         "ada@engines.example",
				"signup_source": map[string]any{"utm_source": "news", "referrer": "https://a.example"},
			},
		})},
		{"workspace_created", "1", stamped(map[string]any{"user_id": "1", "workspace_id": "1"})},
		{"runtime_registered", "workspace:1", stamped(map[string]any{"workspace_id": "1", "runtime_id": "1"})},
		{"runtime_registered", "1", stamped(map[string]any{"user_id": "1", "workspace_id": "1", "runtime_id": "2"})},
		{"issue_executed", "agent:7", stamped(map[string]any{"workspace_id": "1", "issue_id": "1"})},
		{"team_invite_sent", "1", stamped(map[string]any{"user_id": "1", "workspace_id": "1", "invite_id": "1"})},
		{"team_invite_accepted", "2", stamped(map[string]any{
			"user_id": "2", "workspace_id": "1", "invite_id": "1", "days_since_invite": 0.0,
		})},
	}
	if len(p.events) != len(expected) {
		t.Fatal(p.events)
	}
	for i, event := range p.events {
		own(event)
		if !reflect.DeepEqual(event, expected[i]) {
			t.Errorf("%+v\nexpected: %+v", event, expected[i])
		}
	}
}

func TestFiftyAtOnceAreOneEvent(t *testing.T) {
	p := newPostHog(t)
	it := start(t, p)
	it.post("/api/workspaces", `{"name": "Engines", "user": "1"}`)
	it.post("/api/issues", `{"workspace": 1, "name": "a bug"}`)
	var wait sync.WaitGroup
	for i := range 50 {
		wait.Add(2)
		go func() {
			defer wait.Done()
			it.post("/api/issues/1/complete", fmt.Sprintf(`{"user": "%d"}`, i))
		}()
		go func() {
			defer wait.Done()
			it.post("/api/runtimes", `{"workspace": 1, "name": "laptop", "user": "1"}`)
		}()
	}
	wait.Wait()
	it.analytics.close()
	for _, name := range []string{"issue_executed", "runtime_registered"} {
		if events := p.named(name); len(events) != 1 {
			t.Errorf("%d of %s: %v", len(events), name, events)
		}
	}
}

func TestStampsAndWhoMayChangeThem(t *testing.T) {
	p := newPostHog(t)
	it := start(t, p, posthog.WithEnvironment("prod"))
	it.analytics.capture(event{Event: posthog.Event{Name: "e", DistinctID: "agent:1", Properties: posthog.Properties{
		"environment": "mine", "event_schema_version": 1, "is_demo": true, "user_id": "7",
	}}})
	it.analytics.close()
	expected := map[string]any{
		"environment": "production", "event_schema_version": 2.0, "is_demo": true, "user_id": "7",
	}
	if got := own(p.named("e")[0]); !reflect.DeepEqual(got, expected) {
		t.Error(got)
	}
}

func TestAttributionIsWholeOrNone(t *testing.T) {
	longest := `"` + strings.Repeat("ä", (attributionMax-2)/2) + `"`
	for cookie, expected := range map[string]string{
		url.PathEscape(`{"a": "b c+d"}`):                `{"a": "b c+d"}`,
		url.PathEscape(longest):                         longest,
		url.PathEscape(longest[:1] + "x" + longest[1:]): "",
		"%7B%22a%":                 "",
		url.PathEscape(`{"a": "b`): "",
		"":                         "",
	} {
		request := httptest.NewRequest("POST", "/", nil)
		request.AddCookie(&http.Cookie{Name: attributionCookie, Value: cookie})
		if got := string(attributionOf(request)); got != expected {
			t.Errorf("%.40s: %.40s", cookie, got)
		}
	}
	if attributionOf(httptest.NewRequest("POST", "/", nil)) != nil {
		t.Error("without a cookie")
	}
}

func TestConfigIsReadForEachRequest(t *testing.T) {
	it := start(t, nil)
	asked := func() string {
		answer, err := http.Get(it.URL + "/api/config")
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		return strings.TrimSpace(string(text))
	}
	blank := `{"posthog_host":"","posthog_key":""}`
	if asked() != blank {
		t.Error(asked())
	}
	t.Setenv("POSTHOG_API_KEY", "phc_first")
	t.Setenv("POSTHOG_HOST", "")
	if asked() != `{"posthog_host":"https://us.i.posthog.com","posthog_key":"phc_first"}` {
		t.Error(asked())
	}
	t.Setenv("POSTHOG_API_KEY", "phc_second")
	t.Setenv("POSTHOG_HOST", "https://eu.example")
	if asked() != `{"posthog_host":"https://eu.example","posthog_key":"phc_second"}` {
		t.Error(asked())
	}
	t.Setenv("ANALYTICS_DISABLED", "1")
	if asked() != blank {
		t.Error(asked())
	}
}

func TestWithoutAKeyTheProductWorksAndSendsNothing(t *testing.T) {
	it := start(t, nil)
	if said := it.post("/api/login", `{"email": "a@b.example"}`); said["created"] != true {
		t.Error(said)
	}
	it.analytics.close()
	if log := it.log.String(); !strings.Contains(log, "on=false") || !strings.Contains(log, "accepted=0") {
		t.Error(log)
	}
}

func TestWhatWasDroppedIsLoggedOnClose(t *testing.T) {
	p := newPostHog(t)
	p.status = http.StatusUnauthorized
	it := start(t, p, posthog.WithCloseTimeout(10*time.Second))
	it.post("/api/login", `{"email": "a@b.example"}`)
	it.analytics.capture(event{Event: posthog.Event{Name: "nobody's"}})
	it.analytics.close()
	for _, part := range []string{"analytics closed", "accepted=1", "delivered=0", "dropped=1", "dropped_rejected=1", "refused=1"} {
		if !strings.Contains(it.log.String(), part) {
			t.Errorf("%s is not in\n%s", part, it.log.String())
		}
	}
}

func TestBadRequests(t *testing.T) {
	it := start(t, nil)
	for path, expected := range map[string]int{
		"/api/login":              http.StatusBadRequest,
		"/api/workspaces":         http.StatusBadRequest,
		"/api/runtimes":           http.StatusBadRequest,
		"/api/issues/x/complete":  http.StatusBadRequest,
		"/api/issues/77/complete": http.StatusBadRequest,
		"/api/nothing":            http.StatusNotFound,
	} {
		answer, err := http.Post(it.URL+path, "application/json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != expected {
			t.Error(path, answer.Status)
		}
	}
	answer, err := http.Post(it.URL+"/api/issues/77/complete", "", strings.NewReader(`{"user": "1"}`))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusNotFound {
		t.Error(answer.Status)
	}
}

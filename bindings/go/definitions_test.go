package posthog

import (
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/posthog/libposthog/bindings/go/internal/receiver"
)

const definitions = `{"flags": [{"id": 1, "key": "beta", "active": true, "version": 3, "filters": {"groups": [
	{"properties": [{"key": "plan", "value": "pro", "operator": "exact", "type": "person"}], "rollout_percentage": 100}
]}}], "group_type_mapping": {}, "cohorts": {}}`

func TestFlagsAreEvaluatedHere(t *testing.T) {
	r := receiver.Start(t)
	client := open(t, r)
	is(t, client.WaitForFlags(deadline(t, time.Second)), ErrUnsupported)
	is(t, client.LoadDefinitions([]byte("nothing")), ErrJSON)
	ok(t, client.LoadDefinitions([]byte(definitions)))
	ok(t, client.WaitForFlags(deadline(t, time.Second)))
	saved, err := client.SaveDefinitions()
	ok(t, err)
	if string(saved) != definitions {
		t.Error(string(saved))
	}
	pro := WithPerson(Properties{"plan": "pro"})
	flags, err := client.EvaluateFlags(t.Context(), "u", pro, LocalOnly())
	ok(t, err)
	if !flags.IsEnabled("beta", false) || flags.Source("beta") != SourceLocal {
		t.Error(flags.Source("beta"), flags.Reason("beta"))
	}
	if !client.FlagEnabled("u", "beta", false, pro) ||
		client.FlagEnabled("u", "beta", true, WithPerson(Properties{"plan": "free"})) {
		t.Error("FlagEnabled")
	}
	told, err := client.ExplainFlag("u", "beta", pro)
	ok(t, err)
	if !strings.Contains(told, "plan") {
		t.Error(told)
	}
	for _, request := range r.Requests() {
		if strings.HasPrefix(request.Path, "/flags") {
			t.Error(request)
		}
	}
}

func TestDefinitionsOutliveTheProcessInAFile(t *testing.T) {
	r := receiver.Start(t)
	file := filepath.Join(t.TempDir(), "definitions")
	first := open(t, r)
	is(t, first.LoadDefinitionsFile(file), ErrFile)
	is(t, first.SaveDefinitionsFile(file), ErrUnsupported)
	ok(t, first.LoadDefinitions([]byte(definitions)))
	ok(t, first.SaveDefinitionsFile(file))
	ok(t, first.Close())

	next := open(t, r)
	ok(t, next.LoadDefinitionsFile(file))
	if !next.FlagEnabled("u", "beta", false, WithPerson(Properties{"plan": "pro"}), LocalOnly()) {
		t.Error("off")
	}
	is(t, next.LoadDefinitionsFile("a\x00b"), ErrUTF8)
	ok(t, next.Close())
	is(t, next.SaveDefinitionsFile(file), ErrShutdown)
}

// shared is a cache in memory: what would be in Redis.
type shared struct {
	mutex  sync.Mutex
	text   []byte
	broken bool
}

func (s *shared) Get() ([]byte, Advice, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	switch {
	case s.broken:
		return nil, UseDefinitions, errors.New("no cache")
	case s.text == nil:
		return nil, FetchDefinitions, nil
	}
	return s.text, UseDefinitions, nil
}

func (s *shared) Put(text []byte) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.broken {
		panic("no cache")
	}
	s.text = text
	return nil
}

func TestAFleetReadsDefinitionsOnce(t *testing.T) {
	r := receiver.Start(t)
	r.Post("/__definitions", definitions)
	cache := &shared{}
	for _, options := range [][]Option{
		{WithSecretKey("phx_secret"), WithDefinitionsCache(cache)},
		// Without a secret key there is nothing but the cache.
		{WithDefinitionsCache(cache)},
	} {
		client := open(t, r, options...)
		ok(t, client.WaitForFlags(deadline(t, 10*time.Second)))
		flags, err := client.EvaluateFlags(t.Context(), "u", WithPerson(Properties{"plan": "pro"}), LocalOnly())
		ok(t, err)
		if !flags.IsEnabled("beta", false) || flags.Version("beta") != 3 || flags.ID("beta") != 1 {
			t.Error(flags.Reason("beta"), flags.Version("beta"), flags.ID("beta"))
		}
		ok(t, client.Close())
	}
	reads := 0
	for _, request := range r.Requests() {
		if strings.HasPrefix(request.Path, "/flags/definitions") {
			reads++
		}
	}
	if reads != 1 {
		t.Error(reads)
	}
}

func TestABrokenCacheIsDoneWithout(t *testing.T) {
	r := receiver.Start(t)
	r.Post("/__definitions", definitions)
	client := open(t, r, WithSecretKey("phx_secret"), WithDefinitionsCache(&shared{broken: true}))
	ok(t, client.WaitForFlags(deadline(t, 10*time.Second)))
	if !client.FlagEnabled("u", "beta", false, WithPerson(Properties{"plan": "pro"}), LocalOnly()) {
		t.Error("off")
	}
}

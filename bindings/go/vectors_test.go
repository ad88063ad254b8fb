package posthog

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/posthog/libposthog/bindings/go/internal/receiver"
)

// A vector says what a program does, and what then has to be on the wire; see tests/vectors.
type vector struct {
	Options struct {
		Environment  *string
		IsServer     *bool          `json:"is_server"`
		GeoIPDisable *bool          `json:"geoip_disable"`
		GroupIndices map[string]int `json:"group_indices"`
		Deny         []string
	}
	Steps []step
}

type step struct {
	Do         string
	DistinctID string `json:"distinct_id"`
	Event      string
	Properties Properties
	Set        Properties
	SetOnce    Properties `json:"set_once"`
	Groups     map[string]string
	UUID       string
	Timestamp  string
	Profile    *bool `json:"process_person_profile"`
	Alias      string
	GroupType  string `json:"group_type"`
	GroupKey   string `json:"group_key"`
	Key        string
	Type       string
	Message    string
	Refused    string
}

// named is an error whose type is what a vector says.
type named struct{ kind, message string }

func (n named) Error() string         { return n.message }
func (n named) ExceptionType() string { return n.kind }

func (v *vector) options() []Option {
	// The whole of a vector in one batch.
	options := []Option{WithFlushInterval(time.Hour)}
	if it := v.Options.Environment; it != nil {
		options = append(options, WithEnvironment(*it))
	}
	if it := v.Options.IsServer; it != nil {
		options = append(options, WithIsServer(*it))
	}
	if it := v.Options.GeoIPDisable; it != nil {
		options = append(options, WithDisableGeoIP(*it))
	}
	for group, index := range v.Options.GroupIndices {
		options = append(options, WithGroupIndex(group, index))
	}
	return append(options, WithoutProperties(v.Options.Deny...))
}

func (s *step) take(t *testing.T, client *Client) error {
	switch s.Do {
	case "capture":
		return s.capture(client)
	case "identify":
		return client.Identify(s.DistinctID, s.Set, s.SetOnce)
	case "alias":
		return client.Alias(s.DistinctID, s.Alias)
	case "group_identify":
		return client.GroupIdentify(s.DistinctID, s.GroupType, s.GroupKey, s.Properties)
	case "register":
		return client.Register(s.Properties)
	case "register_once":
		return client.RegisterOnce(s.Properties)
	case "unregister":
		return client.Unregister(s.Key)
	case "capture_exception":
		return client.CaptureException(s.DistinctID, named{s.Type, s.Message},
			WithProperties(s.Properties))
	}
	t.Fatalf("the step %q is not known", s.Do)
	return nil
}

func (s *step) capture(client *Client) error {
	event := Event{
		Name: s.Event, DistinctID: s.DistinctID, Properties: s.Properties, Groups: s.Groups,
		Set: s.Set, SetOnce: s.SetOnce, UUID: s.UUID,
	}
	if s.Timestamp != "" {
		var err error
		// A time of Go's is a time: another text does not come as far as Capture.
		if event.Timestamp, err = time.Parse(time.RFC3339Nano, s.Timestamp); err != nil {
			return ErrTimestamp
		}
	}
	if s.Profile != nil {
		event.Personless = !*s.Profile
		if *s.Profile {
			event.Properties = merged(event.Properties, Properties{"$process_person_profile": true})
		}
	}
	return client.Capture(event)
}

// refusal is the error of a status, by its name in C.
func refusal(t *testing.T, name string) error {
	number, there := enumOf(t, "ERROR")[strings.TrimPrefix(name, "PH_ERROR_")]
	if !there {
		t.Fatal(name)
	}
	return Error(number)
}

func TestConformanceVectors(t *testing.T) {
	files, err := filepath.Glob("../../tests/vectors/*.json")
	ok(t, err)
	if len(files) == 0 {
		t.Fatal("there are no vectors")
	}
	r := receiver.Start(t)
	for _, file := range files {
		text, err := os.ReadFile(file)
		ok(t, err)
		replay(t, r, filepath.Base(file), string(text))
	}
}

func replay(t *testing.T, r *receiver.Receiver, name, text string) {
	for protocol, option := range map[string]Protocol{"v0": ProtocolV0, "v1": ProtocolV1} {
		t.Run(name+" "+protocol, func(t *testing.T) {
			var it vector
			decoder := json.NewDecoder(strings.NewReader(text))
			decoder.UseNumber()
			ok(t, decoder.Decode(&it))
			r.Post("/__clear", "")
			client := open(t, r, append(it.options(), WithProtocol(option))...)
			for _, step := range it.Steps {
				err := step.take(t, client)
				if step.Refused == "" {
					ok(t, err)
				} else if !errors.Is(err, refusal(t, step.Refused)) {
					t.Errorf("%+v: %v", step, err)
				}
			}
			ok(t, client.Flush(deadline(t, 10*time.Second)))
			ok(t, client.Close())
			r.Post("/__expect?protocol="+protocol, text)
		})
	}
}

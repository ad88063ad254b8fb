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
		Historical   bool `json:"historical_migration"`
	}
	Flags json.RawMessage
	Steps []step
	// evaluated last, by a step.
	evaluated *Flags
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

	Options     Properties
	WithFlags   bool `json:"with_flags"`
	Level       *string
	Handled     *bool
	Fingerprint string

	Person          Properties            `json:"person_properties"`
	GroupProperties map[string]Properties `json:"group_properties"`
	DeviceID        *string               `json:"device_id"`
	FlagKeys        *[]string             `json:"flag_keys"`
	Reads           [][2]any
	Fallback        bool
	Answer          bool
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
	options = append(options, WithHistoricalMigration(v.Options.Historical))
	return append(options, WithoutProperties(v.Options.Deny...))
}

func (v *vector) take(t *testing.T, s *step, client *Client) error {
	switch s.Do {
	case "capture":
		return v.capture(s, client.Capture)
	case "capture_ai":
		return v.capture(s, client.CaptureAI)
	case "capture_immediate":
		return v.capture(s, func(event Event) error {
			return client.CaptureNow(deadline(t, 10*time.Second), event)
		})
	case "capture_ai_immediate":
		return v.capture(s, func(event Event) error {
			return client.CaptureAINow(deadline(t, 10*time.Second), event)
		})
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
	case "opt_out":
		return client.OptOut()
	case "opt_in":
		return client.OptIn()
	case "add_step":
		return client.Step(s.Message, s.Properties)
	case "capture_exception":
		return client.CaptureException(s.DistinctID, named{s.Type, s.Message}, s.exceptionOptions()...)
	case "evaluate_flags":
		return v.evaluate(t, s, client)
	case "flag_enabled":
		if answer := client.FlagEnabled(s.DistinctID, s.Key, s.Fallback); answer != s.Answer {
			t.Errorf("%+v: %v", s, answer)
		}
		return nil
	}
	t.Fatalf("the step %q is not known", s.Do)
	return nil
}

func (s *step) exceptionOptions() []ExceptionOption {
	options := []ExceptionOption{WithProperties(s.Properties), WithGroups(s.Groups), WithFingerprint(s.Fingerprint)}
	if s.Level != nil {
		options = append(options, WithLevel(map[string]Level{
			"fatal": LevelFatal, "error": LevelError, "warning": LevelWarning,
		}[*s.Level]))
	}
	if s.Handled != nil && !*s.Handled {
		options = append(options, Unhandled())
	}
	return options
}

// evaluate the flags of a step, and read them in its order.
func (v *vector) evaluate(t *testing.T, s *step, client *Client) error {
	var options []FlagOption
	for kind, key := range s.Groups {
		options = append(options, InGroup(kind, key, s.GroupProperties[kind]))
	}
	if s.Person != nil {
		options = append(options, WithPerson(s.Person))
	}
	if s.DeviceID != nil {
		options = append(options, WithDeviceID(*s.DeviceID))
	}
	if s.FlagKeys != nil {
		options = append(options, OnlyFlags(*s.FlagKeys...))
	}
	flags, err := client.EvaluateFlags(deadline(t, 10*time.Second), s.DistinctID, options...)
	if err != nil {
		return err
	}
	v.evaluated = flags
	for _, read := range s.Reads {
		key := read[0].(string)
		var value any
		if variant := flags.Variant(key); variant != "" {
			value = variant
		} else if flags.IsKnown(key) {
			value = flags.IsEnabled(key, false)
		}
		if value != read[1] {
			t.Errorf("%s is %v", key, value)
		}
	}
	return nil
}

func (v *vector) capture(s *step, capture func(Event) error) error {
	event := Event{
		Name: s.Event, DistinctID: s.DistinctID, Properties: s.Properties, Groups: s.Groups,
		Set: s.Set, SetOnce: s.SetOnce, UUID: s.UUID, Options: s.Options,
	}
	if s.WithFlags {
		event.Flags = v.evaluated
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
	return capture(event)
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
			if it.Flags != nil {
				r.Post("/__flags", string(it.Flags))
			}
			client := open(t, r, append(it.options(), WithProtocol(option))...)
			for _, step := range it.Steps {
				err := it.take(t, &step, client)
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

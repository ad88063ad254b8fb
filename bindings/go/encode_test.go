package posthog

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

type money struct {
	Amount   int    `json:"amount"`
	Currency string `json:"currency,omitempty"`
}

type plan string

type celsius float64

type marshaler struct{}

func (marshaler) MarshalJSON() ([]byte, error) { return []byte(`"own"`), nil }

type panicking struct{}

func (panicking) MarshalJSON() ([]byte, error) { panic("no JSON") }

func TestValuesBecomeJSON(t *testing.T) {
	when := time.Date(2026, 11, 20, 10, 0, 0, 500, time.FixedZone("", 3600))
	number := 7
	var missing *int
	for _, it := range []struct {
		value    any
		expected string
	}{
		{nil, `null`},
		{"a\"b\\c\n\x00é😀\u2028", `"a\"b\\c\u000a\u0000é😀` + "\u2028" + `"`},
		{true, `true`},
		{-7, `-7`},
		{int8(-8), `-8`},
		{uint64(math.MaxUint64), `18446744073709551615`},
		{int64(math.MinInt64), `-9223372036854775808`},
		{0.1, `0.1`},
		{float32(0.1), `0.1`},
		{1e21, `1e+21`},
		{1e-7, `1e-07`},
		{math.Copysign(0, -1), `-0`},
		{math.NaN(), notANumber},
		{math.Inf(-1), notANumber},
		{celsius(math.NaN()), notANumber},
		{[]float64{1, math.NaN()}, `[1,` + notANumber + `]`},
		{when, `"2026-11-20T10:00:00.0000005+01:00"`},
		{&when, `"2026-11-20T10:00:00.0000005+01:00"`},
		{time.Second, `1000000000`},
		{[]any{1, "x", nil, []any{}}, `[1,"x",null,[]]`},
		{[]string{"a", "b"}, `["a","b"]`},
		{[]int(nil), `[]`},
		{map[string]any{"a": Properties{"b": 1}}, `{"a":{"b":1}}`},
		{map[string]string{"a": "b"}, `{"a":"b"}`},
		{map[string]int{"a": 1}, `{"a":1}`},
		{map[plan]float64{"a": math.NaN()}, `{"a":` + notANumber + `}`},
		{map[int]string{1: "a"}, `{"1":"a"}`},
		{money{5, ""}, `{"amount":5}`},
		{&money{5, "EUR"}, `{"amount":5,"currency":"EUR"}`},
		{[]money{{1, ""}}, `[{"amount":1}]`},
		{plan("pro"), `"pro"`},
		{&number, `7`},
		{missing, `null`},
		{[]byte("abc"), `"YWJj"`},
		{errors.New("gone"), `"gone"`},
		{json.RawMessage(`{"a": 1}`), `{"a":1}`},
		{json.Number("12"), `12`},
		{marshaler{}, `"own"`},
	} {
		encoder := newEncoder()
		if err := encoder.value(it.value); err != nil {
			t.Errorf("%#v: %v", it.value, err)
		} else if text := string(encoder.text); text != it.expected {
			t.Errorf("%#v: %s, but expected: %s", it.value, text, it.expected)
		}
		encoder.done()
	}
}

func TestWhatHasNoJSONIsRefusedByName(t *testing.T) {
	cycle := map[string]any{}
	cycle["self"] = cycle
	var nothing *money
	list := []any{nil}
	list[0] = list
	for what, value := range map[string]any{
		"channel": make(chan int), "function": func() {}, "complex": 1i, "panic": panicking{},
		"nested": []any{map[string]any{"deep": make(chan int)}}, "inside": struct{ F float64 }{math.NaN()},
	} {
		err := newEncoder().properties(Properties{"key": value})
		is(t, err, ErrJSON)
		if !strings.Contains(err.Error(), `property "key"`) {
			t.Errorf("%s: %v", what, err)
		}
	}
	is(t, newEncoder().properties(Properties{"cycle": cycle}), ErrDepth)
	is(t, newEncoder().properties(Properties{"list": list}), ErrDepth)
	ok(t, newEncoder().properties(Properties{"nil": nothing}))
}

func TestAnEncoderIsReused(t *testing.T) {
	properties := Properties{"plan": "pro", "amount": 4999, "trial": false}
	allocations := testing.AllocsPerRun(100, func() {
		encoder := newEncoder()
		ok(t, encoder.properties(properties))
		encoder.done()
	})
	// The race detector makes the pool forget.
	if allocations > 0 && !raceDetector {
		t.Error(allocations)
	}
}

package posthog

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"sync"
	"time"
)

// depthMax is how deep values may be nested. The library has the same limit; here it ends a map or a
// slice that contains itself.
const depthMax = 64

// notANumber stands for NaN and the infinities, which JSON does not have. It is too large for a
// double: the library makes it null, as it does everywhere, and counts a repaired value.
const notANumber = "1e999"

// An encoder writes JSON. Texts may hold anything: what is not UTF-8 is copied as it is, and the
// library repairs and counts it.
type encoder struct {
	text  []byte
	depth int
}

// encoders that are not in use, with their memory.
var encoders = sync.Pool{New: func() any { return &encoder{text: make([]byte, 0, 1024)} }}

func newEncoder() *encoder {
	return encoders.Get().(*encoder)
}

// done hands the encoder back, unless a large event has made it large.
func (e *encoder) done() {
	if cap(e.text) <= 64<<10 {
		e.text, e.depth = e.text[:0], 0
		encoders.Put(e)
	}
}

// A propertyError says which property has no JSON.
type propertyError struct {
	key string
	err error
}

func (e *propertyError) Error() string {
	return fmt.Sprintf("posthog: property %q: %v", e.key, e.err)
}

func (e *propertyError) Unwrap() error {
	return e.err
}

// Is makes it ErrJSON, unless it is another Error already.
func (e *propertyError) Is(target error) bool {
	var known Error
	return target == ErrJSON && !errors.As(e.err, &known)
}

func (e *encoder) properties(properties Properties) error {
	e.text = append(e.text, '{')
	first := true
	for key, value := range properties {
		e.key(key, &first)
		if err := e.value(value); err != nil {
			return &propertyError{key, err}
		}
	}
	e.text = append(e.text, '}')
	return nil
}

func (e *encoder) key(key string, first *bool) {
	if !*first {
		e.text = append(e.text, ',')
	}
	*first = false
	e.string(key)
	e.text = append(e.text, ':')
}

func (e *encoder) value(value any) error {
	switch value := value.(type) {
	case nil:
		e.text = append(e.text, "null"...)
	case string:
		e.string(value)
	case bool:
		e.text = strconv.AppendBool(e.text, value)
	case int:
		e.text = strconv.AppendInt(e.text, int64(value), 10)
	case int64:
		e.text = strconv.AppendInt(e.text, value, 10)
	case int32:
		e.text = strconv.AppendInt(e.text, int64(value), 10)
	case uint64:
		e.text = strconv.AppendUint(e.text, value, 10)
	case uint32:
		e.text = strconv.AppendUint(e.text, uint64(value), 10)
	case float64:
		e.float(value, 64)
	case float32:
		e.float(float64(value), 32)
	case time.Time:
		e.time(value)
	default:
		return e.container(value)
	}
	return nil
}

func (e *encoder) container(value any) error {
	if e.depth++; e.depth > depthMax {
		return ErrDepth
	}
	defer func() { e.depth-- }()
	switch value := value.(type) {
	case Properties:
		return e.properties(value)
	case map[string]any:
		return e.properties(value)
	case []any:
		e.text = append(e.text, '[')
		for i, element := range value {
			if i > 0 {
				e.text = append(e.text, ',')
			}
			if err := e.value(element); err != nil {
				return err
			}
		}
		e.text = append(e.text, ']')
		return nil
	case []string:
		e.text = append(e.text, '[')
		for i, element := range value {
			if i > 0 {
				e.text = append(e.text, ',')
			}
			e.string(element)
		}
		e.text = append(e.text, ']')
		return nil
	case map[string]string:
		e.strings(value)
		return nil
	default:
		return e.other(value)
	}
}

func (e *encoder) strings(values map[string]string) {
	e.text = append(e.text, '{')
	first := true
	for key, value := range values {
		e.key(key, &first)
		e.string(value)
	}
	e.text = append(e.text, '}')
}

// other writes what has no case of its own. Foreign code runs here, and may panic.
func (e *encoder) other(value any) (err error) {
	defer func() {
		if problem := recover(); problem != nil {
			err = fmt.Errorf("%T panicked: %v", value, problem)
		}
	}()
	switch value := value.(type) {
	case json.Marshaler:
	case error:
		e.string(value.Error())
		return nil
	default:
		if done, err := e.reflected(reflect.ValueOf(value)); done || err != nil {
			return err
		}
	}
	text, err := json.Marshal(value)
	if err == nil {
		e.text = append(e.text, text...)
	}
	return err
}

// reflected writes containers of any type, so that a NaN in one becomes null: encoding/json would
// refuse all of it. It leaves the rest to encoding/json.
func (e *encoder) reflected(value reflect.Value) (done bool, err error) {
	switch value.Kind() {
	case reflect.Float32:
		e.float(value.Float(), 32)
	case reflect.Float64:
		e.float(value.Float(), 64)
	case reflect.Pointer:
		if value.IsNil() {
			e.text = append(e.text, "null"...)
			return true, nil
		}
		return true, e.value(value.Elem().Interface())
	case reflect.Slice, reflect.Array:
		if value.Type().Elem().Kind() == reflect.Uint8 {
			return false, nil
		}
		e.text = append(e.text, '[')
		for i := range value.Len() {
			if i > 0 {
				e.text = append(e.text, ',')
			}
			if err := e.value(value.Index(i).Interface()); err != nil {
				return true, err
			}
		}
		e.text = append(e.text, ']')
	case reflect.Map:
		if value.Type().Key().Kind() != reflect.String {
			return false, nil
		}
		e.text = append(e.text, '{')
		first := true
		for entries := value.MapRange(); entries.Next(); {
			e.key(entries.Key().String(), &first)
			if err := e.value(entries.Value().Interface()); err != nil {
				return true, err
			}
		}
		e.text = append(e.text, '}')
	default:
		return false, nil
	}
	return true, nil
}

// float writes the fewest digits that read back as the same, as encoding/json does.
func (e *encoder) float(value float64, bits int) {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		e.text = append(e.text, notANumber...)
		return
	}
	format := byte('f')
	if size := math.Abs(value); size != 0 && (size < 1e-6 || size >= 1e21) {
		format = 'e'
	}
	e.text = strconv.AppendFloat(e.text, value, format, -1, bits)
}

func (e *encoder) time(value time.Time) {
	e.text = append(e.text, '"')
	e.text = value.AppendFormat(e.text, time.RFC3339Nano)
	e.text = append(e.text, '"')
}

func (e *encoder) string(value string) {
	const digits = "0123456789abcdef"
	e.text = append(e.text, '"')
	copied := 0
	for i := 0; i < len(value); i++ {
		character := value[i]
		if character >= ' ' && character != '"' && character != '\\' {
			continue
		}
		e.text = append(e.text, value[copied:i]...)
		copied = i + 1
		if character >= ' ' {
			e.text = append(e.text, '\\', character)
		} else {
			e.text = append(e.text, '\\', 'u', '0', '0', digits[character>>4], digits[character&15])
		}
	}
	e.text = append(e.text, value[copied:]...)
	e.text = append(e.text, '"')
}

package posthog

import (
	"unsafe"

	"github.com/posthog/libposthog/bindings/go/internal/abi"
)

// SetPersonPropertiesForFlags gives properties of a person that go along with every later evaluation
// of this distinct id's flags: for what PostHog does not know yet, since events take their time. It
// sends nothing.
func (c *Client) SetPersonPropertiesForFlags(distinctID string, properties Properties) error {
	return c.withProps(func(props []uintptr) int32 {
		id := cString(distinctID)
		return abi.Status(abi.FlagsSetPersonProperties, c.handle, uintptr(unsafe.Pointer(id)), props[0])
	}, some(properties))
}

// SetGroupPropertiesForFlags does the same for every later evaluation that names this group.
func (c *Client) SetGroupPropertiesForFlags(groupType, groupKey string, properties Properties) error {
	return c.withProps(func(props []uintptr) int32 {
		kind, key := cString(groupType), cString(groupKey)
		return abi.Status(abi.FlagsSetGroupProperties, c.handle, uintptr(unsafe.Pointer(kind)),
			uintptr(unsafe.Pointer(key)), props[0])
	}, some(properties))
}

// ResetPersonPropertiesForFlags forgets those of a distinct id; of all for "".
func (c *Client) ResetPersonPropertiesForFlags(distinctID string) error {
	return c.withProps(func([]uintptr) int32 {
		return abi.Status(abi.FlagsResetPersonProperties, c.handle,
			uintptr(unsafe.Pointer(orNull(distinctID))))
	})
}

// ResetGroupPropertiesForFlags forgets those of a group; of all groups for "".
func (c *Client) ResetGroupPropertiesForFlags(groupType, groupKey string) error {
	return c.withProps(func([]uintptr) int32 {
		kind, key := orNull(groupType), orNull(groupKey)
		return abi.Status(abi.FlagsResetGroupProperties, c.handle, uintptr(unsafe.Pointer(kind)),
			uintptr(unsafe.Pointer(key)))
	})
}

// orNull is a copy for C, which has NULL for "".
func orNull(text string) *byte {
	if text == "" {
		return nil
	}
	return cString(text)
}

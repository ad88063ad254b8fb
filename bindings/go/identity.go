package posthog

import (
	"unsafe"

	"github.com/posthog/libposthog/bindings/go/internal/abi"
)

// Identify says who somebody is: it sets person properties, and those of setOnce where they are not
// set yet. Either may be nil.
func (c *Client) Identify(distinctID string, set, setOnce Properties) error {
	return c.withProps(func(props []uintptr) int32 {
		id := cString(distinctID)
		return abi.Status(abi.Identify, c.handle, uintptr(unsafe.Pointer(id)), props[0], props[1])
	}, set, setOnce)
}

// Alias says that the person known as distinctID is also known as alias.
func (c *Client) Alias(distinctID, alias string) error {
	return c.withProps(func([]uintptr) int32 {
		id, other := cString(distinctID), cString(alias)
		return abi.Status(abi.Alias, c.handle,
			uintptr(unsafe.Pointer(id)), uintptr(unsafe.Pointer(other)))
	})
}

// GroupIdentify sets properties of a group, e.g. of type company. distinctID says who did it; "" is
// the group itself.
func (c *Client) GroupIdentify(distinctID, groupType, groupKey string, properties Properties) error {
	return c.withProps(func(props []uintptr) int32 {
		kind, key := cString(groupType), cString(groupKey)
		var id *byte
		if distinctID != "" {
			id = cString(distinctID)
		}
		return abi.Status(abi.GroupIdentify, c.handle, uintptr(unsafe.Pointer(id)),
			uintptr(unsafe.Pointer(kind)), uintptr(unsafe.Pointer(key)), props[0])
	}, properties)
}

// Register sets super properties: each later event of this client has them, unless it sets the same
// key itself.
func (c *Client) Register(properties Properties) error {
	return c.withProps(func(props []uintptr) int32 {
		return abi.Status(abi.Register, c.handle, props[0])
	}, some(properties))
}

// RegisterOnce does the same for those that are not set yet.
func (c *Client) RegisterOnce(properties Properties) error {
	return c.withProps(func(props []uintptr) int32 {
		return abi.Status(abi.RegisterOnce, c.handle, props[0])
	}, some(properties))
}

// Unregister removes a super property. No error when it is not there.
func (c *Client) Unregister(key string) error {
	return c.withProps(func([]uintptr) int32 {
		text := cString(key)
		return abi.Status(abi.Unregister, c.handle, uintptr(unsafe.Pointer(text)))
	})
}

// withProps makes a call that takes maps of the library's.
func (c *Client) withProps(call func([]uintptr) int32, maps ...Properties) error {
	if !c.acquire() {
		return c.lateCapture()
	}
	defer c.release()
	props := make([]uintptr, len(maps))
	for i, properties := range maps {
		var err error
		if props[i], err = newProps(properties); err != nil {
			return c.refuse(err)
		}
		defer abi.Call(abi.PropsFree, props[i])
	}
	return check(call(props))
}

// some is never nil, for calls that need a map.
func some(properties Properties) Properties {
	if properties == nil {
		return Properties{}
	}
	return properties
}

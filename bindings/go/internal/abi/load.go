package abi

import (
	"fmt"
	"sync"
	"unsafe"
)

// Load makes the functions ready to be called, once. It fails for want of the library, and for a
// library of another version.
var Load = sync.OnceValue(func() error {
	if err := load(); err != nil {
		return err
	}
	return checkVersion()
})

func checkVersion() error {
	if version := Text(Call(phVersion)); version != Version {
		return fmt.Errorf("posthog: this package is for libposthog %s, but %s is version %s",
			Version, origin(), version)
	}
	return nil
}

// StatusText is what a status means.
func StatusText(status int32) string {
	if Load() != nil {
		return fmt.Sprintf("status %d", status)
	}
	return Text(Call(phStatusText, uintptr(status)))
}

// Text is a copy of the NUL-terminated text that C lends at an address. "" for NULL.
func Text(address uintptr) string {
	if address == 0 {
		return ""
	}
	start := (*byte)(pointer(address))
	length := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(start), length)) != 0 {
		length++
	}
	return string(unsafe.Slice(start, length))
}

// Owned is a copy of a text that is the caller's, which is freed.
func Owned(address uintptr) string {
	defer Call(StringFree, address)
	return Text(address)
}

// bytesOf is a copy of C's bytes.
func bytesOf(address, length uintptr) []byte {
	if length == 0 {
		return nil
	}
	return append([]byte(nil), unsafe.Slice((*byte)(pointer(address)), length)...)
}

// pointer to memory that is C's: the garbage collector has nothing to do with it.
func pointer(address uintptr) unsafe.Pointer {
	return *(*unsafe.Pointer)(unsafe.Pointer(&address))
}

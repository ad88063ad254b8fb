//go:build cgo && !posthog_purego

package abi

/*
#include <stdint.h>

// Userdata is a number here, never a pointer: Go would take a small one for a broken pointer.
void posthogGoUserdataFree(uintptr_t userdata);
void posthogGoLog(uintptr_t userdata, int32_t level, uintptr_t message);
int32_t posthogGoBeforeSend(uintptr_t userdata, uintptr_t event);
void posthogGoDelivery(uintptr_t userdata, int32_t delivery, uintptr_t events);
int32_t posthogGoTransport(uintptr_t userdata, uintptr_t method, uintptr_t url, uintptr_t headers,
                           uintptr_t body, uintptr_t body_len, uint32_t timeout_ms,
                           uintptr_t response);
void posthogGoError(uintptr_t userdata, uintptr_t report);
int32_t posthogGoDefinitionsGet(uintptr_t userdata, uintptr_t definitions);
int32_t posthogGoDefinitionsPut(uintptr_t userdata, uintptr_t text, uintptr_t length);
*/
import "C"

// Callback is the address of what C calls for a hook.
func Callback(kind CallbackKind) uintptr {
	return [...]uintptr{
		UserdataFree:     address(C.posthogGoUserdataFree),
		OnLog:            address(C.posthogGoLog),
		OnBeforeSend:     address(C.posthogGoBeforeSend),
		OnDelivery:       address(C.posthogGoDelivery),
		OnTransport:      address(C.posthogGoTransport),
		OnError:          address(C.posthogGoError),
		OnDefinitionsGet: address(C.posthogGoDefinitionsGet),
		OnDefinitionsPut: address(C.posthogGoDefinitionsPut),
	}[kind]
}

//export posthogGoUserdataFree
func posthogGoUserdataFree(userdata C.uintptr_t) {
	onUserdataFree(uintptr(userdata))
}

//export posthogGoLog
func posthogGoLog(userdata C.uintptr_t, level C.int32_t, message C.uintptr_t) {
	onLog(uintptr(userdata), int32(level), uintptr(message))
}

//export posthogGoBeforeSend
func posthogGoBeforeSend(userdata, event C.uintptr_t) C.int32_t {
	return C.int32_t(onBeforeSend(uintptr(userdata), uintptr(event)))
}

//export posthogGoDelivery
func posthogGoDelivery(userdata C.uintptr_t, delivery C.int32_t, events C.uintptr_t) {
	onDelivery(uintptr(userdata), int32(delivery), uintptr(events))
}

//export posthogGoTransport
func posthogGoTransport(
	userdata, method, url, headers, body, bodyLen C.uintptr_t, timeoutMs C.uint32_t, response C.uintptr_t,
) C.int32_t {
	return C.int32_t(onTransport(uintptr(userdata), uintptr(method), uintptr(url), uintptr(headers),
		uintptr(body), uintptr(bodyLen), uintptr(timeoutMs), uintptr(response)))
}

//export posthogGoError
func posthogGoError(userdata, report C.uintptr_t) {
	onError(uintptr(userdata), uintptr(report))
}

//export posthogGoDefinitionsGet
func posthogGoDefinitionsGet(userdata, definitions C.uintptr_t) C.int32_t {
	return C.int32_t(onDefinitionsGet(uintptr(userdata), uintptr(definitions)))
}

//export posthogGoDefinitionsPut
func posthogGoDefinitionsPut(userdata, text, length C.uintptr_t) C.int32_t {
	return C.int32_t(onDefinitionsPut(uintptr(userdata), uintptr(text), uintptr(length)))
}

//go:build !cgo || posthog_purego

package abi

import (
	"sync"

	"github.com/ebitengine/purego"
)

// callbacks are made once: purego never frees one.
var callbacks = sync.OnceValue(func() [8]uintptr {
	return [...]uintptr{
		UserdataFree: purego.NewCallback(func(userdata uintptr) uintptr {
			onUserdataFree(userdata)
			return 0
		}),
		OnLog: purego.NewCallback(func(userdata, level, message uintptr) uintptr {
			onLog(userdata, int32(level), message)
			return 0
		}),
		OnBeforeSend: purego.NewCallback(func(userdata, event uintptr) uintptr {
			return uintptr(onBeforeSend(userdata, event))
		}),
		OnDelivery: purego.NewCallback(func(userdata, delivery, events uintptr) uintptr {
			onDelivery(userdata, int32(delivery), events)
			return 0
		}),
		OnTransport: purego.NewCallback(
			func(userdata, method, url, headers, body, bodyLen, timeoutMs, response uintptr) uintptr {
				return uintptr(onTransport(
					userdata, method, url, headers, body, bodyLen, timeoutMs, response))
			}),
		OnError: purego.NewCallback(func(userdata, report uintptr) uintptr {
			onError(userdata, report)
			return 0
		}),
		OnDefinitionsGet: purego.NewCallback(func(userdata, definitions uintptr) uintptr {
			return uintptr(onDefinitionsGet(userdata, definitions))
		}),
		OnDefinitionsPut: purego.NewCallback(func(userdata, text, length uintptr) uintptr {
			return uintptr(onDefinitionsPut(userdata, text, length))
		}),
	}
})

// Callback is the address of what C calls for a hook.
func Callback(kind CallbackKind) uintptr {
	return callbacks()[kind]
}

package abi

import (
	"sync"
	"unsafe"
)

// Hooks are what the library may call back, each from a thread that its header names. They enter Go
// only where a host asked for one.
type Hooks struct {
	Log        func(level int32, message string)
	BeforeSend func(event uintptr) bool
	Delivery   func(delivery int32, events int)
	Transport  func(request Request, response uintptr) bool
	Error      func(report uintptr)
	// Definitions are shared with other processes: what the library is to do, and whether they were kept.
	DefinitionsGet func(definitions uintptr) int32
	DefinitionsPut func(text []byte) bool
}

// A Request that a transport is to carry. All of it is Go's.
type Request struct {
	Method, URL string
	Headers     []string // names and values in turn
	Body        []byte
	TimeoutMs   uint32
}

// registered hooks by the number that C has for userdata: C must not keep a pointer into Go.
var registered struct {
	sync.RWMutex
	hooks map[uintptr]*Hooks
	last  uintptr
}

// Userdata is what C hands back to the callbacks. The hooks are kept until C frees it.
func (hooks *Hooks) Userdata() (userdata uintptr) {
	registered.Lock()
	defer registered.Unlock()
	if registered.hooks == nil {
		registered.hooks = make(map[uintptr]*Hooks)
	}
	registered.last++
	registered.hooks[registered.last] = hooks
	return registered.last
}

// Registered is how many hooks C may still call.
func Registered() int {
	registered.RLock()
	defer registered.RUnlock()
	return len(registered.hooks)
}

func find(userdata uintptr) *Hooks {
	registered.RLock()
	defer registered.RUnlock()
	return registered.hooks[userdata]
}

func onUserdataFree(userdata uintptr) {
	registered.Lock()
	defer registered.Unlock()
	delete(registered.hooks, userdata)
}

func onLog(userdata uintptr, level int32, message uintptr) {
	defer contain()
	find(userdata).Log(level, Text(message))
}

// A hook that panics keeps the event.
func onBeforeSend(userdata, event uintptr) (dropped int32) {
	defer contain()
	if find(userdata).BeforeSend(event) {
		return 0
	}
	return 1
}

func onDelivery(userdata uintptr, delivery int32, events uintptr) {
	defer contain()
	find(userdata).Delivery(delivery, int(events))
}

func onError(userdata, report uintptr) {
	defer contain()
	find(userdata).Error(report)
}

// onDefinitionsGet answers what no advice is if it panics.
func onDefinitionsGet(userdata, definitions uintptr) (advice int32) {
	advice = -1
	defer contain()
	advice = find(userdata).DefinitionsGet(definitions)
	return advice
}

func onDefinitionsPut(userdata, text, length uintptr) (failed int32) {
	failed = 1
	defer contain()
	if find(userdata).DefinitionsPut(bytesOf(text, length)) {
		failed = 0
	}
	return failed
}

// onTransport is called with memory that lasts for the call; Go may need it for longer.
func onTransport(userdata, method, url, headers, body, bodyLen, timeoutMs, response uintptr) (failed int32) {
	failed = 1 // Unless it comes to its end.
	defer contain()
	request := Request{
		Method: Text(method), URL: Text(url), Body: bytesOf(body, bodyLen), TimeoutMs: uint32(timeoutMs),
	}
	for ; ; headers += unsafe.Sizeof(headers) {
		text := *(*uintptr)(pointer(headers))
		if text == 0 {
			break
		}
		request.Headers = append(request.Headers, Text(text))
	}
	if find(userdata).Transport(request, response) {
		failed = 0
	}
	return failed
}

// contain stops a panic before it unwinds through C.
func contain() {
	_ = recover()
}

// A CallbackKind is one of the functions that C can be given.
type CallbackKind int

const (
	UserdataFree CallbackKind = iota
	OnLog
	OnBeforeSend
	OnDelivery
	OnTransport
	OnError
	OnDefinitionsGet
	OnDefinitionsPut
)

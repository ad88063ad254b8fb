package posthog

import (
	"context"
	"unsafe"

	"github.com/posthog/libposthog/bindings/go/internal/abi"
)

// WaitForFlags waits until flags can be evaluated in this process: until their definitions have been
// read, or loaded with LoadDefinitions. ErrUnsupported without WithSecretKey, ErrServer when PostHog
// refuses the key.
func (c *Client) WaitForFlags(ctx context.Context) error {
	return c.await(ctx, abi.FlagsWaitReady)
}

// RefreshFlags asks PostHog now whether there are newer definitions of flags, and waits for them.
// Whatever comes of it, definitions that were known before stay.
func (c *Client) RefreshFlags(ctx context.Context) error {
	return c.await(ctx, abi.FlagsRefresh)
}

// LoadDefinitions of flags: what SaveDefinitions gave. They count until a poll finds newer ones, so a
// process that starts while PostHog cannot be reached has its flags. ErrJSON for anything else.
func (c *Client) LoadDefinitions(definitions []byte) error {
	if !c.acquire() {
		return c.unavailable()
	}
	defer c.release()
	return check(abi.Status(abi.DefinitionsLoad, c.handle,
		uintptr(unsafe.Pointer(unsafe.SliceData(definitions))), uintptr(len(definitions))))
}

// SaveDefinitions gives the definitions of flags that this process uses now; nil when there are none.
// They say whom flags are released to: keep them as safe as that.
func (c *Client) SaveDefinitions() ([]byte, error) {
	if !c.acquire() {
		return nil, c.unavailable()
	}
	defer c.release()
	text := new(uintptr)
	if status := abi.Status(abi.DefinitionsSave, c.handle, uintptr(unsafe.Pointer(text))); status != 0 {
		return nil, Error(status)
	}
	if *text == 0 {
		return nil, nil
	}
	return []byte(abi.Owned(*text)), nil
}

// LoadDefinitionsFile is LoadDefinitions of what is in a file that SaveDefinitionsFile wrote. ErrFile
// when it cannot be read, such as in the first process.
func (c *Client) LoadDefinitionsFile(path string) error {
	return c.definitionsFile(abi.DefinitionsLoadFile, path)
}

// SaveDefinitionsFile writes the definitions that this process uses now into a file: replaced whole,
// and for its owner's eyes only. It waits for the disk. ErrUnsupported when there are none.
func (c *Client) SaveDefinitionsFile(path string) error {
	return c.definitionsFile(abi.DefinitionsSaveFile, path)
}

func (c *Client) definitionsFile(function abi.Function, path string) error {
	if !c.acquire() {
		return c.unavailable()
	}
	defer c.release()
	return check(abi.Status(function, c.handle, uintptr(unsafe.Pointer(cString(path)))))
}

// ExplainFlag tells how this process decides a flag: the path through its conditions, the properties
// that were looked at, and every reason why something could not be decided. It makes no request.
func (c *Client) ExplainFlag(distinctID, key string, options ...FlagOption) (string, error) {
	if !c.acquire() {
		return "", c.unavailable()
	}
	defer c.release()
	subject, err := newContext(options)
	if err != nil {
		return "", err
	}
	defer freeContext(subject)
	id, flag, text := cString(distinctID), cString(key), new(uintptr)
	status := abi.Status(abi.FlagExplain, c.handle, uintptr(unsafe.Pointer(id)),
		uintptr(unsafe.Pointer(flag)), subject, 0, uintptr(unsafe.Pointer(text)))
	if status != 0 {
		return "", Error(status)
	}
	return abi.Owned(*text), nil
}

// A DefinitionsCache shares definitions of flags between processes, so that a fleet reads them from
// PostHog once. It is called on the thread that polls, and never while a flag is evaluated. When it
// fails, or panics, this process reads by itself.
type DefinitionsCache interface {
	// Get is asked before each poll: for the text that Put was given, with UseDefinitions, or for whose
	// turn it is to read it from PostHog.
	Get() (definitions []byte, advice Advice, err error)
	// Put is told of the definitions after each poll that read them from PostHog, also when they are
	// unchanged, so that an entry that expires can be kept alive.
	Put(definitions []byte) error
}

// An Advice is what a DefinitionsCache has this process do. The numbers are those of
// ph_definitions_advice.
type Advice int32

const (
	FetchDefinitions Advice = iota // Read them from PostHog: it is this process's turn.
	UseDefinitions                 // Use those that Get returns.
	KeepDefinitions                // It is another's turn, and there are none that are newer than those here.
)

// WithDefinitionsCache shares definitions of flags. Without WithSecretKey only the cache is read.
func WithDefinitionsCache(cache DefinitionsCache) Option {
	return func(s *setup) {
		s.hooks.DefinitionsGet = func(definitions uintptr) int32 {
			text, advice, err := cache.Get()
			if err == nil && advice == UseDefinitions {
				err = check(abi.Status(abi.DefinitionsSet, definitions,
					uintptr(unsafe.Pointer(unsafe.SliceData(text))), uintptr(len(text))))
			}
			if err != nil {
				return -1
			}
			return int32(advice)
		}
		s.hooks.DefinitionsPut = func(text []byte) bool { return cache.Put(text) == nil }
	}
}

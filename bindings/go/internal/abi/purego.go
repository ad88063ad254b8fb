//go:build !cgo || posthog_purego

package abi

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"unsafe"

	"github.com/ebitengine/purego"
)

// Linked says how the library is linked.
const Linked = "purego"

// Variable names the environment variable that says which file the library is.
const Variable = "POSTHOG_LIBRARY"

var loaded string

// Call calls the function. An argument that is uintptr(unsafe.Pointer(p)) keeps what p points to
// alive and in its place.
//
//go:uintptrescapes
func Call(function Function, arguments ...uintptr) uintptr {
	result, _, _ := purego.SyscallN(addresses[function], arguments...)
	return result
}

// CaptureText is ph_capture_json.
func CaptureText(client uintptr, id, event string, properties []byte) int32 {
	return Status(CaptureJSON, client,
		uintptr(unsafe.Pointer(unsafe.StringData(id))), uintptr(len(id)),
		uintptr(unsafe.Pointer(unsafe.StringData(event))), uintptr(len(event)),
		uintptr(unsafe.Pointer(unsafe.SliceData(properties))), uintptr(len(properties)))
}

// origin of the library, for messages.
func origin() string {
	return loaded
}

// load opens the library. Its version is all that is looked up before it is known to be the right
// one: another version may not have all the functions.
func load() error {
	library, err := open()
	if err != nil {
		return err
	}
	for function := range functions {
		if function > phStatusText {
			if err := checkVersion(); err != nil {
				return err
			}
		}
		addresses[function], err = purego.Dlsym(library, names[function])
		if err != nil {
			return fmt.Errorf("posthog: %s is not libposthog: %w", loaded, err)
		}
	}
	return nil
}

// open looks where POSTHOG_LIBRARY says, or else beside the executable, or else where the system
// looks.
func open() (uintptr, error) {
	if file := os.Getenv(Variable); file != "" {
		library, err := openFile(file)
		if err != nil {
			err = fmt.Errorf("posthog: %s=%s cannot be loaded: %w", Variable, file, err)
		}
		return library, err
	}
	var problems []error
	for _, file := range candidates() {
		library, err := openFile(file)
		if err == nil {
			return library, nil
		}
		problems = append(problems, err)
	}
	return 0, fmt.Errorf("posthog: %s cannot be loaded; name its file in %s, put it beside the "+
		"executable, install it, or build with cgo: %w", name(), Variable, errors.Join(problems...))
}

func openFile(file string) (uintptr, error) {
	loaded = file
	return purego.Dlopen(file, purego.RTLD_NOW|purego.RTLD_LOCAL)
}

func candidates() []string {
	executable, err := os.Executable()
	if err != nil {
		return []string{name()}
	}
	beside := filepath.Join(filepath.Dir(executable), name())
	if _, err := os.Stat(beside); err != nil {
		return []string{name()}
	}
	return []string{beside}
}

// name of the library's file, with the major version: another one has another ABI.
func name() string {
	major, _, _ := strings.Cut(Version, ".")
	if runtime.GOOS == "darwin" {
		return "libposthog." + major + ".dylib"
	}
	return "libposthog.so." + major
}

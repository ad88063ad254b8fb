package posthog

import (
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
)

// framesMax is how many frames the library sends at most, the innermost.
const framesMax = 64

// callers of the function that calls this one; skip leaves out some of them, the innermost first.
func callers(skip int) []uintptr {
	addresses := make([]uintptr, framesMax)
	return addresses[:runtime.Callers(skip+3, addresses)]
}

// stackOf an error that brings its own, as those of common packages for errors do: return addresses,
// the innermost first.
func stackOf(err error) (addresses []uintptr) {
	defer func() {
		if recover() != nil {
			addresses = nil // A method of a nil pointer, perhaps: then it brings none.
		}
	}()
	switch err := err.(type) {
	case interface{ Callers() []uintptr }:
		return err.Callers()
	case interface{ StackTrace() []uintptr }:
		return err.StackTrace()
	}
	// pkg/errors has types of its own for the same: a slice of numbers.
	method := reflect.ValueOf(err).MethodByName("StackTrace")
	if !method.IsValid() || method.Type().NumIn() != 0 || method.Type().NumOut() != 1 {
		return nil
	}
	frames := method.Type().Out(0)
	if frames.Kind() != reflect.Slice || frames.Elem().Kind() != reflect.Uintptr {
		return nil
	}
	stack := method.Call(nil)[0]
	addresses = make([]uintptr, stack.Len())
	for i := range addresses {
		addresses[i] = uintptr(stack.Index(i).Uint())
	}
	return addresses
}

// resolve addresses to the frames of functions, inlined ones included, the innermost first.
func resolve(addresses []uintptr) []runtime.Frame {
	if len(addresses) == 0 {
		return nil
	}
	var resolved []runtime.Frame
	frames := runtime.CallersFrames(addresses)
	for {
		frame, more := frames.Next()
		if frame.Function != "" || frame.File != "" {
			resolved = append(resolved, frame)
		}
		if !more || len(resolved) == framesMax {
			return resolved
		}
	}
}

// panicked leaves the frames of the function that panicked and its callers, of the stack of a deferred
// function: what is below runtime.gopanic is the handling of the panic.
func panicked(frames []runtime.Frame) []runtime.Frame {
	for i, frame := range frames {
		if frame.Function == "runtime.gopanic" {
			frames = frames[i+1:]
			break
		}
	}
	// A nil pointer or a bad index panics inside the runtime.
	for len(frames) > 1 && strings.HasPrefix(frames[0].Function, "runtime.") {
		frames = frames[1:]
	}
	return frames
}

// frames in PostHog's format for Go, the outermost first.
func (e *encoder) frames(frames []runtime.Frame, rules []inAppRule) {
	e.text = append(e.text, '[')
	for i := len(frames) - 1; i >= 0; i-- {
		frame, first := &frames[i], true
		e.text = append(e.text, '{')
		for _, member := range [...]struct {
			key   string
			value any
		}{
			{"platform", "go"}, {"function", frame.Function}, {"filename", frame.File},
			{"lineno", frame.Line}, {"in_app", inApp(frame, rules)}, {"synthetic", false},
		} {
			e.key(member.key, &first)
			_ = e.value(member.value) // Texts, numbers and booleans always have JSON.
		}
		e.text = append(e.text, '}')
		if i > 0 {
			e.text = append(e.text, ',')
		}
	}
	e.text = append(e.text, ']')
}

// modules that this program is built from, as the linker noted them.
var modules = sync.OnceValue(func() (all struct {
	main  string
	other []string
}) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return
	}
	all.main = info.Main.Path
	for _, module := range info.Deps {
		all.other = append(all.other, module.Path)
	}
	return
})

// An inAppRule is what WithInApp says.
type inAppRule struct {
	prefix string
	inApp  bool
}

// inApp says whether a function is the program's own: as a rule says, or else not of the standard
// library, and of no other module than the main one.
func inApp(frame *runtime.Frame, rules []inAppRule) bool {
	path := packageOf(frame.Function)
	longest, own := -1, false
	for _, rule := range rules {
		fits := strings.HasPrefix(path, rule.prefix) || strings.HasPrefix(frame.File, rule.prefix)
		if fits && len(rule.prefix) > longest {
			longest, own = len(rule.prefix), rule.inApp
		}
	}
	if longest >= 0 {
		return own
	}
	all := modules()
	if path == "main" || within(path, all.main) {
		return true
	}
	for _, module := range all.other {
		if within(path, module) {
			return false
		}
	}
	// Files of the standard library are under GOROOT, or, with -trimpath, relative.
	return strings.HasPrefix(frame.File, "/") &&
		!strings.HasPrefix(frame.File, goroot()) &&
		!strings.Contains(frame.File, "/pkg/mod/") && !strings.Contains(frame.File, "/vendor/")
}

// goroot is where the standard library was when this program was compiled.
var goroot = sync.OnceValue(func() string {
	entry := reflect.ValueOf(runtime.GC).Pointer()
	file, _ := runtime.FuncForPC(entry).FileLine(entry)
	folder, _ := strings.CutSuffix(file, "runtime/mgc.go")
	if !strings.HasPrefix(folder, "/") {
		return "//" // With -trimpath there is no such folder.
	}
	return folder
})

// packageOf a function, e.g. example.com/shop/cart of example.com/shop/cart.(*Cart).Add.
func packageOf(function string) string {
	slash := strings.LastIndexByte(function, '/') + 1
	name, _, _ := strings.Cut(function[slash:], ".")
	return function[:slash] + name
}

func within(path, module string) bool {
	return module != "" && (path == module || strings.HasPrefix(path, module+"/"))
}

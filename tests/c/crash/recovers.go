// A program whose runtime makes a panic of a bad pointer, with the crash handler installed.
//
// recovers URL DIRECTORY recovers|dies
package main

/*
#include <posthog.h>
#include <stdlib.h>
*/
import "C"

import (
	"fmt"
	"os"
	"unsafe"
)

type thing struct{ field int }

var none *thing

func dereference() (outcome string) {
	defer func() {
		if what := recover(); what != nil {
			outcome = fmt.Sprint("recovered: ", what)
		}
	}()
	return fmt.Sprint(none.field)
}

func check(status C.ph_status) {
	if status != C.PH_OK {
		fmt.Println(C.GoString(C.ph_status_text(C.int32_t(status))))
		os.Exit(1)
	}
}

func main() {
	text := func(value string) *C.char { return C.CString(value) }
	config := C.ph_config_new(text("phc_test"))
	check(C.ph_config_set_host(config, text(os.Args[1])))
	check(C.ph_config_set_storage_dir(config, text(os.Args[2])))
	check(C.ph_config_set_crash_handler(config, true))
	client := (**C.ph_client)(C.calloc(1, C.size_t(unsafe.Sizeof(uintptr(0)))))
	check(C.ph_init(config, client))
	if os.Args[3] == "dies" {
		fmt.Println(none.field)
	}
	for i := 0; i < 100; i++ {
		done := make(chan string)
		go func() { done <- dereference() }()
		outcome := <-done
		if i == 0 {
			fmt.Println(outcome)
		}
	}
	check(C.ph_shutdown(*client, 5000))
}

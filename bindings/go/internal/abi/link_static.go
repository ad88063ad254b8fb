//go:build cgo && !posthog_purego && !posthog_system

package abi

// The archives come with the package, one for each target, and the header beside them. In the
// repository `make go` puts them there. On Linux there are two C libraries: `-tags musl` takes the
// archive for musl, as on Alpine.

/*
#cgo CFLAGS: -I${SRCDIR}/../../lib
#cgo linux,amd64,!musl LDFLAGS: ${SRCDIR}/../../lib/linux_amd64/libposthog.a
#cgo linux,arm64,!musl LDFLAGS: ${SRCDIR}/../../lib/linux_arm64/libposthog.a
#cgo linux,amd64,musl LDFLAGS: ${SRCDIR}/../../lib/linux_amd64_musl/libposthog.a
#cgo linux,arm64,musl LDFLAGS: ${SRCDIR}/../../lib/linux_arm64_musl/libposthog.a
#cgo darwin,amd64 LDFLAGS: ${SRCDIR}/../../lib/darwin_amd64/libposthog.a
#cgo darwin,arm64 LDFLAGS: ${SRCDIR}/../../lib/darwin_arm64/libposthog.a
#cgo linux LDFLAGS: -lgcc_s -lpthread -lm -ldl
#cgo darwin LDFLAGS: -framework CoreFoundation -framework Security -liconv
*/
import "C"

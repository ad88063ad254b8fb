//go:build cgo && !posthog_purego && posthog_system

package abi

// With `-tags posthog_system` the installed library is linked, which pkg-config finds.

// #cgo pkg-config: posthog
import "C"

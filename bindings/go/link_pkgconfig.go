//go:build adze_pkgconfig

package adze

// #cgo pkg-config: inference_engine
import "C"

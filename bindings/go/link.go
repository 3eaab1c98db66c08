//go:build !adze_pkgconfig

package adze

// #cgo LDFLAGS: -linference_engine
import "C"

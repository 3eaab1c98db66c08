// The C++ engine from Go by one function: the features go over as raw bytes, the score comes back. It is the shortest
// way; bindings/go is the one with errors, batches, cancellation and deadlines.
package main

/*
#cgo LDFLAGS: -linference_engine
#include "inference.h"
*/
import "C"

import "unsafe"

// Infer gives the score of one row of features, and NaN where there is none.
func Infer(features []float32) float32 {
	if len(features) == 0 {
		return float32(C.predict(nil, 0))
	}
	bytes := len(features) * int(unsafe.Sizeof(features[0]))
	return float32(C.predict((*C.char)(unsafe.Pointer(&features[0])), C.int(bytes)))
}

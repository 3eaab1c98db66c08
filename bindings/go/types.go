package adze

// #include "inference.h"
import "C"

// Type is the type of a tensor's elements, numbered as in ONNX.
type Type int

const (
	Float32  Type = C.INFERENCE_FLOAT
	Uint8    Type = C.INFERENCE_UINT8
	Int8     Type = C.INFERENCE_INT8
	Uint16   Type = C.INFERENCE_UINT16
	Int16    Type = C.INFERENCE_INT16
	Int32    Type = C.INFERENCE_INT32
	Int64    Type = C.INFERENCE_INT64
	Bool     Type = C.INFERENCE_BOOL
	Float16  Type = C.INFERENCE_FLOAT16
	Float64  Type = C.INFERENCE_DOUBLE
	Uint32   Type = C.INFERENCE_UINT32
	Uint64   Type = C.INFERENCE_UINT64
	BFloat16 Type = C.INFERENCE_BFLOAT16
)

func (t Type) String() string { return C.GoString(C.inference_type_name(C.inference_type(t))) }

// Size is the number of bytes that one element takes, 0 where adze can't store the type.
func (t Type) Size() int {
	if t < 0 || int(t) >= len(sizes) {
		return 0
	}
	return sizes[t]
}

// sizes saves every look at a tensor the crossing into C.
var sizes = func() (sizes [32]int) {
	for i := range sizes {
		sizes[i] = int(C.inference_type_bytes(C.inference_type(i)))
	}
	return
}()

// Port is an input or output as the model declares it.
type Port struct {
	Name string
	Type Type
	Dims []Dim // nil where the model leaves even the rank open
}

// Dim is a declared dimension.
type Dim struct {
	Size   int64  // -1 where it is symbolic
	Symbol string // may be empty then too
}

const maxRank = C.INFERENCE_MAX_RANK

func portOf(port *C.inference_port) Port {
	result := Port{Name: C.GoString(port.name), Type: Type(port._type)}
	if port.rank < 0 {
		return result
	}
	result.Dims = make([]Dim, port.rank)
	for i := range result.Dims {
		result.Dims[i].Size = int64(port.dims[i])
		if port.symbols[i] != nil {
			result.Dims[i].Symbol = C.GoString(port.symbols[i])
		}
	}
	return result
}

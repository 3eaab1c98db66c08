package adze

// #include "inference.h"
import "C"

import (
	"fmt"
	"math"
	"runtime"
	"unsafe"
)

// Tensor is an input: a shape, and memory of the library that holds its elements. It may be filled and run again and
// again, by one goroutine at a time.
type Tensor struct {
	described C.inference_tensor
	capacity  int
}

// NewTensor makes a tensor of zeros.
func NewTensor(elements Type, dims ...int64) (*Tensor, error) {
	t := &Tensor{}
	t.described._type = C.inference_type(elements)
	if err := t.Reshape(dims...); err != nil {
		return nil, err
	}
	runtime.SetFinalizer(t, (*Tensor).Close)
	return t, nil
}

// NewTensor makes a tensor for input i: the shape that the model declares, with the first dimension, where that is
// symbolic or 1, becoming rows, and every other symbolic one 1.
func (m *Model) NewTensor(i int, rows int64) (*Tensor, error) {
	if i < 0 || i >= len(m.inputs) {
		return nil, badInput(fmt.Sprintf("the model has %d inputs, asked for %d", len(m.inputs), i))
	}
	port := m.inputs[i]
	if port.Dims == nil {
		return nil, badInput(fmt.Sprintf("input %q declares no shape", port.Name))
	}
	if rows < 1 {
		return nil, badInput(fmt.Sprintf("input %q: a batch of %d rows", port.Name, rows))
	}
	dims := make([]int64, len(port.Dims))
	for axis, dim := range port.Dims {
		dims[axis] = dim.Size
		if dim.Size < 0 {
			dims[axis] = 1
		}
	}
	if len(dims) > 0 && dims[0] == 1 {
		dims[0] = rows
	}
	return NewTensor(port.Type, dims...)
}

// Reshape changes the shape; the memory is kept where it is large enough, and what it holds is then unspecified.
func (t *Tensor) Reshape(dims ...int64) error {
	size := Type(t.described._type).Size()
	if size == 0 || len(dims) > maxRank {
		return badInput(fmt.Sprintf("no tensor of type %v and rank %d", Type(t.described._type), len(dims)))
	}
	bytes := int64(size)
	for _, dim := range dims {
		if dim < 0 || dim > 0 && bytes > math.MaxInt64/dim {
			return badInput(fmt.Sprintf("no tensor of shape %v", dims))
		}
		bytes *= dim
	}
	if t.described.data == nil || bytes > int64(t.capacity) {
		data := C.inference_buffer_new(C.size_t(bytes))
		if data == nil {
			return &Error{ResourceLimit, fmt.Sprintf("no memory for a tensor of %d bytes", bytes)}
		}
		C.inference_buffer_free(t.described.data)
		t.described.data = data
		t.capacity = int(bytes)
	}
	t.described.bytes = C.size_t(bytes)
	t.described.rank = C.int32_t(len(dims))
	for axis, dim := range dims {
		t.described.dims[axis] = C.int64_t(dim)
	}
	return nil
}

// Close frees the memory. Slices of it must not be used any more. A tensor that is forgotten is closed by the garbage
// collector.
func (t *Tensor) Close() error {
	C.inference_buffer_free(t.described.data)
	t.described.data = nil
	t.described.bytes = 0
	t.capacity = 0
	runtime.SetFinalizer(t, nil)
	return nil
}

// Type is the type of the elements.
func (t *Tensor) Type() Type { return Type(t.described._type) }

// Dims is the shape.
func (t *Tensor) Dims() []int64 { return dimsOf(&t.described) }

// Bytes is the tensor's memory, whatever its type. The tensor must be kept alive while the slice is used, as by a deferred
// Close.
func (t *Tensor) Bytes() []byte { return bytesOf(&t.described) }

// Floats is the memory of a Float32 tensor; nil for other types.
func (t *Tensor) Floats() []float32 { return floatsOf(&t.described) }

// Element is what a tensor's memory may be seen as.
type Element interface {
	~float32 | ~float64 | ~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~bool
}

// Elements is the tensor's memory as a slice of T; nil where T has another size than the tensor's elements.
func Elements[T Element](t *Tensor) []T { return elementsOf[T](&t.described) }

func dimsOf(t *C.inference_tensor) []int64 {
	dims := make([]int64, t.rank)
	for axis := range dims {
		dims[axis] = int64(t.dims[axis])
	}
	return dims
}

func bytesOf(t *C.inference_tensor) []byte {
	if t.data == nil || t.bytes == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(t.data), int(t.bytes))
}

func floatsOf(t *C.inference_tensor) []float32 {
	if Type(t._type) != Float32 {
		return nil
	}
	return elementsOf[float32](t)
}

func elementsOf[T Element](t *C.inference_tensor) []T {
	var one T
	size := int(unsafe.Sizeof(one))
	if t.data == nil || t.bytes == 0 || Type(t._type).Size() != size {
		return nil
	}
	return unsafe.Slice((*T)(t.data), int(t.bytes)/size)
}

package adze

// #include "inference.h"
import "C"

import (
	"context"
	"fmt"
	"runtime"
)

// Run infers on one tensor for each input. When ctx ends first, Run returns ctx.Err(), or context.DeadlineExceeded. The
// result must be closed, as it holds a session of the pool.
func (m *Model) Run(ctx context.Context, inputs ...*Tensor) (*Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(inputs) != len(m.inputs) {
		return nil, badInput(fmt.Sprintf("the model has %d inputs, not %d", len(m.inputs), len(inputs)))
	}
	for i, input := range inputs {
		if input == nil || input.described.bytes == 0 {
			return nil, badInput(fmt.Sprintf("input %q is empty", m.inputs[i].Name))
		}
	}
	s, err := m.take()
	if err != nil {
		return nil, err
	}
	for i, input := range inputs {
		s.inputs[i] = input.described
	}
	err = s.run(ctx)
	runtime.KeepAlive(inputs)
	if err != nil {
		m.giveBack(s)
		return nil, err
	}
	result := &Result{model: m, session: s}
	runtime.SetFinalizer(result, (*Result).Close)
	return result, nil
}

// Predict infers on rows of features, one behind the other, and gives the values of output 0, row after row. It is for
// models with one input of Float32 and a first output of Float32.
func (m *Model) Predict(ctx context.Context, features []float32) ([]float32, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(m.inputs) != 1 || m.inputs[0].Type != Float32 || len(m.outputs) == 0 || m.outputs[0].Type != Float32 {
		return nil, badInput("Predict takes models with one input of floats and a first output of floats")
	}
	if len(features) == 0 {
		return nil, badInput(fmt.Sprintf("input %q is empty", m.inputs[0].Name))
	}
	s, err := m.take()
	if err != nil {
		return nil, err
	}
	defer m.giveBack(s)
	if err := m.fillRow(s, features); err != nil {
		return nil, err
	}
	if err := s.run(ctx); err != nil {
		return nil, err
	}
	return append([]float32(nil), floatsOf(&s.outputs[0])...), nil
}

// fillRow copies features into the session's own tensor.
func (m *Model) fillRow(s *session, features []float32) error {
	if s.row == nil {
		row, err := m.NewTensor(0, 1)
		if err != nil {
			return err
		}
		s.row = row
	}
	declared := m.inputs[0].Dims
	dims := make([]int64, len(declared), maxRank)
	batched := len(declared) > 0 && (declared[0].Size < 0 || declared[0].Size == 1)
	size := 1
	for axis, dim := range declared {
		dims[axis] = dim.Size
		if dim.Size < 0 {
			dims[axis] = 1
		}
		size *= int(dims[axis])
	}
	if size <= 0 || len(features)%size != 0 || !batched && len(features) != size {
		return badInput(fmt.Sprintf("input %q: %d values are not rows of %d", m.inputs[0].Name, len(features), size))
	}
	if batched {
		dims[0] = int64(len(features) / size)
	}
	if err := s.row.Reshape(dims...); err != nil {
		return err
	}
	copy(s.row.Floats(), features)
	s.inputs[0] = s.row.described
	return nil
}

// Result is what Run gave, in memory of the session that it holds.
type Result struct {
	model   *Model
	session *session
}

// Close gives the session back. Slices of the result must not be used any more. A result that is forgotten is closed by
// the garbage collector.
func (r *Result) Close() error {
	if r.session != nil {
		r.model.giveBack(r.session)
		r.session = nil
		runtime.SetFinalizer(r, nil)
	}
	return nil
}

// Type is the element type of output i.
func (r *Result) Type(i int) Type { return Type(r.output(i)._type) }

// Dims is the shape of output i.
func (r *Result) Dims(i int) []int64 { return dimsOf(r.output(i)) }

// Bytes is the memory of output i, valid until the result is closed; not to be written to.
func (r *Result) Bytes(i int) []byte { return bytesOf(r.output(i)) }

// Floats is the memory of output i where that is of Float32; nil for other types.
func (r *Result) Floats(i int) []float32 { return floatsOf(r.output(i)) }

// Output is output i of r as a slice of T; nil where T has another size than its elements.
func Output[T Element](r *Result, i int) []T { return elementsOf[T](r.output(i)) }

// output panics for an output that the model doesn't have, like a slice; a closed result's are empty.
func (r *Result) output(i int) *C.inference_tensor {
	if r.session == nil {
		return &C.inference_tensor{}
	}
	return &r.session.outputs[i]
}

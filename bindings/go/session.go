package adze

/*
#include <stdlib.h>
#include "inference.h"
*/
import "C"

import (
	"context"
	"time"
	"unsafe"
)

// session is a C session with what its calls need, all in C memory, so that a call hands over no Go pointer.
type session struct {
	handle          *C.inference_session
	inputs, outputs []C.inference_tensor
	stop            chan struct{} // joins the goroutine that watches a context
	row             *Tensor       // of Predict
}

func newSession(model *C.inference_model, threads, inputs, outputs int) (*session, error) {
	var how C.inference_session_options
	how.struct_size = C.size_t(unsafe.Sizeof(how))
	how.threads = C.int32_t(threads)
	var handle *C.inference_session
	if status := C.inference_session_open(model, &how, &handle); status != C.INFERENCE_OK {
		defer C.inference_session_close(handle)
		return nil, &Error{Status(status), C.GoString(C.inference_session_error(handle))}
	}
	return &session{handle: handle, inputs: newDescriptors(inputs), outputs: newDescriptors(outputs),
		stop: make(chan struct{})}, nil
}

func newDescriptors(n int) []C.inference_tensor {
	var one C.inference_tensor
	memory := C.calloc(C.size_t(n)+1, C.size_t(unsafe.Sizeof(one))) // cgo's calloc never fails
	return unsafe.Slice((*C.inference_tensor)(memory), n+1)[:n]
}

func freeDescriptors(descriptors []C.inference_tensor) {
	C.free(unsafe.Pointer(&descriptors[:1][0]))
}

func (s *session) close() {
	C.inference_session_close(s.handle)
	freeDescriptors(s.inputs)
	freeDescriptors(s.outputs)
	if s.row != nil {
		s.row.Close()
	}
	s.handle, s.inputs, s.outputs, s.row = nil, nil, nil, nil
}

// run infers on s.inputs; afterwards s.outputs are described.
func (s *session) run(ctx context.Context) error {
	timeout := C.int64_t(C.INFERENCE_NO_TIMEOUT)
	if deadline, ok := ctx.Deadline(); ok {
		left := time.Until(deadline)
		if left <= 0 {
			return context.DeadlineExceeded
		}
		timeout = C.int64_t(left)
	}
	if ctx.Done() != nil {
		go s.watch(ctx)
	}
	status := C.inference_session_infer(s.handle, &s.inputs[:1][0], C.size_t(len(s.inputs)), &s.outputs[:1][0],
		C.size_t(len(s.outputs)), timeout)
	if ctx.Done() != nil {
		s.stop <- struct{}{}
		if ctx.Err() != nil {
			C.inference_session_uncancel(s.handle) // the request may have come after the run
		}
	}
	switch status {
	case C.INFERENCE_OK:
		return nil
	case C.INFERENCE_TIMED_OUT:
		return context.DeadlineExceeded // which ctx may not have noticed yet
	case C.INFERENCE_CANCELLED:
		return ctx.Err()
	}
	return &Error{Status(status), C.GoString(C.inference_session_error(s.handle))}
}

// watch stops the run when ctx ends. Once s.stop was received, the session is the caller's alone again.
func (s *session) watch(ctx context.Context) {
	select {
	case <-ctx.Done():
		C.inference_session_cancel(s.handle)
		<-s.stop
	case <-s.stop:
	}
}

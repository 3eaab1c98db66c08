package adze

/*
#include <stdlib.h>
#include "inference.h"
*/
import "C"

import (
	"runtime"
	"sync"
	"unsafe"
)

// Options of a model. The zero value, like nil, stands for the defaults.
type Options struct {
	MaxMemory  uint64 // bytes of weights, arena and constants together; 0: 2 GiB
	Raw        bool   // only the passes that kernels can't do without
	NoWinograd bool   // every convolution is summed up directly
	Threads    int    // that share each run; 0: 1, which serves many concurrent calls best; -1: one per usable CPU
	MaxIdle    int    // sessions kept for the next calls; 0: 64
}

// Model is a loaded model with a pool of sessions. Its methods may be called by any number of goroutines at once.
type Model struct {
	inputs, outputs []Port
	threads         int
	maxIdle         int

	mutex  sync.Mutex
	handle *C.inference_model // nil once closed
	idle   []*session         // the most recently used last
}

// Open reads a model from a file, which must not be written to while the model is open.
func Open(path string, options *Options) (*Model, error) {
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	return open(options, func(how *C.inference_model_options, handle **C.inference_model) C.inference_status {
		return C.inference_model_open(name, how, handle)
	})
}

// OpenBytes reads a model from memory; name stands for the file in messages.
func OpenBytes(bytes []byte, name string, options *Options) (*Model, error) {
	if len(bytes) == 0 {
		return nil, badInput(name + ": no bytes were given")
	}
	cname := C.CString(name)
	defer C.free(unsafe.Pointer(cname))
	return open(options, func(how *C.inference_model_options, handle **C.inference_model) C.inference_status {
		return C.inference_model_open_memory(unsafe.Pointer(&bytes[0]), C.size_t(len(bytes)), cname, how, handle)
	})
}

func open(options *Options, load func(*C.inference_model_options, **C.inference_model) C.inference_status) (*Model, error) {
	if options == nil {
		options = &Options{}
	}
	how := C.inference_model_options{max_memory: C.uint64_t(options.MaxMemory)}
	how.struct_size = C.size_t(unsafe.Sizeof(how))
	if options.Raw {
		how.flags |= C.INFERENCE_RAW
	}
	if options.NoWinograd {
		how.flags |= C.INFERENCE_NO_WINOGRAD
	}
	m := &Model{threads: options.Threads, maxIdle: options.MaxIdle}
	switch {
	case m.threads == 0:
		m.threads = 1
	case m.threads == -1:
		m.threads = 0
	}
	if m.maxIdle == 0 {
		m.maxIdle = 64
	}
	var handle *C.inference_model
	if status := load(&how, &handle); status != C.INFERENCE_OK {
		defer C.inference_model_close(handle)
		return nil, &Error{Status(status), C.GoString(C.inference_model_error(handle))}
	}
	m.handle = handle
	var port C.inference_port
	port.struct_size = C.size_t(unsafe.Sizeof(port))
	for i := C.size_t(0); i < C.inference_model_input_count(handle); i++ {
		C.inference_model_input(handle, i, &port)
		m.inputs = append(m.inputs, portOf(&port))
	}
	for i := C.size_t(0); i < C.inference_model_output_count(handle); i++ {
		C.inference_model_output(handle, i, &port)
		m.outputs = append(m.outputs, portOf(&port))
	}
	runtime.SetFinalizer(m, (*Model).Close)
	return m, nil
}

// Inputs are the model's inputs, in the order of Run's tensors. Not to be changed.
func (m *Model) Inputs() []Port { return m.inputs }

// Outputs are the model's outputs. Not to be changed.
func (m *Model) Outputs() []Port { return m.outputs }

// Close lets go of the model and its idle sessions. Calls of Run in progress finish, and results stay valid until they
// are closed; later calls of Run fail.
func (m *Model) Close() error {
	m.mutex.Lock()
	handle, idle := m.handle, m.idle
	m.handle, m.idle = nil, nil
	m.mutex.Unlock()
	for _, s := range idle {
		s.close()
	}
	C.inference_model_close(handle)
	runtime.SetFinalizer(m, nil)
	return nil
}

// take gives an idle session or a new one.
func (m *Model) take() (*session, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.handle == nil {
		return nil, badInput("the model is closed")
	}
	if n := len(m.idle); n > 0 {
		s := m.idle[n-1]
		m.idle = m.idle[:n-1]
		return s, nil
	}
	return newSession(m.handle, m.threads, len(m.inputs), len(m.outputs))
}

func (m *Model) giveBack(s *session) {
	m.mutex.Lock()
	keep := m.handle != nil && len(m.idle) < m.maxIdle
	if keep {
		m.idle = append(m.idle, s)
	}
	m.mutex.Unlock()
	if !keep {
		s.close()
	}
}

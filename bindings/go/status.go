package adze

// #include "inference.h"
import "C"

// Status is the kind of an Error.
type Status int

const (
	BadInput      Status = C.INFERENCE_BAD_INPUT      // arguments or tensors that don't fit the model, or an unreadable file
	InvalidModel  Status = C.INFERENCE_INVALID_MODEL  // not a well-formed model
	Unsupported   Status = C.INFERENCE_UNSUPPORTED    // well-formed, but outside what adze runs
	ResourceLimit Status = C.INFERENCE_RESOURCE_LIMIT // memory or threads
	Internal      Status = C.INFERENCE_INTERNAL
)

func (s Status) String() string { return C.GoString(C.inference_status_name(C.inference_status(s))) }

// Error is a failure that the library reports. errors.Is finds it by its Status.
type Error struct {
	Status Status
	Text   string
}

func (e *Error) Error() string { return "adze: " + e.Text }

// Is tells errors.Is that a Status matches each Error of its kind.
func (e *Error) Is(target error) bool {
	status, ok := target.(Status)
	return ok && status == e.Status
}

// Error makes a Status something that errors.Is can look for.
func (s Status) Error() string { return "adze: " + s.String() }

func badInput(text string) error { return &Error{BadInput, text} }

// Version is the version of the library that was loaded.
func Version() string { return C.GoString(C.inference_version()) }

// ISA is the instruction set that its kernels use.
func ISA() string { return C.GoString(C.inference_isa()) }

// ABIVersion is the number in the library's SONAME.
func ABIVersion() int { return int(C.inference_abi_version()) }

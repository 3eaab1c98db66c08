// Package adze runs ONNX models through libinference_engine.
//
//	model, err := adze.Open("model.onnx", nil)
//	...
//	defer model.Close()
//	tensor, err := model.NewTensor(0, 8) // a batch of eight for input 0
//	...
//	defer tensor.Close()
//	copy(tensor.Floats(), rows)
//	result, err := model.Run(ctx, tensor)
//	...
//	defer result.Close()
//	use(result.Floats(0))
//
// A Model may be used by any number of goroutines at once: each call of Run takes a session from the model's pool, and
// crosses into C once, however many rows the tensors hold. Tensors live in memory of the library, so that nothing is
// copied on the way. When ctx ends, the running kernel is told to stop, and Run returns ctx.Err().
//
// # Building
//
// cgo must find inference.h and the library: from an installed tree by PKG_CONFIG_PATH (-tags adze_pkgconfig), elsewhere
// by CGO_CFLAGS=-I... and CGO_LDFLAGS=-L....
package adze

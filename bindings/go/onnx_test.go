package adze

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand"
)

// Just enough of the ONNX wire format to make models of products.

func field(number, wire int, value uint64) []byte {
	var out []byte
	out = appendVarint(out, uint64(number<<3|wire))
	return appendVarint(out, value)
}

func appendVarint(out []byte, v uint64) []byte {
	for ; v >= 0x80; v >>= 7 {
		out = append(out, byte(v)|0x80)
	}
	return append(out, byte(v))
}

func message(number int, parts ...[]byte) []byte {
	var body []byte
	for _, part := range parts {
		body = append(body, part...)
	}
	return append(field(number, 2, uint64(len(body))), body...)
}

func text(number int, s string) []byte { return message(number, []byte(s)) }

// valueInfo of field `number`: floats [n, size], n symbolic.
func valueInfo(number int, name string, size int) []byte {
	shape := message(2, message(1, text(2, "n")), message(1, field(1, 0, uint64(size))))
	return message(number, text(1, name), message(2, message(1, field(1, 0, 1), shape)))
}

// productsModel multiplies [n, size] by the same square matrix again and again.
func productsModel(size, products int) []byte {
	random := rand.New(rand.NewSource(1))
	weights := make([]byte, 4*size*size)
	for i := 0; i < size*size; i++ {
		binary.LittleEndian.PutUint32(weights[4*i:], math.Float32bits((random.Float32()-0.5)/float32(size)))
	}
	graph := [][]byte{text(2, "products")}
	from := "x"
	for i := 1; i <= products; i++ {
		to := fmt.Sprintf("v%d", i)
		if i == products {
			to = "y"
		}
		graph = append(graph, message(1, text(1, from), text(1, "w"), text(2, to), text(4, "MatMul")))
		from = to
	}
	initializer := message(5, field(1, 0, uint64(size)), field(1, 0, uint64(size)), field(2, 0, 1), text(8, "w"), message(9, weights))
	graph = append(graph, initializer, valueInfo(11, "x", size), valueInfo(12, "y", size))
	model := append(field(1, 0, 8), message(7, graph...)...)
	return append(model, message(8, field(2, 0, 17))...)
}

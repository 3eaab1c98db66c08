package adze

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"strings"
	"sync"
	"testing"
)

const tumour = "../../examples/tabular/tumour.onnx"

func mustOpen(t testing.TB, path string) *Model {
	t.Helper()
	model, err := Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { model.Close() })
	return model
}

// samples are the rows beside the tumour model, and whether each is malignant by its label.
func samples(t testing.TB) (rows []float32, labels []string) {
	t.Helper()
	raw, err := os.ReadFile("../../examples/tabular/samples.npy")
	if err != nil {
		t.Fatal(err)
	}
	raw = raw[10+binary.LittleEndian.Uint16(raw[8:]):]
	rows = make([]float32, len(raw)/4)
	for i := range rows {
		rows[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	text, err := os.ReadFile("../../examples/tabular/samples.labels.txt")
	if err != nil {
		t.Fatal(err)
	}
	return rows, strings.Fields(string(text))
}

func TestPredictGivesTheLabelsOfRealSamples(t *testing.T) {
	model := mustOpen(t, tumour)
	rows, labels := samples(t)
	scores, err := model.Predict(context.Background(), rows)
	if err != nil {
		t.Fatal(err)
	}
	if len(scores) != len(labels) || len(labels) == 0 {
		t.Fatalf("%d scores for %d samples", len(scores), len(labels))
	}
	right := 0
	for i, label := range labels {
		if (scores[i] > 0.5) == (label == "1") {
			right++
		}
		alone, err := model.Predict(context.Background(), rows[30*i:30*i+30])
		if err != nil || len(alone) != 1 || alone[0] != scores[i] {
			t.Errorf("row %d alone: %v, %v, in the batch: %v", i, alone, err, scores[i])
		}
	}
	if 10*right < 9*len(labels) {
		t.Errorf("%d of %d labels are right", right, len(labels))
	}
}

func TestRunReadsAndWritesTheLibrarysMemory(t *testing.T) {
	model := mustOpen(t, tumour)
	rows, labels := samples(t)
	input, err := model.NewTensor(0, int64(len(labels)))
	if err != nil {
		t.Fatal(err)
	}
	defer input.Close()
	if len(input.Floats()) != len(rows) {
		t.Fatalf("the tensor holds %d values", len(input.Floats()))
	}
	copy(input.Floats(), rows)
	want, err := model.Predict(context.Background(), rows)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < 3; i++ {
		result, err := model.Run(context.Background(), input)
		if err != nil {
			t.Fatal(err)
		}
		got := result.Floats(0)
		if len(got) != len(want) || result.Type(0) != Float32 || result.Dims(0)[0] != int64(len(labels)) {
			t.Fatalf("%d values of %v, dims %v", len(got), result.Type(0), result.Dims(0))
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("row %d: %v, not %v", i, got[i], want[i])
			}
		}
		if Output[int64](result, 0) != nil || len(Output[uint32](result, 0)) != len(want) {
			t.Error("an output seen as elements of another size")
		}
		result.Close()
		result.Close()
		if result.Floats(0) != nil {
			t.Error("a closed result holds values")
		}
	}
}

func TestPortsAreDescribed(t *testing.T) {
	model, err := OpenBytes(productsModel(4, 2), "products", &Options{Threads: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	in, out := model.Inputs(), model.Outputs()
	if len(in) != 1 || len(out) != 1 || in[0].Name != "x" || out[0].Name != "y" || in[0].Type != Float32 {
		t.Fatalf("inputs %+v, outputs %+v", in, out)
	}
	if d := in[0].Dims; len(d) != 2 || d[0] != (Dim{-1, "n"}) || d[1] != (Dim{4, ""}) {
		t.Errorf("dims %+v", d)
	}
	if Float32.String() != "float" || Version() == "" || ISA() == "" {
		t.Errorf("%v, version %q, ISA %q", Float32, Version(), ISA())
	}
}

func TestErrorsAreValues(t *testing.T) {
	if _, err := Open("/nowhere.onnx", nil); !errors.Is(err, BadInput) || !strings.Contains(err.Error(), "/nowhere.onnx") {
		t.Errorf("no file: %v", err)
	}
	if _, err := OpenBytes([]byte("no model"), "words", nil); !errors.Is(err, InvalidModel) || errors.Is(err, BadInput) {
		t.Errorf("no model: %v", err)
	}
	if _, err := OpenBytes(nil, "nothing", nil); !errors.Is(err, BadInput) {
		t.Errorf("no bytes: %v", err)
	}
	unknown := bytes.Replace(productsModel(4, 2), []byte("MatMul"), []byte("MutMal"), 1)
	var failure *Error
	if _, err := OpenBytes(unknown, "unknown", nil); !errors.As(err, &failure) || failure.Status != Unsupported {
		t.Errorf("unknown operator: %v", err)
	}
	if _, err := Open(tumour, &Options{Threads: 100000}); err != nil {
		t.Errorf("threads are a session's: %v", err)
	}
}

func TestEmptyAndWrongInputsAreRefused(t *testing.T) {
	ctx := context.Background()
	model := mustOpen(t, tumour)
	for _, features := range [][]float32{nil, {}, make([]float32, 29), make([]float32, 31), make([]float32, 45)} {
		if _, err := model.Predict(ctx, features); !errors.Is(err, BadInput) {
			t.Errorf("%d features: %v", len(features), err)
		}
	}
	empty, err := NewTensor(Float32, 0, 30)
	if err != nil {
		t.Fatal(err)
	}
	defer empty.Close()
	wrong, err := NewTensor(Int64, 1, 30)
	if err != nil {
		t.Fatal(err)
	}
	defer wrong.Close()
	for name, inputs := range map[string][]*Tensor{"none": {}, "nil": {nil}, "empty": {empty}, "wrong": {wrong}, "two": {wrong, wrong}} {
		if _, err := model.Run(ctx, inputs...); !errors.Is(err, BadInput) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, dims := range [][]int64{{-1}, {math.MaxInt64, 2}, {1, 1, 1, 1, 1, 1, 1, 1, 1}} {
		if _, err := NewTensor(Float32, dims...); !errors.Is(err, BadInput) {
			t.Errorf("shape %v: %v", dims, err)
		}
	}
	if _, err := model.NewTensor(0, 0); !errors.Is(err, BadInput) {
		t.Errorf("no rows: %v", err)
	}
	if _, err := model.NewTensor(1, 1); !errors.Is(err, BadInput) {
		t.Errorf("no such input: %v", err)
	}
	closed, _ := Open(tumour, nil)
	closed.Close()
	closed.Close()
	if _, err := closed.Predict(ctx, make([]float32, 30)); !errors.Is(err, BadInput) {
		t.Errorf("closed: %v", err)
	}
}

func TestManyGoroutinesShareAModel(t *testing.T) {
	model := mustOpen(t, tumour)
	rows, labels := samples(t)
	want, err := model.Predict(context.Background(), rows)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for g := 0; g < 16; g++ {
		group.Add(1)
		go func(g int) {
			defer group.Done()
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			for i := 0; i < 50; i++ {
				row := (g + i) % len(labels)
				got, err := model.Predict(ctx, rows[30*row:30*row+30])
				if err != nil || got[0] != want[row] {
					t.Errorf("row %d: %v, %v, not %v", row, got, err, want[row])
				}
			}
		}(g)
	}
	group.Wait()
}

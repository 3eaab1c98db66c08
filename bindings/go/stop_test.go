package adze

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// longRun is a model and an input that take long enough to be stopped on their way.
func longRun(t *testing.T) (*Model, *Tensor) {
	t.Helper()
	model, err := OpenBytes(productsModel(512, 16), "products", nil)
	if err != nil {
		t.Fatal(err)
	}
	input, err := model.NewTensor(0, 1024)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		input.Close()
		model.Close()
	})
	return model, input
}

func runOnce(t *testing.T, model *Model, input *Tensor) time.Duration {
	t.Helper()
	start := time.Now()
	result, err := model.Run(context.Background(), input)
	if err != nil {
		t.Fatal(err)
	}
	result.Close()
	return time.Since(start)
}

func TestCancellationReachesTheRun(t *testing.T) {
	model, input := longRun(t)
	whole := runOnce(t, model, input)
	for _, part := range []time.Duration{16, 8, 4} {
		ctx, cancel := context.WithCancel(context.Background())
		timer := time.AfterFunc(whole/part, cancel)
		if _, err := model.Run(ctx, input); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled after 1/%d of a run: %v", part, err)
		}
		timer.Stop()
		cancel()
		runOnce(t, model, input) // the session went back unharmed
	}
}

func TestTheDeadlineReachesTheRun(t *testing.T) {
	model, input := longRun(t)
	whole := runOnce(t, model, input)
	ctx, cancel := context.WithTimeout(context.Background(), whole/8)
	defer cancel()
	if _, err := model.Run(ctx, input); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	runOnce(t, model, input)
	if _, err := model.Run(ctx, input); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a context that was over: %v", err)
	}
	far, cancelFar := context.WithTimeout(context.Background(), time.Hour)
	defer cancelFar()
	result, err := model.Run(far, input)
	if err != nil {
		t.Fatal(err)
	}
	result.Close()
}

// status reads a number of /proc/self/status.
func status(t *testing.T, field string) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip(err)
	}
	for _, line := range strings.Split(string(text), "\n") {
		if words := strings.Fields(line); len(words) > 1 && words[0] == field+":" {
			number, err := strconv.Atoi(words[1])
			if err != nil {
				t.Fatal(err)
			}
			return number
		}
	}
	t.Fatalf("no %s", field)
	return 0
}

func TestNeitherGoroutinesNorThreadsNorMemoryLeak(t *testing.T) {
	rows, _ := samples(t)
	cycle := func() {
		model, err := Open(tumour, &Options{Threads: 2})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		if _, err := model.Predict(ctx, rows); err != nil {
			t.Fatal(err)
		}
		cancel()
		if _, err := model.Predict(ctx, rows); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if len(model.idle) != 1 {
			t.Fatalf("%d idle sessions after calls that came one by one", len(model.idle))
		}
		model.Close()
	}
	for i := 0; i < 100; i++ {
		cycle()
	}
	runtime.GC()
	goroutines, threads, kilobytes := runtime.NumGoroutine(), status(t, "Threads"), status(t, "VmRSS")
	for i := 0; i < 400; i++ {
		cycle()
	}
	runtime.GC()
	if n := runtime.NumGoroutine(); n > goroutines {
		t.Errorf("goroutines grew from %d to %d", goroutines, n)
	}
	if n := status(t, "Threads"); n > threads+4 { // Go may start some of its own
		t.Errorf("threads grew from %d to %d", threads, n)
	}
	if n := status(t, "VmRSS"); n > kilobytes+8<<10 {
		t.Errorf("resident memory grew from %d to %d kB", kilobytes, n)
	}
}

func TestWhatIsForgottenIsCollected(t *testing.T) {
	rows, _ := samples(t)
	threads := status(t, "Threads")
	for i := 0; i < 20; i++ {
		func() {
			model, err := Open(tumour, &Options{Threads: 2})
			if err != nil {
				t.Fatal(err)
			}
			input, err := model.NewTensor(0, 1)
			if err != nil {
				t.Fatal(err)
			}
			copy(input.Floats(), rows)
			if _, err := model.Run(context.Background(), input); err != nil {
				t.Fatal(err)
			}
		}()
	}
	for i := 0; i < 100 && status(t, "Threads") > threads+8; i++ {
		runtime.GC()
		time.Sleep(10 * time.Millisecond)
	}
	if n := status(t, "Threads"); n > threads+8 {
		t.Errorf("threads grew from %d to %d: sessions of forgotten results stay", threads, n)
	}
}

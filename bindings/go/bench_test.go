package adze

import (
	"context"
	"testing"
)

// What crossing into C costs by itself: the call returns a constant.
func BenchmarkCrossing(b *testing.B) {
	for i := 0; i < b.N; i++ {
		ABIVersion()
	}
}

func benchmarkPredict(b *testing.B, ctx context.Context) {
	model := mustOpen(b, tumour)
	rows, _ := samples(b)
	b.ReportAllocs()
	for i := 0; i < b.N; i++ {
		if _, err := model.Predict(ctx, rows[:30]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPredict(b *testing.B) { benchmarkPredict(b, context.Background()) }

func BenchmarkPredictWithACancellableContext(b *testing.B) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	benchmarkPredict(b, ctx)
}

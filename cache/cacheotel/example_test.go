package cacheotel_test

import (
	"context"
	"fmt"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/cache/cacheotel"
	"github.com/freshet-go/freshet/tiered"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

func Example() {
	ctx := context.Background()
	store, err := tiered.Open(tiered.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()

	spans := tracetest.NewInMemoryExporter() // in a program: an exporter of OTLP
	traces := trace.NewTracerProvider(trace.WithSyncer(spans))
	defer traces.Shutdown(ctx)
	telemetry, err := cacheotel.New(cacheotel.Options{Store: store, TracerProvider: traces, MeterProvider: metric.NewMeterProvider()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer telemetry.Close()

	squares := cache.Must(cache.New(func(_ context.Context, n int) (int, error) { return n * n, nil }, cache.Options{
		Store: store, Name: "squares", Observer: telemetry.Observer(),
	}))
	for range 3 {
		_, _ = squares.Get(ctx, 12) // a load, then memory
	}
	for _, span := range spans.GetSpans() {
		fmt.Println(span.Name)
	}
	// Output:
	// load squares
	// read squares
}

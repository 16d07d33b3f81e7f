package cacheotel

import (
	"errors"
	"fmt"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Scope is the name of the tracer and the meter.
const Scope = "github.com/freshet-go/freshet/cache/cacheotel"

// Options configure New.
type Options struct {
	// Store is the one whose state, and whose caches' counters, are observed. nil: none; spans and durations alone.
	Store *tiered.Store
	// TracerProvider makes the tracer. nil: the global one.
	TracerProvider trace.TracerProvider
	// MeterProvider makes the meter. nil: the global one.
	MeterProvider metric.MeterProvider
}

// Telemetry tells OpenTelemetry. All methods may be called concurrently.
type Telemetry struct {
	observer     observer
	registration metric.Registration // nil: no Store
}

// New makes a Telemetry. It must be closed, if it has a Store.
func New(o Options) (*Telemetry, error) {
	if o.TracerProvider == nil {
		o.TracerProvider = otel.GetTracerProvider()
	}
	if o.MeterProvider == nil {
		o.MeterProvider = otel.GetMeterProvider()
	}
	meter := o.MeterProvider.Meter(Scope, metric.WithSchemaURL(semconv.SchemaURL))
	operations, err := meter.Float64Histogram("db.client.operation.duration", metric.WithUnit("s"),
		metric.WithDescription("Duration of operations of caches that went beyond memory."),
		metric.WithExplicitBucketBoundaries(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10)) // as the conventions have it
	loads, err2 := meter.Float64Histogram("freshet.load.duration", metric.WithUnit("s"),
		metric.WithDescription("Duration of calls of the loader."),
		metric.WithExplicitBucketBoundaries(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10))
	t := &Telemetry{observer: observer{
		tracer:     o.TracerProvider.Tracer(Scope, trace.WithSchemaURL(semconv.SchemaURL)),
		operations: operations,
		loads:      loads,
	}}
	if err = errors.Join(err, err2); err == nil && o.Store != nil {
		t.registration, err = observe(meter, o.Store)
	}
	if err != nil {
		return nil, fmt.Errorf("cacheotel: %w", err)
	}
	return t, nil
}

// Observer returns the Observer of caches that are to have spans and durations. Combine it with others by
// cache.Observers; the one whose spans are to be the outer ones comes first.
func (t *Telemetry) Observer() cache.Observer { return t.observer }

// Close ends the observation of the Store, which otherwise is held as long as the meter.
func (t *Telemetry) Close() error {
	if t.registration == nil {
		return nil
	}
	if err := t.registration.Unregister(); err != nil {
		return fmt.Errorf("cacheotel: %w", err)
	}
	return nil
}

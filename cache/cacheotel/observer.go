package cacheotel

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/freshet-go/freshet/breaker"
	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

var system = semconv.DBSystemNameKey.String("freshet")

const (
	answerKey     = attribute.Key("freshet.answer")
	answersPrefix = "freshet.answers."
	backgroundKey = attribute.Key("freshet.background")
)

// observer makes spans, and records durations.
type observer struct {
	tracer            trace.Tracer
	operations, loads metric.Float64Histogram
}

// Begin implements cache.Observer.
func (o observer) Begin(ctx context.Context, op cache.Operation) (context.Context, func(cache.Outcome)) {
	began := time.Now()
	shared := []attribute.KeyValue{system, semconv.DBOperationName(string(op.Op)), semconv.DBCollectionName(op.Cache)}
	attributes := shared[:len(shared):len(shared)]
	if op.Keys > 1 {
		attributes = append(attributes, semconv.DBOperationBatchSize(op.Keys))
	}
	if op.Op == cache.OpLoad {
		attributes = append(attributes, backgroundKey.Bool(op.Background))
		ctx = context.WithValue(ctx, parentKey{}, trace.SpanContextFromContext(ctx).SpanID())
	}
	ctx, span := o.tracer.Start(ctx, strings.TrimSpace(string(op.Op)+" "+op.Cache), trace.WithAttributes(attributes...))
	return ctx, func(out cache.Outcome) {
		if out.Err != nil {
			kind := semconv.ErrorTypeKey.String(errorType(out.Err))
			shared = append(shared, kind)
			span.SetAttributes(kind)
			span.SetStatus(codes.Error, out.Err.Error())
		}
		if op.Op == cache.OpLoad {
			o.loads.Record(ctx, time.Since(began).Seconds(), metric.WithAttributes(shared...))
		} else {
			link(span, out.Shared)
			answers := answersOf(op, out.Answers)
			span.SetAttributes(answers...)
			if len(answers) == 1 && answers[0].Key == answerKey {
				shared = append(shared, answers[0])
			}
			o.operations.Record(ctx, time.Since(began).Seconds(), metric.WithAttributes(shared...))
		}
		span.End()
	}
}

// parentKey is the key of the id of a load's parent in the load's context.
type parentKey struct{}

// link links the span of a read to those of the loads that it shared with others: not to its own children, and to each once.
func link(span trace.Span, loads []context.Context) {
	seen := make(map[trace.SpanID]bool, len(loads))
	for _, load := range loads {
		to := trace.SpanContextFromContext(load)
		if seen[to.SpanID()] || load.Value(parentKey{}) == span.SpanContext().SpanID() {
			continue
		}
		seen[to.SpanID()] = true
		span.AddLink(trace.Link{SpanContext: to})
	}
}

// answersOf says how the keys of a read were answered: one by name, many by counts.
func answersOf(op cache.Operation, n cache.Answers) (out []attribute.KeyValue) {
	for _, a := range []struct {
		name  string
		count int
	}{
		{"redis_hit", n.RedisHits}, {"load", n.Loads}, {"joined", n.Joined}, {"negative", n.Negative},
		{"stale", n.Stale}, {"error", n.Errors},
	} {
		switch {
		case a.count == 0:
		case op.Keys == 1:
			out = append(out, answerKey.String(a.name))
		default:
			out = append(out, attribute.Int(answersPrefix+a.name, a.count))
		}
	}
	return out
}

// errorType is one of a few words: labels must not be of any number.
func errorType(err error) string {
	var panicked *cache.PanicError
	switch {
	case errors.As(err, &panicked):
		return "panic"
	case errors.Is(err, tiered.ErrDeferred):
		return "deferred"
	case errors.Is(err, breaker.ErrOpen):
		return "breaker_open"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, cache.ErrClosed):
		return "closed"
	}
	return semconv.ErrorTypeOther.Value.AsString()
}

package cacheotel_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/cache/cacheotel"
	"github.com/freshet-go/freshet/cache/cachetest"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	apitrace "go.opentelemetry.io/otel/trace"
)

var bg = context.Background()

// sdk is what a program sets up.
type sdk struct {
	*cacheotel.Telemetry
	t      *testing.T
	spans  *tracetest.InMemoryExporter
	reader *metric.ManualReader
	tracer apitrace.Tracer
}

func newSDK(t *testing.T, store *tiered.Store) *sdk {
	t.Helper()
	s := &sdk{t: t, spans: tracetest.NewInMemoryExporter(), reader: metric.NewManualReader()}
	traces := trace.NewTracerProvider(trace.WithSyncer(s.spans))
	meters := metric.NewMeterProvider(metric.WithReader(s.reader))
	s.tracer = traces.Tracer("test")
	var err error
	s.Telemetry, err = cacheotel.New(cacheotel.Options{Store: store, TracerProvider: traces, MeterProvider: meters})
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		require.NoError(t, traces.Shutdown(bg))
		require.NoError(t, meters.Shutdown(bg))
	})
	return s
}

// take returns the spans that ended since it was last called.
func (s *sdk) take() tracetest.SpanStubs {
	defer s.spans.Reset()
	return s.spans.GetSpans()
}

// metrics returns the values, or the counts of histograms, by name and attributes.
func (s *sdk) metrics() map[string]map[attribute.Distinct]float64 {
	s.t.Helper()
	var rm metricdata.ResourceMetrics
	require.NoError(s.t, s.reader.Collect(bg, &rm))
	all := map[string]map[attribute.Distinct]float64{}
	for _, scope := range rm.ScopeMetrics {
		require.Equal(s.t, cacheotel.Scope, scope.Scope.Name)
		for _, m := range scope.Metrics {
			require.NotEmpty(s.t, m.Description, m.Name)
			require.NotEmpty(s.t, m.Unit, m.Name)
			values := map[attribute.Distinct]float64{}
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				require.True(s.t, data.IsMonotonic)
				for _, p := range data.DataPoints {
					values[p.Attributes.Equivalent()] = float64(p.Value)
				}
			case metricdata.Gauge[int64]:
				for _, p := range data.DataPoints {
					values[p.Attributes.Equivalent()] = float64(p.Value)
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					values[p.Attributes.Equivalent()] = float64(p.Count)
				}
			default:
				require.Failf(s.t, "unexpected", "%T", data)
			}
			all[m.Name] = values
		}
	}
	return all
}

func with(attributes ...string) attribute.Distinct {
	var all []attribute.KeyValue
	for i := 0; i < len(attributes); i += 2 {
		all = append(all, attribute.String(attributes[i], attributes[i+1]))
	}
	set := attribute.NewSet(all...)
	return set.Equivalent()
}

func attributes(s tracetest.SpanStub) map[string]any {
	all := map[string]any{}
	for _, a := range s.Attributes {
		all[string(a.Key)] = a.Value.AsInterface()
	}
	return all
}

func TestSpans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := cachetest.Store(t)
		s := newSDK(t, store)
		db := cachetest.NewSource(map[string]string{"a": "1", "b": "2"})
		var inside atomic.Value // what the loader's own database driver sees
		rows, err := cache.New(func(ctx context.Context, key string) (string, error) {
			inside.Store(apitrace.SpanContextFromContext(ctx))
			return db.Load(ctx, key)
		}, cache.Options{Store: store, Name: "rows", Observer: s.Observer(), TTL: ttl.Fixed(time.Minute).StaleWhileRevalidate(time.Hour)})
		require.NoError(t, err)

		ctx, request := s.tracer.Start(bg, "request")
		_, err = rows.Get(ctx, "a")
		require.NoError(t, err)
		request.End()
		spans := s.take()
		require.Len(t, spans, 3)
		load, read := spans[0], spans[1]
		require.Equal(t, "load rows", load.Name)
		require.Equal(t, "read rows", read.Name)
		require.Equal(t, spans[2].SpanContext.SpanID(), read.Parent.SpanID())
		require.Equal(t, read.SpanContext.SpanID(), load.Parent.SpanID())
		require.Equal(t, load.SpanContext, inside.Load())
		require.Equal(t, apitrace.SpanKindInternal, read.SpanKind)
		require.Equal(t, map[string]any{
			"db.system.name": "freshet", "db.operation.name": "read", "db.collection.name": "rows", "freshet.answer": "load",
		}, attributes(read))
		require.Equal(t, map[string]any{
			"db.system.name": "freshet", "db.operation.name": "load", "db.collection.name": "rows", "freshet.background": false,
		}, attributes(load))

		_, err = rows.Get(bg, "a")
		require.NoError(t, err)
		require.Empty(t, s.take(), "memory")

		_, err = rows.GetMany(bg, []string{"a", "b", "c"})
		require.NoError(t, err)
		spans = s.take()
		require.Len(t, spans, 3)
		require.Equal(t, map[string]any{
			"db.system.name": "freshet", "db.operation.name": "read", "db.collection.name": "rows",
			"db.operation.batch.size": int64(2), "freshet.answers.load": int64(2),
		}, attributes(spans[2]))

		cachetest.Pass(2 * time.Minute) // stale: refreshed in the background
		_, err = rows.Get(bg, "a")
		require.NoError(t, err)
		synctest.Wait()
		spans = s.take()
		require.Len(t, spans, 1)
		require.Equal(t, true, attributes(spans[0])["freshet.background"])
		require.False(t, spans[0].Parent.IsValid())

		db.Fail(errors.New("down"))
		_, err = rows.Refresh(bg, "b")
		require.Error(t, err)
		spans = s.take()
		require.Len(t, spans, 2)
		for _, span := range spans {
			require.Equal(t, codes.Error, span.Status.Code)
			require.Contains(t, span.Status.Description, "down")
			require.Equal(t, "_OTHER", attributes(span)["error.type"])
		}
		require.Equal(t, "refresh rows", spans[1].Name)

		require.NoError(t, rows.Invalidate(bg, "a", "b"))
		require.NoError(t, rows.InvalidatePrefix(bg))
		require.NoError(t, rows.Mutate(bg, "a", func(ctx context.Context) error {
			_, span := s.tracer.Start(ctx, "UPDATE")
			span.End()
			return nil
		}))
		spans = s.take()
		require.Equal(t, []string{"invalidate rows", "invalidate_prefix rows", "UPDATE", "mutate rows"},
			[]string{spans[0].Name, spans[1].Name, spans[2].Name, spans[3].Name})
		require.Equal(t, spans[3].SpanContext.SpanID(), spans[2].Parent.SpanID())
	})
}

func TestReadsThatShareALoadLinkToIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := cachetest.Store(t)
		s := newSDK(t, store)
		db := cachetest.NewSource(map[string]string{"a": "1", "b": "2", "c": "3"})
		db.Slow(time.Second)
		rows := cache.Must(cache.New(db.Load, cache.Options{Store: store, Name: "rows", Observer: s.Observer()}))
		// one and others ask one after the other, each within a trace of its own, and return.
		ask := func(one func(context.Context), others ...func(context.Context)) (loads, reads tracetest.SpanStubs) {
			for _, f := range append([]func(context.Context){one}, others...) {
				go func() {
					ctx, request := s.tracer.Start(bg, "request")
					defer request.End()
					f(ctx)
				}()
				synctest.Wait()
				time.Sleep(100 * time.Microsecond)
			}
			cachetest.Pass(time.Minute)
			for _, span := range s.take() {
				switch span.Name {
				case "load rows", "load batches":
					loads = append(loads, span)
				case "read rows", "read batches":
					reads = append(reads, span)
				}
			}
			return loads, reads
		}
		get := func(c *cache.Cached[string, string], keys ...string) func(context.Context) {
			return func(ctx context.Context) { _, _ = c.GetMany(ctx, keys) }
		}
		// linked tells which of loads each of reads links to: its own is not among them.
		linked := func(loads, reads tracetest.SpanStubs) (all [][]int) {
			for _, read := range reads {
				var own []int
				for _, l := range read.Links {
					for i, load := range loads {
						if l.SpanContext.Equal(load.SpanContext) {
							own = append(own, i)
						}
					}
				}
				require.Len(t, own, len(read.Links))
				all = append(all, own)
			}
			return all
		}

		loads, reads := ask(get(rows, "a"), get(rows, "a", "a"), get(rows, "a", "a", "a"))
		require.Len(t, loads, 1)
		require.ElementsMatch(t, [][]int{nil, {0}, {0}}, linked(loads, reads))
		for _, read := range reads {
			require.Equal(t, len(read.Links) == 0, read.SpanContext.TraceID() == loads[0].SpanContext.TraceID())
		}

		db.Fail(errors.New("down")) // what failed is told there, too
		loads, reads = ask(get(rows, "b"), get(rows, "b"), get(rows, "b", "b", "c"))
		require.Len(t, loads, 2)
		require.Len(t, reads, 3)
		require.Equal(t, codes.Error, loads[0].Status.Code)
		require.ElementsMatch(t, [][]int{nil, {0}, {0}}, linked(loads, reads), "c is loaded by who asks for b and c")
		db.Fail(nil)

		gaveUp := func(ctx context.Context) {
			ctx, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
			defer cancel()
			_, _ = rows.Get(ctx, "c")
		}
		loads, reads = ask(get(rows, "c"), gaveUp)
		require.ElementsMatch(t, [][]int{nil, {0}}, linked(loads, reads), "it waited for that one")

		// A call of the loader for many keys is the child of one of the reads that it is for.
		batches := cache.Must(cache.NewBatch(db.LoadMany, cache.Options{Store: store, Name: "batches", Observer: s.Observer()}))
		loads, reads = ask(get(batches, "a"), get(batches, "b"), get(batches, "c", "d"))
		require.Len(t, loads, 2)
		for _, read := range reads {
			inside := 0
			for _, load := range loads {
				if load.Parent.SpanID() == read.SpanContext.SpanID() {
					inside++
				}
			}
			require.Equal(t, 1, inside+len(read.Links), "each has a load, of its own or linked")
		}
		require.NoError(t, batches.Close())
		require.NoError(t, rows.Close())
	})
}

func TestTypesOfErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := cachetest.NewRedis(t).Node(t)
		s := newSDK(t, node.Store)
		fault := func() error { return nil }
		rows, err := cache.New(func(ctx context.Context, _ string) (string, error) {
			if err := fault(); err != nil {
				return "", err
			}
			<-ctx.Done()
			return "", ctx.Err()
		}, cache.Options{Store: node.Store, Name: "rows", Observer: s.Observer(), LoadTimeout: time.Second})
		require.NoError(t, err)
		last := func() any {
			synctest.Wait()
			spans := s.take()
			return attributes(spans[len(spans)-1])["error.type"]
		}
		_, err = rows.Get(bg, "a")
		require.Error(t, err)
		require.Equal(t, "timeout", last())
		ctx, cancel := context.WithCancel(bg)
		cancel()
		_, err = rows.Get(ctx, "b")
		require.Error(t, err)
		require.Equal(t, "canceled", last())
		fault = func() error { panic("no") }
		_, err = rows.Get(bg, "c")
		require.Error(t, err)
		require.Equal(t, "panic", last())
		node.Down()
		require.Error(t, rows.Invalidate(bg, "a"))
		require.Equal(t, "deferred", last())
		require.NoError(t, rows.Close())
		require.Error(t, rows.Invalidate(bg, "a"))
		require.Equal(t, "closed", last())
	})
}

func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		redis := cachetest.NewRedis(t)
		one, two := redis.Node(t), redis.Node(t)
		s := newSDK(t, two.Store)
		db := cachetest.NewSource(map[string]string{"a": "1"})
		first := cache.Must(cache.New(db.Load, cache.Options{Store: one.Store, Name: "rows"}))
		rows := cache.Must(cache.New(db.Load, cache.Options{Store: two.Store, Name: "rows", Observer: s.Observer()}))
		_, err := first.Get(bg, "a")
		require.NoError(t, err)
		cachetest.Pass(time.Second)
		for range 3 {
			_, _ = rows.Get(bg, "a") // Redis, memory, memory
		}
		_, _ = rows.Get(bg, "b")
		require.NoError(t, rows.Invalidate(bg, "a"))

		m := s.metrics()
		const name, answer = "db.collection.name", "freshet.answer"
		require.EqualValues(t, 2, m["freshet.cache.requests"][with(name, "rows", answer, "memory_hit")])
		require.EqualValues(t, 1, m["freshet.cache.requests"][with(name, "rows", answer, "redis_hit")])
		require.EqualValues(t, 1, m["freshet.cache.requests"][with(name, "rows", answer, "load")])
		require.EqualValues(t, 1, m["freshet.cache.loader_calls"][with(name, "rows")])
		require.EqualValues(t, 1, m["freshet.link.up"][with()])
		require.EqualValues(t, 1, m["freshet.breaker.state"][with("freshet.state", "closed")])
		require.EqualValues(t, 1<<20, m["freshet.memory.limit"][with()])
		of := func(op string, more ...string) attribute.Distinct {
			return with(append([]string{"db.system.name", "freshet", "db.operation.name", op, name, "rows"}, more...)...)
		}
		require.EqualValues(t, 1, m["db.client.operation.duration"][of("read", answer, "redis_hit")])
		require.EqualValues(t, 1, m["db.client.operation.duration"][of("read", answer, "load")])
		require.EqualValues(t, 1, m["db.client.operation.duration"][of("invalidate")])
		require.EqualValues(t, 1, m["freshet.load.duration"][of("load")])

		two.Down()
		require.Error(t, rows.Invalidate(bg, "a"))
		cachetest.Pass(time.Minute)
		m = s.metrics()
		require.Zero(t, m["freshet.link.up"][with()])
		require.EqualValues(t, 1, m["freshet.fallback"][with()])
		require.EqualValues(t, 1, m["freshet.journal.entries"][with()])
		require.EqualValues(t, 1, m["db.client.operation.duration"][of("invalidate", "error.type", "deferred")])

		require.NoError(t, s.Close())
		require.NotContains(t, s.metrics(), "freshet.link.up")
	})
}

func TestWithoutAStore(t *testing.T) {
	s := newSDK(t, nil)
	rows := cache.Must(cache.New(cachetest.NewSource(map[int]int{1: 1}).Load, cache.Options{Observer: s.Observer()}))
	defer rows.Close()
	_, err := rows.Get(bg, 1)
	require.NoError(t, err)
	require.NotContains(t, s.metrics(), "freshet.memory.used")
	require.Len(t, s.metrics()["freshet.load.duration"], 1)
	require.Equal(t, "read", s.take()[1].Name, "a private cache may have no name")

	global, err := cacheotel.New(cacheotel.Options{}) // whatever the program set, or nothing
	require.NoError(t, err)
	require.NotNil(t, global.Observer())
}

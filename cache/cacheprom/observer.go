package cacheprom

import (
	"context"
	"errors"
	"time"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
	"github.com/prometheus/client_golang/prometheus"
)

// heard is what an Observer feeds.
type heard struct {
	loads, hits *prometheus.HistogramVec
	writes      *prometheus.CounterVec
}

func newHeard(o Options) heard {
	durations := func(name, help string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: name, Help: help, ConstLabels: o.ConstLabels, Buckets: o.Buckets,
			NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 160,
			NativeHistogramMinResetDuration: time.Hour,
		}, []string{"cache"})
	}
	return heard{
		loads: durations("freshet_cache_load_duration_seconds", "Durations of calls of the loader."),
		hits:  durations("freshet_cache_redis_hit_duration_seconds", "Durations of reads that Redis has answered alone."),
		writes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_cache_writes_total", Help: "Sets, invalidations and mutations, by how they ended.", ConstLabels: o.ConstLabels,
		}, []string{"cache", "op", "result"}),
	}
}

func (h heard) all() []prometheus.Collector { return []prometheus.Collector{h.loads, h.hits, h.writes} }

// Observer returns the Observer of caches whose durations and writes are to be exported. Combine it with others by
// cache.Observers.
func (c *Collector) Observer() cache.Observer { return c.heard }

// Begin implements cache.Observer.
func (h heard) Begin(ctx context.Context, op cache.Operation) (context.Context, func(cache.Outcome)) {
	began, name := time.Now(), label(op.Cache)
	switch op.Op {
	case cache.OpLoad:
		return ctx, func(cache.Outcome) { h.loads.WithLabelValues(name).Observe(time.Since(began).Seconds()) }
	case cache.OpRead:
		return ctx, func(out cache.Outcome) {
			if n := out.Answers.RedisHits; n > 0 && n == op.Keys {
				h.hits.WithLabelValues(name).Observe(time.Since(began).Seconds())
			}
		}
	case cache.OpRefresh: // counted as a request, and its load is one
		return ctx, nil
	}
	return ctx, func(out cache.Outcome) { h.writes.WithLabelValues(name, string(op.Op), result(out.Err)).Inc() }
}

func result(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, tiered.ErrDeferred):
		return "deferred"
	}
	return "error"
}

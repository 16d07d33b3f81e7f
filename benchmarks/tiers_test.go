package benchmarks

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/freshet-go/freshet/benchmarks/internal/trace"
	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
	"github.com/stretchr/testify/require"
)

// data is made once: benchmarks only read it.
var data = sync.OnceValue(newOrigin)

var asked = sync.OnceValue(func() []uint32 { return trace.Zipf(1<<16, userCount).Keys })

func BenchmarkFeed(b *testing.B) {
	users := asked()
	acrossTiers(b, func(ctx context.Context, s *service, i int) error {
		_, err := s.feed(ctx, int(users[i%len(users)]))
		return err
	})
}

func BenchmarkAuth(b *testing.B) {
	users := asked()
	tokens := make([]string, userCount)
	for id := range tokens {
		tokens[id] = data().token(id)
	}
	acrossTiers(b, func(ctx context.Context, s *service, i int) error {
		_, err := s.auth(ctx, tokens[users[i%len(users)]])
		return err
	})
}

func BenchmarkHealth(b *testing.B) {
	acrossTiers(b, func(ctx context.Context, s *service, _ int) error {
		_, err := s.health(ctx, "all")
		return err
	})
}

type request func(ctx context.Context, s *service, i int) error

// acrossTiers measures one kind of request, answered by each tier in turn: everything is warm but in tier=origin.
func acrossTiers(b *testing.B, ask request) {
	b.Run("tier=origin", func(b *testing.B) {
		measure(b, data().service(), ask)
	})
	b.Run("tier=redis", func(b *testing.B) {
		store := openStore(b, tiered.Options{Redis: startRedis(b).client, Engine: tiered.NoMemory})
		s := data().cached(store)
		warm(b, s, ask)
		measure(b, s, ask)
	})
	b.Run("tier=memory", func(b *testing.B) {
		store := openStore(b, tiered.Options{Redis: startRedis(b).client})
		s := data().cached(store)
		warm(b, s, ask)
		measure(b, s, ask)
	})
	b.Run("tier=memory-redis-down", func(b *testing.B) {
		redis := startRedis(b)
		store := openStore(b, tiered.Options{Redis: redis.client})
		s := data().cached(store)
		redis.stop()
		awaitFallback(b, store)
		warm(b, s, ask)
		require.True(b, store.Stats().Fallback)
		measure(b, s, ask)
	})
}

// warm asks once for every user that will be asked for.
func warm(b *testing.B, s *service, ask request) {
	b.Helper()
	seen := map[uint32]bool{}
	for i, id := range asked() {
		if !seen[id] {
			seen[id] = true
			require.NoError(b, ask(b.Context(), s, i))
		}
	}
}

// awaitFallback reads until the store has noticed that Redis is gone: link and breaker both have to.
func awaitFallback(b *testing.B, store *tiered.Store) {
	b.Helper()
	probe, err := cache.New[int, int](nil, cache.Options{Store: store, Name: "probe"})
	require.NoError(b, err)
	deadline := time.Now().Add(10 * time.Second)
	for key := 0; !store.Stats().Fallback; key++ {
		if _, err := probe.Get(b.Context(), key); !errors.Is(err, cache.ErrNotFound) {
			require.NoError(b, err)
		}
		require.True(b, time.Now().Before(deadline), "the store does not fall back: %+v", store.Stats())
	}
	require.NoError(b, probe.Close())
}

// measure runs the request with one caller, for latency, and with sixteen, who share round trips.
func measure(b *testing.B, s *service, ask request) {
	op := func(i int) error { return ask(b.Context(), s, i) }
	b.Run("callers=1", func(b *testing.B) {
		b.ReportAllocs()
		before := data().calls.Load()
		w := newStopwatch(op)
		n := 0
		for b.Loop() {
			w.run(op, n)
			n++
		}
		report(b, w, n, data().calls.Load()-before)
	})
	b.Run("callers=16", func(b *testing.B) {
		b.ReportAllocs()
		before := data().calls.Load()
		b.ResetTimer()
		w := together(16, b.N, op)
		b.StopTimer()
		report(b, w, b.N, data().calls.Load()-before)
	})
}

func report(b *testing.B, w *stopwatch, n int, loads int64) {
	b.Helper()
	require.NoError(b, w.err)
	b.ReportMetric(float64(loads)/float64(n), "loads/op")
	b.ReportMetric(float64(w.Quantile(0.50)), "p50-ns")
	b.ReportMetric(float64(w.Quantile(0.99)), "p99-ns")
}

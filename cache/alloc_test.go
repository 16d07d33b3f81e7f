//go:build !race

package cache_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
	"github.com/stretchr/testify/require"
)

// A memory hit allocates nothing, with either engine, whatever the key, observed or not.
func TestMemoryHitDoesNotAllocate(t *testing.T) {
	for name, engine := range map[string]tiered.Engine{"ristretto": tiered.Ristretto, "otter": tiered.Otter} {
		t.Run(name, func(t *testing.T) {
			hits(t, engine, "a key of some length, which is not a constant of the linker's")
			hits(t, engine, 42)
			hits(t, engine, struct{ A, B int }{1, 2})
			hits(t, engine, struct {
				A int
				B string
			}{1, "b"})
			hits(t, engine, [16]byte{1})
		})
	}
}

func hits[K comparable](t *testing.T, engine tiered.Engine, key K) {
	t.Helper()
	for _, observer := range []cache.Observer{nil, deaf{}} {
		hitsObserved(t, engine, key, observer)
	}
}

func hitsObserved[K comparable](t *testing.T, engine tiered.Engine, key K, observer cache.Observer) {
	t.Helper()
	store, err := tiered.Open(tiered.Options{Engine: engine, MemoryBytes: 1 << 20})
	require.NoError(t, err)
	defer store.Close()
	c, err := cache.New(func(context.Context, K) ([]string, error) { return []string{"v"}, nil }, cache.Options{
		Store: store, Name: "c", TTL: ttl.Fixed(time.Hour).StaleIfError(time.Hour).EarlyRefresh(1),
		Observer: observer,
	})
	require.NoError(t, err)
	_, err = c.Get(bg, key)
	require.NoError(t, err)
	require.Zero(t, testing.AllocsPerRun(2000, func() {
		if v, err := c.Get(bg, key); err != nil || len(v) != 1 {
			t.Error(v, err)
		}
	}), "%T", key)
	require.EqualValues(t, 1, c.Stats().LoaderCalls)
}

// Nor does the hit after the invalidation of some other prefix, which has to look in the table of them.
func TestMemoryHitAfterAPrefixDoesNotAllocate(t *testing.T) {
	settles(t, -1, func(i int) int { return i })
	settles(t, "other", func(i int) string { return fmt.Sprintf("key: %d", i) })
	settles(t, -1, func(i int) struct{ A, B int } { return struct{ A, B int }{i, i} })
}

func settles[K comparable](t *testing.T, other any, key func(int) K) {
	t.Helper()
	const n = 200
	c, err := cache.New(func(context.Context, K) (int, error) { return 1, nil }, cache.Options{Name: "c"})
	require.NoError(t, err)
	defer c.Close()
	keys := make([]K, n)
	for i := range keys {
		keys[i] = key(i)
		_, err := c.Get(bg, keys[i])
		require.NoError(t, err)
	}
	require.NoError(t, c.InvalidatePrefix(bg, other))
	next := 0
	require.Zero(t, testing.AllocsPerRun(n-1, func() { // each key once
		_, _ = c.Get(bg, keys[next])
		next++
	}), "%T", keys[0])
	require.Equal(t, n, next)
	require.EqualValues(t, n, c.Stats().MemoryHits)
}

// deaf observes, and asks for no keys.
type deaf struct{}

func (deaf) Begin(ctx context.Context, _ cache.Operation) (context.Context, func(cache.Outcome)) {
	return ctx, nil
}

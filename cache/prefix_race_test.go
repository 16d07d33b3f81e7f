package cache_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/cache"
)

// Without Redis a Store draws its own sequences: those of prefixes that are invalidated at the same time must not be learnt
// out of order, or a reader in between would take the first for known.
func TestF1PrefixesInvalidatedAtOnce(t *testing.T) {
	type pair struct{ A, B int }
	var version atomic.Int64
	c, err := cache.New(func(context.Context, pair) (int64, error) { return version.Load(), nil }, cache.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	var stop atomic.Bool
	var others sync.WaitGroup
	for g := range 2 {
		others.Go(func() {
			for !stop.Load() {
				if err := c.InvalidatePrefix(bg, 100+g); err != nil {
					t.Error(err)
				}
			}
		})
	}
	others.Go(func() {
		for !stop.Load() {
			if _, err := c.Get(bg, pair{1, 1}); err != nil {
				t.Error(err)
			}
		}
	})
	old := 0
	for range 3000 {
		v := version.Add(1)
		require.NoError(t, c.InvalidatePrefix(bg, 1))
		got, err := c.Get(bg, pair{1, 1})
		require.NoError(t, err)
		if got < v {
			old++
		}
	}
	stop.Store(true)
	others.Wait()
	require.Zero(t, old)
}

package cache_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/breaker"
	"github.com/freshet-go/freshet/cache"
)

func numbered(n int) (keys []string, src *source) {
	src = newSource()
	for i := range n {
		k := fmt.Sprint("k", i)
		keys = append(keys, k)
		src.set(k, "v"+k)
	}
	return keys, src
}

func TestWarm(t *testing.T) {
	inWorlds(t, func(w *world) {
		keys, src := numbered(250)
		c := w.open(0, src, cache.Options{})
		get(w, c, "k7", "vk7")
		var told []cache.WarmProgress
		o := cache.WarmOptions{Batch: 40, Concurrency: 3, Progress: func(p cache.WarmProgress) { told = append(told, p) }}
		require.NoError(w, c.Warm(bg, slices.Values(keys), o))
		require.Len(w, told, 7)
		require.True(w, slices.IsSortedFunc(told, func(a, b cache.WarmProgress) int { return a.Done - b.Done }))
		require.Equal(w, 250, told[6].Done)
		for _, k := range keys {
			require.Equal(w, 1, src.loads(k), k)
			_, ok := c.Peek(bg, k)
			require.True(w, ok)
		}
		require.NoError(w, c.Warm(bg, slices.Values(keys), cache.WarmOptions{}))
		require.Equal(w, 1, src.loads("k9"), "what is fresh is not loaded again")
		balanced(w, c.Stats(), -1)
	})
}

func TestWarmGoesOnWhereItWasCutOff(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 1)
		keys, src := numbered(100)
		src.slow(10 * time.Millisecond)
		c := w.open(0, src, cache.Options{})
		ctx, cancel := context.WithCancel(bg)
		var last cache.WarmProgress
		o := cache.WarmOptions{Batch: 10, Concurrency: 1, Progress: func(p cache.WarmProgress) {
			if last = p; p.Done == 40 {
				cancel()
			}
		}}
		err := c.Warm(ctx, slices.Values(keys), o)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorContains(t, err, "cut off after 40 keys")
		require.Equal(t, 40, last.Done)
		pass(time.Second)
		o.Skip = last.Done
		require.NoError(t, c.Warm(bg, slices.Values(keys), o))
		require.Equal(t, 100, last.Done)
		for _, k := range keys {
			require.LessOrEqual(t, src.loads(k), 2, k)
			require.NotZero(t, src.loads(k), k)
		}
		require.Equal(t, 1, src.loads("k0"))
	})
}

func TestWarmKeepsItsRate(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 1)
		keys, src := numbered(100)
		c := w.open(0, src, cache.Options{})
		start := time.Now()
		require.NoError(t, c.Warm(bg, slices.Values(keys), cache.WarmOptions{Batch: 10, Rate: 20}))
		require.InDelta(t, 4.5, time.Since(start).Seconds(), 0.1) // the last of ten batches begins then
	})
}

func TestWarmSurvivesFailures(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 1)
		keys, src := numbered(30)
		src.fail(errDown)
		c := w.open(0, src, cache.Options{})
		var last cache.WarmProgress
		o := cache.WarmOptions{Batch: 10, Progress: func(p cache.WarmProgress) { last = p }}
		err := c.Warm(bg, slices.Values(keys), o)
		require.ErrorIs(t, err, errDown)
		require.ErrorContains(t, err, `cache: warm "rows": 30 of 30 keys failed`)
		require.Equal(t, 30, last.Failed)
		require.Equal(t, 30, last.Done)

		for _, o := range []cache.WarmOptions{{Batch: -1}, {Concurrency: -1}, {Skip: -1}, {Rate: -1}, {Rate: math.NaN()}} {
			require.ErrorContains(t, c.Warm(bg, slices.Values(keys), o), "cache: WarmOptions.")
		}
		require.NoError(t, c.Warm(bg, slices.Values([]string(nil)), cache.WarmOptions{}))
		require.NoError(t, c.Close())
		require.True(t, errors.Is(c.Warm(bg, slices.Values(keys), cache.WarmOptions{}), cache.ErrClosed))
	})
}

func TestWarmAtAnyRate(t *testing.T) {
	for _, rate := range []float64{1e19, math.MaxFloat64, math.Inf(1)} {
		bubble(t, func(t *testing.T) {
			keys, src := numbered(250)
			c := newWorld(t, 0).open(0, src, cache.Options{})
			require.NoError(t, c.Warm(bg, slices.Values(keys), cache.WarmOptions{Rate: rate}))
			require.Equal(t, 250, src.loads(""))
		})
	}
}

// Whatever Warm waits for, it does not outlive what it warms, nor who has called it.
func TestWarmEndsWithItsCacheAndItsCaller(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 0)
		keys, src := numbered(100)
		guard, err := breaker.New(breaker.Options{Consecutive: 1, OpenFor: time.Hour})
		require.NoError(t, err)
		c := w.open(0, src, cache.Options{Breaker: guard})
		permit, err := guard.Allow()
		require.NoError(t, err)
		permit.Failure()

		start := time.Now()
		require.PanicsWithValue(t, "no more keys", func() {
			_ = c.Warm(bg, func(yield func(string) bool) {
				yield("k0")
				panic("no more keys")
			}, cache.WarmOptions{Batch: 1})
		})
		require.Zero(t, time.Since(start))

		ended := make(chan error, 2)
		go func() { ended <- c.Warm(bg, slices.Values(keys), cache.WarmOptions{}) }()        // waits for the breaker
		go func() { ended <- c.Warm(bg, slices.Values(keys), cache.WarmOptions{Rate: 1}) }() // for its pace, too
		pass(time.Second)
		start = time.Now()
		require.NoError(t, c.Close())
		require.ErrorIs(t, <-ended, cache.ErrClosed)
		require.ErrorIs(t, <-ended, cache.ErrClosed)
		require.Zero(t, time.Since(start))
	})
}

func TestWarmDoesNotMakeUpForTimeLost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 0)
		keys, src := numbered(200)
		c := w.open(0, src, cache.Options{LoadTimeout: time.Minute})
		src.slow(10 * time.Second) // the first batches are slow
		asked := map[int64]int{}   // after the first batch, by second
		start := time.Now()
		o := cache.WarmOptions{Rate: 20, Concurrency: 1, Progress: func(p cache.WarmProgress) {
			src.slow(0)
			if p.Done > 20 {
				asked[int64(time.Since(start)/time.Second)] += 20
			}
		}}
		require.NoError(t, c.Warm(bg, slices.Values(keys), o))
		require.Len(t, asked, 9)
		for second, n := range asked {
			require.LessOrEqual(t, n, 20, "in second %d", second)
		}
	})
}

func TestWarmWaitsForTheBreaker(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 0)
		keys, src := numbered(40)
		guard, err := breaker.New(breaker.Options{Consecutive: 3, OpenFor: time.Second})
		require.NoError(t, err)
		c := w.open(0, src, cache.Options{Breaker: guard})
		src.fail(errDown)
		o := cache.WarmOptions{Batch: 10, Concurrency: 2}
		start := time.Now()
		err = c.Warm(bg, slices.Values(keys), o)
		require.ErrorContains(t, err, "40 of 40 keys failed")
		require.ErrorIs(t, err, errDown)
		require.GreaterOrEqual(t, time.Since(start), 2*time.Second, "it leaves a source alone that fails")

		for guard.State() != breaker.Open {
			_, err = c.Get(bg, "k0")
			require.Error(t, err)
		}
		src.fail(nil)
		require.NoError(t, c.Warm(bg, slices.Values(keys), o), "nothing that was refused is given up")
		require.Equal(t, breaker.Closed, guard.State())

		src.fail(errDown)
		require.NoError(t, c.InvalidatePrefix(bg))
		for guard.State() != breaker.Open {
			_, _ = c.Get(bg, "k0")
		}
		ctx, cancel := context.WithTimeout(bg, 300*time.Millisecond)
		defer cancel()
		require.ErrorIs(t, c.Warm(ctx, slices.Values(keys), o), context.DeadlineExceeded)
	})
}

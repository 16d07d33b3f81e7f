package cache_test

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-go/freshet/breaker"
	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/ttl"
	"github.com/stretchr/testify/require"
)

type contextKey struct{}

func TestLoadersContext(t *testing.T) {
	inWorlds(t, func(w *world) {
		var value any
		var left time.Duration
		c, err := cache.New(func(ctx context.Context, _ int) (int, error) {
			value = ctx.Value(contextKey{})
			end, ok := ctx.Deadline()
			require.True(w, ok)
			left = time.Until(end)
			return 1, nil
		}, cache.Options{Store: w.nodes[0], Name: "c", LoadTimeout: 7 * time.Second})
		require.NoError(w, err)
		ctx, cancel := context.WithTimeout(context.WithValue(bg, contextKey{}, "of the caller"), time.Second)
		defer cancel()
		_, err = c.Get(ctx, 1)
		require.NoError(w, err)
		require.Equal(w, "of the caller", value)
		require.Equal(w, 7*time.Second, left, "its own, not the caller's")
	})
}

func TestLastWaiterLeavesCancelsTheLoad(t *testing.T) {
	inWorlds(t, func(w *world) {
		ended := make(chan error, 1)
		c, err := cache.New(func(ctx context.Context, _ int) (int, error) {
			<-ctx.Done()
			ended <- context.Cause(ctx)
			return 0, ctx.Err()
		}, cache.Options{Store: w.nodes[0], Name: "c", LoadTimeout: time.Hour})
		require.NoError(w, err)
		var all []<-chan answer
		for i := range 3 {
			all = append(all, async(func() (string, error) {
				ctx, cancel := context.WithTimeout(bg, time.Duration(i+1)*time.Second)
				defer cancel()
				_, err := c.Get(ctx, 1)
				return "", err
			}))
		}
		for i, ch := range all {
			require.Empty(w, ended, "somebody waits")
			a := <-ch
			require.ErrorIs(w, a.err, context.DeadlineExceeded)
			require.Equal(w, time.Duration(i+1)*time.Second, a.after)
		}
		synctest.Wait()
		require.ErrorIs(w, <-ended, context.Canceled)
	})
}

// Who leaves before its load begins, because another node loads just now, causes none.
func TestLeaveBeforeTheLoad(t *testing.T) {
	inSomeWorlds(t, []int{2}, func(w *world) {
		src := newSource("k", "v")
		src.slow(2 * time.Second)
		cs := w.openAll(src, cache.Options{})
		other := async(func() (string, error) { return cs[0].Get(bg, "k") })
		pass(time.Millisecond)
		ctx, cancel := context.WithTimeout(bg, 100*time.Millisecond)
		defer cancel()
		_, err := cs[1].Get(ctx, "k")
		require.ErrorIs(w, err, context.DeadlineExceeded)
		pass(time.Second)
		require.Equal(w, 1, src.loads("k"))
		require.Equal(w, "v", (<-other).value)
	})
}

func TestLoadTimeout(t *testing.T) {
	inWorlds(t, func(w *world) {
		src := newSource("k", "late")
		src.deaf = true
		src.slow(3 * time.Second)
		c := w.open(0, src, cache.Options{LoadTimeout: time.Second})
		a := <-async(func() (string, error) { return c.Get(bg, "k") })
		require.ErrorIs(w, a.err, context.DeadlineExceeded)
		require.Equal(w, time.Second, a.after)
		pass(5 * time.Second)
		_, ok := c.Peek(bg, "k")
		require.False(w, ok, "its late result is thrown away")
		require.EqualValues(w, 1, c.Stats().LateLoads)
		if w.shared() {
			require.Empty(w, w.raw())
		}
	})
}

func TestMaxLoads(t *testing.T) {
	inWorlds(t, func(w *world) {
		const most = 3
		var now, peak atomic.Int64
		c, err := cache.New(func(ctx context.Context, k int) (int, error) {
			n := now.Add(1)
			defer now.Add(-1)
			for p := peak.Load(); n > p && !peak.CompareAndSwap(p, n); p = peak.Load() {
			}
			if k < 0 { // hangs, whatever its context says
				ctx = context.WithoutCancel(ctx)
				<-time.After(20 * time.Second)
			}
			select {
			case <-time.After(time.Second):
				return k, nil
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		}, cache.Options{Store: w.nodes[0], Name: "c", MaxLoads: most, LoadTimeout: 4500 * time.Millisecond})
		require.NoError(w, err)
		var ks []int
		for i := range 12 {
			ks = append(ks, i)
		}
		a := <-async(func() (string, error) { _, err := c.GetMany(bg, ks); return "", err })
		require.NoError(w, a.err)
		require.Equal(w, 4*time.Second, a.after.Round(100*time.Millisecond))
		require.EqualValues(w, most, peak.Load())

		for i := range most { // hung ones keep their place
			go func() { _, _ = c.Get(bg, -1-i) }()
		}
		pass(10 * time.Second)
		a = <-async(func() (string, error) { _, err := c.Get(bg, 100); return "", err })
		require.ErrorIs(w, a.err, context.DeadlineExceeded)
		require.ErrorContains(w, a.err, "3 loads are under way")
		require.Equal(w, 4500*time.Millisecond, a.after)
		require.EqualValues(w, most, peak.Load())
		pass(10 * time.Second)
		_, err = c.Get(bg, 101)
		require.NoError(w, err)
	})
}

func TestMaxLoadsCountsRefreshes(t *testing.T) {
	inWorlds(t, func(w *world) {
		src := newSource()
		c := w.open(0, src, cache.Options{MaxLoads: 1, TTL: staleAWhile.TTL})
		for i := range 5 {
			src.set(strconv.Itoa(i), "v")
			get(w, c, strconv.Itoa(i), "v")
		}
		pass(11 * time.Second)
		src.slow(time.Second)
		for i := range 5 {
			get(w, c, strconv.Itoa(i), "v") // stale
		}
		pass(1500 * time.Millisecond)
		require.Equal(w, 7, src.loads(""), "one after another")
		pass(10 * time.Second)
		require.Equal(w, 10, src.loads(""))
		require.EqualValues(w, 5, c.Stats().Refreshes)
	})
}

// A panic in a function of the options is an error of its callers, and not the end of the process.
func TestPanicInOptions(t *testing.T) {
	inWorlds(t, func(w *world) {
		boom := func() { panic("in an option") }
		c, err := cache.New(func(context.Context, int) (int, error) { return 1, nil }, cache.Options{
			Store: w.nodes[0], Name: "ttl", TTL: ttl.FromValue(func(int) time.Duration { boom(); return 0 }).AtMost(time.Hour),
		})
		require.NoError(w, err)
		_, err = c.Get(bg, 1)
		var p *cache.PanicError
		require.ErrorAs(w, err, &p)
		require.Equal(w, "in an option", p.Value)
	})
}

func TestPanicInNotFound(t *testing.T) {
	survives(t, func(t *testing.T) {
		c, err := cache.New(func(context.Context, int) (int, error) { return 0, errDown }, cache.Options{
			NotFound: func(error) bool { panic("in NotFound") },
		})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(bg, 5*time.Second)
		defer cancel()
		_, err = c.Get(ctx, 1)
		require.Error(t, err)
		require.NoError(t, ctx.Err())
		require.NoError(t, c.Close())
	})
}

func TestNewBatchGathersSingleGets(t *testing.T) {
	inWorlds(t, func(w *world) {
		c, err := cache.NewBatch(func(_ context.Context, ks []int) (map[int]string, error) {
			out := map[int]string{-1: "nobody asked"}
			for _, k := range ks {
				out[k] = strconv.Itoa(k)
			}
			<-time.After(10 * time.Millisecond)
			return out, nil
		}, cache.Options{Store: w.nodes[0], Name: "batch"})
		require.NoError(w, err)
		var all []<-chan answer
		for i := range 200 {
			all = append(all, async(func() (string, error) { return c.Get(bg, i) }))
		}
		for i, ch := range all {
			a := <-ch
			require.NoError(w, a.err)
			require.Equal(w, strconv.Itoa(i), a.value)
			require.LessOrEqual(w, a.after, 30*time.Millisecond)
		}
		_, ok := c.Peek(bg, -1)
		require.False(w, ok, "extra keys are ignored")
		s := c.Stats()
		require.LessOrEqual(w, s.LoaderCalls, uint64(20))
		require.EqualValues(w, 200, s.LoaderKeys)
		balanced(w, s, 200)

		a := <-async(func() (string, error) { return c.Get(bg, 1000) })
		require.Equal(w, answer{"1000", nil, 10 * time.Millisecond}, a, "a lone one goes at once")
	})
}

func TestMaxBatch(t *testing.T) {
	inWorlds(t, func(w *world) {
		var most, keys atomic.Int64
		c, err := cache.NewBatch(func(_ context.Context, ks []int) (map[int]int, error) {
			most.Store(max(most.Load(), int64(len(ks))))
			keys.Add(int64(len(ks)))
			out := map[int]int{}
			for _, k := range ks {
				out[k] = k
			}
			return out, nil
		}, cache.Options{Store: w.nodes[0], Name: "batch", MaxBatch: 7})
		require.NoError(w, err)
		var ks []int
		for i := range 100 {
			ks = append(ks, i)
		}
		vs, err := c.GetMany(bg, ks)
		require.NoError(w, err)
		require.Len(w, vs, 100)
		require.EqualValues(w, 7, most.Load())
		require.EqualValues(w, 100, keys.Load())
		require.EqualValues(w, 15, c.Stats().LoaderCalls)
	})
}

func TestBatchErrorFromALoader(t *testing.T) {
	inWorlds(t, func(w *world) {
		calls := 0
		c, err := cache.NewBatch(func(_ context.Context, ks []string) (map[string]string, error) {
			calls++
			return map[string]string{"a": "A", "both": "unusable"},
				&cache.BatchError[string]{Failed: map[string]error{"b": errDown, "both": errDown}}
		}, cache.Options{Store: w.nodes[0], Name: "batch"})
		require.NoError(w, err)
		for i := range 2 {
			vs, err := c.GetMany(bg, []string{"a", "b", "absent", "both"})
			require.Equal(w, map[string]string{"a": "A"}, vs)
			var failed *cache.BatchError[string]
			require.ErrorAs(w, err, &failed)
			require.Len(w, failed.Failed, 2)
			require.ErrorIs(w, failed.Failed["b"], errDown)
			require.ErrorIs(w, failed.Failed["both"], errDown)
			pass(time.Millisecond)
			require.Equal(w, i+1, calls, "failures are not cached")
		}
		_, err = c.Get(bg, "absent")
		require.ErrorIs(w, err, cache.ErrNotFound)
		_, err = c.Get(bg, "b")
		require.ErrorIs(w, err, errDown)
		balanced(w, c.Stats(), 10)
	})
}

func TestBatchLoaderThatReturnsNothing(t *testing.T) {
	inWorlds(t, func(w *world) {
		c, err := cache.NewBatch(func(context.Context, []int) (map[int]int, error) { return nil, nil },
			cache.Options{Store: w.nodes[0], Name: "batch"})
		require.NoError(w, err)
		vs, err := c.GetMany(bg, []int{1, 2})
		require.NoError(w, err)
		require.Empty(w, vs)
	})
}

func TestBreakerOfLoadsServesStaleValues(t *testing.T) {
	inWorlds(t, func(w *world) {
		b, err := breaker.New(breaker.Options{Consecutive: 1, OpenFor: time.Hour})
		require.NoError(w, err)
		src := newSource("k", "v")
		c := w.open(0, src, cache.Options{Breaker: b, TTL: ttl.Fixed(time.Second).StaleIfError(time.Hour)})
		get(w, c, "k", "v")
		pass(2 * time.Second)
		src.fail(errDown)
		for range 3 {
			get(w, c, "k", "v")
			pass(10 * time.Millisecond)
		}
		require.Equal(w, 2, src.loads("k"), "the breaker is open")
		_, err = c.Get(bg, "other")
		require.ErrorIs(w, err, breaker.ErrOpen)
		require.True(w, errors.Is(err, breaker.ErrOpen))
	})
}

package cache_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
	"github.com/stretchr/testify/require"
)

// allClosed expects every method to say that the cache is closed.
func allClosed(t testing.TB, c *rows) {
	t.Helper()
	requests := c.Stats().Requests
	_, err := c.Get(bg, "k")
	require.ErrorIs(t, err, cache.ErrClosed)
	vs, err := c.GetMany(bg, []string{"k"})
	require.ErrorIs(t, err, cache.ErrClosed)
	require.Empty(t, vs)
	_, ok := c.Peek(bg, "k")
	require.False(t, ok)
	_, err = c.Refresh(bg, "k")
	require.ErrorIs(t, err, cache.ErrClosed)
	require.ErrorIs(t, c.Set(bg, "k", "v"), cache.ErrClosed)
	require.ErrorIs(t, c.SetMany(bg, map[string]string{"k": "v"}), cache.ErrClosed)
	require.ErrorIs(t, c.Invalidate(bg, "k"), cache.ErrClosed)
	require.ErrorIs(t, c.InvalidatePrefix(bg), cache.ErrClosed)
	require.ErrorIs(t, c.Expire(bg, "k"), cache.ErrClosed)
	require.ErrorIs(t, c.Mutate(bg, "k", func(context.Context) error { t.Error("written"); return nil }), cache.ErrClosed)
	balanced(t, c.Stats(), -1)
	require.LessOrEqual(t, c.Stats().Requests-requests, uint64(3))
	require.NoError(t, c.Close())
}

func TestClose(t *testing.T) {
	inWorlds(t, func(w *world) {
		src := newSource("k", "v")
		c := w.open(0, src, staleAWhile)
		get(w, c, "k", "v")
		require.NoError(w, c.Close())
		allClosed(w, c)
		c = w.open(0, src, staleAWhile) // the name is free again
		get(w, c, "k", "v")
	})
}

func TestCloseStoreFirst(t *testing.T) {
	for _, nodes := range []int{0, 1} {
		bubble(t, func(t *testing.T) {
			w := newWorld(t, nodes)
			src := newSource("k", "v")
			c, other := w.open(0, src, cache.Options{}), w.open(0, src, cache.Options{Name: "others"})
			get(t, c, "k", "v")
			require.NoError(t, w.nodes[0].Close())
			allClosed(t, c)
			allClosed(t, other)
			_, err := cache.New(src.load, cache.Options{Store: w.nodes[0], Name: "late"})
			require.ErrorIs(t, err, tiered.ErrClosed)
		})
	}
}

func TestClosePrivateStore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, err := cache.New(newSource("k", "v").load, cache.Options{})
		require.NoError(t, err)
		get(t, c, "k", "v")
		require.NoError(t, c.Close())
		allClosed(t, c)
	})
}

// Close waits for those who wait, and cancels what nobody waits for.
func TestCloseDrains(t *testing.T) {
	inWorlds(t, func(w *world) {
		src := newSource("k", "v", "l", "v")
		c := w.open(0, src, staleAWhile)
		get(w, c, "l", "v")
		pass(11 * time.Second)
		src.slow(5 * time.Second)
		get(w, c, "l", "v") // a refresh begins
		pass(4 * time.Second)
		src.slow(3 * time.Second)
		waiting := async(func() (string, error) { return c.Get(bg, "k") })
		pass(time.Millisecond)
		closing := async(func() (string, error) { return "", c.Close() })
		pass(time.Millisecond)
		_, err := c.Get(bg, "k")
		require.ErrorIs(w, err, cache.ErrClosed)
		a := <-waiting
		require.NoError(w, a.err)
		require.Equal(w, "v", a.value)
		a = <-closing
		require.NoError(w, a.err)
		require.LessOrEqual(w, a.after, 3*time.Second)
	})
}

func TestCloseCancelsRefreshes(t *testing.T) {
	inWorlds(t, func(w *world) {
		src := newSource("k", "v")
		c := w.open(0, src, staleAWhile)
		get(w, c, "k", "v")
		pass(11 * time.Second)
		src.slow(5 * time.Second)
		get(w, c, "k", "v")
		pass(time.Second)
		a := <-async(func() (string, error) { return "", c.Close() })
		require.NoError(w, a.err)
		require.Zero(w, a.after)
	})
}

func TestConcurrentClose(t *testing.T) {
	inWorlds(t, func(w *world) {
		src := newSource("k", "v")
		c := w.open(0, src, cache.Options{})
		for i := range 200 {
			go func() {
				switch i % 4 {
				case 0:
					_, _ = c.GetMany(bg, []string{"k", "l"})
				case 1:
					_ = c.Set(bg, "k", "v")
				case 2:
					_, _ = c.Refresh(bg, "k")
				case 3:
					_, _ = c.Get(bg, "k")
				}
			}()
			if i%50 == 49 {
				go func() { _ = c.Close() }()
			}
		}
		synctest.Wait()
		require.NoError(w, c.Close())
		allClosed(w, c)
	})
}

func TestNames(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 0)
		src := newSource()
		_, err := cache.New(src.load, cache.Options{Store: w.nodes[0]})
		require.ErrorContains(t, err, "cache: Options.Name")
		c, err := cache.New(src.load, cache.Options{Store: w.nodes[0], Name: "rows"})
		require.NoError(t, err)
		require.Equal(t, "rows", c.Name())
		_, err = cache.New(src.load, cache.Options{Store: w.nodes[0], Name: "rows"})
		require.ErrorContains(t, err, `"rows"`)
		_, err = cache.New[int, int](nil, cache.Options{Store: w.nodes[0], Name: "Rows"})
		require.NoError(t, err)
	})
}

func TestMust(t *testing.T) {
	c := cache.Must(cache.New(newSource().load, cache.Options{}))
	require.NoError(t, c.Close())
	require.Panics(t, func() { cache.Must(cache.New(newSource().load, cache.Options{MaxLoads: -1})) })
}

// All faults of the options are in one error, each by the name of its field.
func TestBadOptions(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 0)
		c, err := cache.New(newSource().load, cache.Options{
			Store: w.nodes[0], TTL: ttl.Fixed(-1), LoadTimeout: -1, MaxLoads: -2, MaxBatch: -3, MutateTimeout: -4, HoldAfter: -5,
		})
		require.Nil(t, c)
		for _, field := range []string{"Name", "TTL", "LoadTimeout", "MaxLoads", "MaxBatch", "MutateTimeout", "HoldAfter"} {
			require.ErrorContains(t, err, "cache: Options."+field)
		}
		_, err = cache.New(newSource().load, cache.Options{Store: w.nodes[0], Name: "c", TTL: ttl.Fixed(48 * time.Hour)})
		require.ErrorContains(t, err, "MaxTTL")
		_, err = cache.New(newSource().load, cache.Options{TTL: ttl.FromValue(func(int) time.Duration { return 1 })})
		require.ErrorContains(t, err, "cache: Options.TTL")

		type unstorable struct{ F func() }
		_, err = cache.New(func(context.Context, int) (unstorable, error) { return unstorable{}, nil }, cache.Options{Isolate: true})
		require.ErrorContains(t, err, "cache: Options.Codec")
		require.ErrorContains(t, err, "F")
		inMemory, err := cache.New(func(context.Context, int) (unstorable, error) { return unstorable{}, nil }, cache.Options{})
		require.NoError(t, err, "memory takes anything")
		require.NoError(t, inMemory.Close())
	})
}

func TestUnstorableValuesAreRefusedOverRedis(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 1)
		_, err := cache.New(func(context.Context, int) (chan int, error) { return nil, nil }, cache.Options{Store: w.nodes[0], Name: "c"})
		require.ErrorContains(t, err, "cache: Options.Codec")
	})
}

func refused[K comparable](t *testing.T, name string) {
	t.Helper()
	_, err := cache.New(func(context.Context, K) (int, error) { return 0, nil }, cache.Options{MaxLoads: -1})
	require.ErrorContains(t, err, name)
	require.ErrorContains(t, err, "MaxLoads", "with the other faults")
}

func TestKeyTypesThatAreRefused(t *testing.T) {
	refused[float64](t, "float64")
	refused[*int](t, "*int")
	refused[any](t, "interface")
	refused[error](t, "error")
	refused[chan int](t, "chan int")
	refused[struct {
		ID    int
		Price float32
	}](t, "Price")
}

func TestIsolate(t *testing.T) {
	type row struct{ Tags []string }
	inWorlds(t, func(w *world) {
		pure := func() *row { return &row{Tags: []string{"a", "b"}} }
		var cs []*cache.Cached[int, *row]
		for _, store := range w.nodes {
			c, err := cache.New(func(context.Context, int) (*row, error) {
				<-time.After(10 * time.Millisecond)
				return pure(), nil
			}, cache.Options{Store: store, Name: "rows", Isolate: true, TTL: staleAWhile.TTL})
			require.NoError(w, err)
			cs = append(cs, c)
		}
		spoil := func(r *row, err error) {
			w.Helper()
			require.NoError(w, err)
			require.Equal(w, pure(), r)
			r.Tags[0], r.Tags = "spoilt", append(r.Tags, "spoilt")
		}
		everywhere := func() {
			w.Helper()
			for _, c := range cs {
				var all []chan struct{}
				for range 5 { // a leader and followers, then hits
					done := make(chan struct{})
					all = append(all, done)
					go func() { defer close(done); spoil(c.Get(bg, 1)) }()
				}
				for _, done := range all {
					<-done
				}
				for range 2 {
					spoil(c.Get(bg, 1))
					vs, err := c.GetMany(bg, []int{1})
					spoil(vs[1], err)
				}
				if r, ok := c.Peek(bg, 1); ok {
					spoil(r, nil)
				}
				pass(time.Millisecond)
			}
		}
		everywhere()
		spoil(cs[0].Refresh(bg, 1))
		everywhere()
		own := pure()
		require.NoError(w, cs[0].Set(bg, 1, own))
		own.Tags[0] = "spoilt"
		everywhere()
		pass(11 * time.Second)
		everywhere() // stale values
		require.NoError(w, cs[0].Expire(bg, 1))
		everywhere()
	})
}

// Without Isolate one value is shared.
func TestWithoutIsolate(t *testing.T) {
	c := cache.Must(cache.New(func(context.Context, int) (*int, error) { return new(int), nil }, cache.Options{}))
	defer c.Close()
	a, err := c.Get(bg, 1)
	require.NoError(t, err)
	b, err := c.Get(bg, 1)
	require.NoError(t, err)
	require.Same(t, a, b)
}

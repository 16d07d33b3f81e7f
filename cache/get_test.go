package cache_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
	"github.com/stretchr/testify/require"
)

func TestGetLoadsOnceThenHits(t *testing.T) {
	inWorlds(t, func(w *world) {
		src := newSource("k", "v")
		cs := w.openAll(src, cache.Options{})
		get(w, cs[0], "k", "v")
		get(w, cs[0], "k", "v")
		pass(time.Millisecond)
		get(w, cs[w.last()], "k", "v")
		require.Equal(w, 1, src.loads("k"))
		s := cs[0].Stats()
		require.EqualValues(w, 1, s.Loads)
		require.EqualValues(w, 1, s.LoaderCalls)
		require.EqualValues(w, 1, s.LoaderKeys)
		if w.last() > 0 {
			s := cs[1].Stats()
			require.EqualValues(w, 1, s.RedisHits)
			balanced(w, s, 1)
			get(w, cs[1], "k", "v")
			require.EqualValues(w, 1, cs[1].Stats().MemoryHits)
		}
	})
}

func TestGetStandsInForTheFunction(t *testing.T) {
	src := newSource("k", "v")
	c := cache.Must(cache.New(src.load, cache.Options{}))
	defer c.Close()
	f := func(get func(context.Context, string) (string, error)) func(context.Context, string) (string, error) {
		return get
	}(c.Get)
	v, err := f(bg, "k")
	require.NoError(t, err)
	require.Equal(t, "v", v)
	require.Empty(t, c.Name())
}

func TestGetNotFound(t *testing.T) {
	inWorlds(t, func(w *world) {
		src := newSource()
		src.fail(sql.ErrNoRows)
		isNoRows := func(err error) bool { return errors.Is(err, sql.ErrNoRows) }
		c := w.open(0, src, cache.Options{NotFound: isNoRows})
		v, err := c.Get(bg, "k")
		require.Empty(w, v)
		require.ErrorIs(w, err, cache.ErrNotFound)
		require.ErrorIs(w, err, sql.ErrNoRows, "it wraps the loader's own")
		require.True(w, strings.HasPrefix(err.Error(), "cache: "), err.Error())
		pass(time.Millisecond)
		_, err = c.Get(bg, "k")
		require.Equal(w, cache.ErrNotFound, err, "now it is cached")
		require.Equal(w, 1, src.loads("k"))
		s := c.Stats()
		require.EqualValues(w, 1, s.Loads)
		require.EqualValues(w, 1, s.Negative)
		require.Zero(w, s.LoadErrors)
		balanced(w, s, 2)
	})
}

func TestNotFoundOptionUnset(t *testing.T) {
	inWorlds(t, func(w *world) {
		src := newSource()
		src.fail(sql.ErrNoRows)
		c := w.open(0, src, cache.Options{})
		for range 2 {
			_, err := c.Get(bg, "k")
			require.ErrorIs(w, err, sql.ErrNoRows)
			require.NotErrorIs(w, err, cache.ErrNotFound)
			require.True(w, strings.HasPrefix(err.Error(), "cache: "), err.Error())
			pass(time.Millisecond)
		}
		require.Equal(w, 2, src.loads("k"), "failures are not cached")
	})
}

func TestNegativeTTL(t *testing.T) {
	inWorlds(t, func(w *world) {
		src := newSource()
		cs := w.openAll(src, cache.Options{TTL: ttl.Fixed(time.Hour).Negative(2 * time.Second)})
		missing(w, cs[0], "k")
		pass(time.Millisecond)
		src.set("k", "v")
		for _, c := range cs {
			missing(w, c, "k")
		}
		require.Equal(w, 1, src.loads("k"), "one for all nodes")
		pass(2 * time.Second)
		for _, c := range cs {
			get(w, c, "k", "v")
		}
	})
}

func TestNegativeByDefault(t *testing.T) {
	inWorlds(t, func(w *world) {
		src := newSource()
		c := w.open(0, src, cache.Options{TTL: ttl.Fixed(time.Hour)})
		missing(w, c, "k")
		pass(ttl.DefaultNegative - time.Second)
		missing(w, c, "k")
		require.Equal(w, 1, src.loads("k"))
		pass(time.Second)
		missing(w, c, "k")
		require.Equal(w, 2, src.loads("k"))
	})
}

func TestNegativeOff(t *testing.T) {
	inWorlds(t, func(w *world) {
		src := newSource()
		c := w.open(0, src, cache.Options{TTL: ttl.Fixed(time.Hour).Negative(0)})
		for range 3 {
			missing(w, c, "k")
			pass(time.Millisecond)
		}
		require.Equal(w, 3, src.loads("k"))
		if w.shared() {
			require.Empty(w, w.raw())
		}
	})
}

// A row that has gone leaves no value behind, in neither tier, even if absence is not cached.
func TestNotFoundReplacesTheValue(t *testing.T) {
	for _, p := range []ttl.Policy{
		ttl.Fixed(10 * time.Second).Negative(0), ttl.Fixed(10 * time.Second).Negative(time.Second),
		ttl.Fixed(10 * time.Second).StaleWhileRevalidate(time.Hour).StaleIfError(time.Hour).Negative(0),
		ttl.Fixed(10 * time.Second).StaleWhileRevalidate(time.Hour).StaleIfError(time.Hour),
	} {
		t.Run(p.String(), func(t *testing.T) {
			inWorlds(t, func(w *world) {
				src := newSource("k", "v", "l", "v")
				cs := w.openAll(src, cache.Options{TTL: p})
				get(w, cs[0], "k", "v")
				get(w, cs[0], "l", "v")
				src.change(func(s *source) { clear(s.rows) })
				_, err := cs[0].Refresh(bg, "k")
				require.ErrorIs(w, err, cache.ErrNotFound)
				pass(time.Millisecond)
				missing(w, cs[0], "k")
				missing(w, cs[w.last()], "k")

				pass(11 * time.Second)
				_, _ = cs[0].Get(bg, "l") // may be served stale, once
				pass(time.Second)
				missing(w, cs[0], "l")
				src.fail(errDown)
				pass(10 * time.Second)
				for _, c := range cs {
					v, err := c.Get(bg, "l")
					require.Error(w, err, "%q came back", v)
				}
			})
		})
	}
}

func TestPlainCache(t *testing.T) {
	inWorlds(t, func(w *world) {
		var cs []*cache.Cached[string, string]
		for _, store := range w.nodes {
			c, err := cache.New[string, string](nil, cache.Options{Store: store, Name: "plain", TTL: ttl.Fixed(time.Second)})
			require.NoError(w, err)
			cs = append(cs, c)
		}
		c := cs[0]
		missing(w, c, "k")
		_, err := c.Refresh(bg, "k")
		require.ErrorIs(w, err, cache.ErrNotFound)
		require.NoError(w, c.Set(bg, "k", "v"))
		for _, c := range cs {
			get(w, c, "k", "v")
		}
		require.NoError(w, c.SetMany(bg, map[string]string{"l": "w"}))
		vs, err := c.GetMany(bg, []string{"k", "l", "m"})
		require.NoError(w, err)
		require.Equal(w, map[string]string{"k": "v", "l": "w"}, vs)
		require.NoError(w, c.Invalidate(bg, "k"))
		missing(w, c, "k")
		pass(time.Second)
		for _, c := range cs {
			missing(w, c, "l")
		}
		require.Zero(w, c.Stats().LoaderCalls)
		balanced(w, c.Stats(), 8)
	})
}

func TestPlainBatchCache(t *testing.T) {
	c, err := cache.NewBatch[int, string](nil, cache.Options{})
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Get(bg, 1)
	require.ErrorIs(t, err, cache.ErrNotFound)
}

func TestPeek(t *testing.T) {
	inWorlds(t, func(w *world) {
		src := newSource("k", "v")
		cs := w.openAll(src, staleAWhile)
		peek := func(want bool) {
			w.Helper()
			for _, c := range cs {
				v, ok := c.Peek(bg, "k")
				require.Equal(w, want, ok)
				require.Equal(w, map[bool]string{true: "v"}[want], v)
			}
		}
		peek(false)
		_, ok := cs[0].Peek(bg, strings.Repeat("k", 10_000))
		require.False(w, ok)
		require.Zero(w, src.loads(""))

		get(w, cs[0], "k", "v")
		pass(time.Millisecond)
		peek(true)

		require.NoError(w, cs[0].Mutate(bg, "k", func(context.Context) error {
			pass(time.Millisecond)
			peek(false) // held
			_, err := cs[0].Get(bg, "k")
			return err
		}))
		pass(time.Millisecond)
		if w.shared() {
			peek(false)
		}

		get(w, cs[0], "k", "v")
		pass(time.Millisecond)
		require.NoError(w, cs[0].Expire(bg, "k"))
		pass(time.Millisecond)
		peek(false)

		src.slow(time.Second)
		loading := async(func() (string, error) { return cs[0].Get(bg, "k") })
		pass(time.Millisecond)
		a := <-async(func() (string, error) { peek(false); return "", nil })
		require.Zero(w, a.after, "it joins nothing")
		<-loading

		pass(11 * time.Second)
		peek(false) // stale
		require.NoError(w, cs[0].Invalidate(bg, "k", "gone"))
		missing(w, cs[0], "gone")
		_, ok = cs[0].Peek(bg, "gone")
		require.False(w, ok, "an absence")

		require.EqualValues(w, 5, cs[0].Stats().Requests, "the Gets alone")
	})
}

func TestTooLongKeys(t *testing.T) {
	inWorlds(t, func(w *world) {
		long := strings.Repeat("k", tiered.DefaultMaxKeyBytes)
		src := newSource("k", "v", long, "v")
		c := w.open(0, src, cache.Options{})
		_, err := c.Get(bg, long)
		require.ErrorIs(w, err, tiered.ErrTooLarge)
		require.ErrorContains(w, err, "cache: ")
		vs, err := c.GetMany(bg, []string{"k", long})
		var failed *cache.BatchError[string]
		require.ErrorAs(w, err, &failed)
		require.ErrorIs(w, failed.Failed[long], tiered.ErrTooLarge)
		require.Len(w, failed.Failed, 1)
		require.Equal(w, map[string]string{"k": "v"}, vs)
		_, err = c.Refresh(bg, long)
		require.ErrorIs(w, err, tiered.ErrTooLarge)
		require.ErrorIs(w, c.Set(bg, long, "v"), tiered.ErrTooLarge)
		require.ErrorIs(w, c.Expire(bg, long), tiered.ErrTooLarge)
		require.ErrorIs(w, c.Mutate(bg, long, func(context.Context) error { return nil }), tiered.ErrTooLarge)
		require.Zero(w, src.loads(long))
		balanced(w, c.Stats(), 4)
	})
}

// A key that cannot be cached needs no invalidation, and spares no other one.
func TestInvalidateBesideATooLongKey(t *testing.T) {
	inWorlds(t, func(w *world) {
		long := strings.Repeat("k", tiered.DefaultMaxKeyBytes)
		src := newSource("k", "old")
		c := w.open(0, src, cache.Options{})
		get(w, c, "k", "old")
		src.set("k", "new")
		require.ErrorIs(w, c.Invalidate(bg, long, "k"), tiered.ErrTooLarge)
		get(w, c, "k", "new")
	})
}

func TestOversizedValue(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 2, func(o *tiered.Options) { o.MaxValueBytes, o.CompressAbove = 100, -1 })
		big := strings.Repeat("v", 1000)
		src := newSource("k", big)
		cs := w.openAll(src, cache.Options{})
		for range 2 {
			for _, c := range cs {
				get(t, c, "k", big)
				pass(time.Millisecond)
			}
		}
		require.Equal(t, 2, src.loads("k"), "one for each memory")
		require.EqualValues(t, 1, w.nodes[0].Stats().Oversized)
		require.Empty(t, w.raw(), "no lease is left")

		err := cs[0].Set(bg, "k", big+"new")
		require.ErrorIs(t, err, tiered.ErrTooLarge)
		src.set("k", big+"new")
		for _, c := range cs {
			pass(time.Millisecond)
			get(t, c, "k", big+"new")
		}
	})
}

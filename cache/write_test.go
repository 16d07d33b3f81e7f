package cache_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
	"github.com/stretchr/testify/require"
)

func TestSetMany(t *testing.T) {
	inWorlds(t, func(w *world) {
		src := newSource("a", "old", "b", "old", "c", "old")
		cs := w.openAll(src, cache.Options{TTL: ttl.Fixed(time.Minute)})
		for _, c := range cs {
			_, err := c.GetMany(bg, []string{"a", "b", "c"})
			require.NoError(w, err)
		}
		want := map[string]string{"a": "A", "b": "B"}
		require.NoError(w, cs[0].SetMany(bg, want))
		pass(time.Millisecond)
		for _, c := range cs {
			vs, err := c.GetMany(bg, []string{"a", "b"})
			require.NoError(w, err)
			require.Equal(w, want, vs)
		}
		require.Equal(w, 3, src.loads(""))
		require.NoError(w, cs[0].SetMany(bg, nil))

		many := map[string]string{}
		for i := range 1100 {
			many[fmt.Sprint("many", i)] = fmt.Sprint(i)
		}
		require.NoError(w, cs[0].SetMany(bg, many))
		for _, c := range cs {
			vs, err := c.GetMany(bg, sorted(many))
			require.NoError(w, err)
			require.Len(w, vs, len(many))
		}
		pass(time.Minute)
		get(w, cs[0], "a", "old")
	})
}

// A Set during a Mutate stores nothing.
func TestSetDuringMutate(t *testing.T) {
	inWorlds(t, func(w *world) {
		src := newSource("k", "old")
		cs := w.openAll(src, cache.Options{})
		require.NoError(w, cs[0].Mutate(bg, "k", func(context.Context) error {
			require.NoError(w, cs[w.last()].Set(bg, "k", "set"))
			get(w, cs[w.last()], "k", "old")
			src.set("k", "new")
			get(w, cs[w.last()], "k", "new")
			return nil
		}))
		pass(time.Millisecond)
		for _, c := range cs {
			get(w, c, "k", "new")
		}
	})
}

func TestRefresh(t *testing.T) {
	inWorlds(t, func(w *world) {
		src := newSource("k", "old")
		cs := w.openAll(src, cache.Options{TTL: ttl.Fixed(time.Minute)})
		get(w, cs[0], "k", "old")
		src.set("k", "new")
		src.slow(time.Second)
		refreshing := async(func() (string, error) { return cs[0].Refresh(bg, "k") })
		pass(500 * time.Millisecond)
		a := <-async(func() (string, error) { return cs[0].Get(bg, "k") })
		require.Equal(w, answer{value: "old"}, a, "readers go on with the old value")
		require.Equal(w, "new", (<-refreshing).value)
		get(w, cs[0], "k", "new")
		pass(time.Millisecond)
		if w.shared() {
			late, err := tiered.Open(tiered.Options{Redis: w.nets[0].Client(w.T), MemoryBytes: 1 << 20})
			require.NoError(w, err)
			defer late.Close()
			get(w, openOn(w.T, late, src, cache.Options{}), "k", "new") // from Redis
		}
		require.Equal(w, 2, src.loads("k"))

		src.slow(0)
		src.fail(errDown)
		v, err := cs[0].Refresh(bg, "k")
		require.ErrorIs(w, err, errDown)
		require.Empty(w, v)
		pass(time.Millisecond)
		get(w, cs[0], "k", "new")
		src.fail(nil)
		v, err = cs[0].Refresh(bg, "cold")
		require.ErrorIs(w, err, cache.ErrNotFound)
		require.Empty(w, v)
		src.set("cold", "c")
		v, err = cs[w.last()].Refresh(bg, "cold")
		require.NoError(w, err)
		require.Equal(w, "c", v)
		balanced(w, cs[0].Stats().Add(cs[w.last()].Stats()), -1)
	})
}

// The load of a Refresh begins after the call: it does not join one that began before.
func TestRefreshDoesNotJoin(t *testing.T) {
	inWorlds(t, func(w *world) {
		src := newSource("k", "old")
		src.slow(time.Second)
		c := w.open(0, src, cache.Options{})
		reading := async(func() (string, error) { return c.Get(bg, "k") })
		pass(500 * time.Millisecond)
		src.set("k", "new")
		v, err := c.Refresh(bg, "k")
		require.NoError(w, err)
		require.Equal(w, "new", v)
		require.Equal(w, "old", (<-reading).value)
		get(w, c, "k", "new")
		pass(time.Second)
		get(w, c, "k", "new")
	})
}

// A read that began before a Refresh and ends after it does not take the newer value back.
func TestRefreshIsNotOverwritten(t *testing.T) {
	inWorlds(t, func(w *world) {
		src := newSource("k", "old")
		src.slow(3 * time.Second)
		c := w.open(0, src, cache.Options{})
		reading := async(func() (string, error) { return c.Get(bg, "k") })
		pass(500 * time.Millisecond)
		src.set("k", "new")
		src.slow(0)
		v, err := c.Refresh(bg, "k")
		require.NoError(w, err)
		require.Equal(w, "new", v)
		get(w, c, "k", "new")
		<-reading
		pass(time.Millisecond)
		get(w, c, "k", "new")
	})
}

func TestInvalidatePrefixOfStructKeys(t *testing.T) {
	type key struct {
		User int
		Kind string
		Page uint8
	}
	inWorlds(t, func(w *world) {
		var keys []key
		for user := range 3 {
			for _, kind := range []string{"a", "b", "a:b", ""} {
				keys = append(keys, key{user, kind, 1}, key{user, kind, 11})
			}
		}
		var n atomic.Int64
		var cs []*cache.Cached[key, int64]
		for _, store := range w.nodes {
			c, err := cache.New(func(context.Context, key) (int64, error) { return n.Load(), nil },
				cache.Options{Store: store, Name: "pages", TTL: ttl.Fixed(time.Hour)})
			require.NoError(w, err)
			cs = append(cs, c)
		}
		for _, test := range []struct {
			prefix []any
			covers func(key) bool
		}{
			{nil, func(key) bool { return true }},
			{[]any{1}, func(k key) bool { return k.User == 1 }},
			{[]any{int64(1), "a"}, func(k key) bool { return k.User == 1 && k.Kind == "a" }},
			{[]any{uint(2), ""}, func(k key) bool { return k.User == 2 && k.Kind == "" }},
			{[]any{0, "a:b", 1}, func(k key) bool { return k == key{0, "a:b", 1} }},
			{[]any{7}, func(key) bool { return false }},
		} {
			for _, c := range cs {
				_, err := c.GetMany(bg, keys)
				require.NoError(w, err)
			}
			before := n.Load()
			n.Add(1)
			require.NoError(w, cs[0].InvalidatePrefix(bg, test.prefix...))
			pass(time.Millisecond)
			for _, c := range cs {
				for _, k := range keys {
					v, err := c.Get(bg, k)
					require.NoError(w, err)
					require.Equal(w, test.covers(k), v > before, "prefix %v, key %+v", test.prefix, k)
				}
			}
			require.NoError(w, cs[0].InvalidatePrefix(bg))
			pass(time.Millisecond)
		}
		for _, wrong := range [][]any{{"1"}, {1, 2}, {1.0}, {nil}, {1, "a", 300}, {1, "a", -1}, {1, "a", 1, 1}, {key{}}} {
			err := cs[0].InvalidatePrefix(bg, wrong...)
			require.Error(w, err, "%v", wrong)
			require.True(w, strings.HasPrefix(err.Error(), "cache: "), err.Error())
		}
	})
}

func TestMutate(t *testing.T) {
	inWorlds(t, func(w *world) {
		src := newSource("k", "old")
		cs := w.openAll(src, cache.Options{MutateTimeout: 3 * time.Second})
		c := cs[0]
		check := func(want string) {
			w.Helper()
			pass(time.Millisecond)
			for _, c := range cs {
				get(w, c, "k", want)
			}
		}
		check("old")
		require.NoError(w, c.Mutate(context.WithValue(bg, contextKey{}, "x"), "k", func(ctx context.Context) error {
			end, ok := ctx.Deadline()
			require.True(w, ok)
			require.Equal(w, 3*time.Second, time.Until(end))
			require.Equal(w, "x", ctx.Value(contextKey{}))
			src.set("k", "1")
			return nil
		}))
		check("1")

		err := c.Mutate(bg, "k", func(context.Context) error {
			src.set("k", "2") // committed, though it says otherwise
			return errDown
		})
		require.ErrorIs(w, err, errDown)
		require.True(w, strings.HasPrefix(err.Error(), "cache: "), err.Error())
		check("2")

		require.PanicsWithValue(w, "in a write", func() {
			_ = c.Mutate(bg, "k", func(context.Context) error {
				src.set("k", "3")
				panic("in a write")
			})
		})
		check("3")

		<-async(func() (string, error) {
			_ = c.Mutate(bg, "k", func(context.Context) error {
				src.set("k", "4")
				runtime.Goexit()
				return nil
			})
			return "", nil
		})
		check("4")

		err = c.Mutate(bg, "k", func(ctx context.Context) error {
			src.set("k", "5")
			<-ctx.Done()
			return ctx.Err()
		})
		require.ErrorIs(w, err, context.DeadlineExceeded)
		check("5")
		n := src.loads("k")
		check("5")
		require.Equal(w, n, src.loads("k"), "no hold is left")
	})
}

func TestConcurrentMutates(t *testing.T) {
	inSomeWorlds(t, []int{0, 1, 3}, func(w *world) {
		src := newSource("k", "old")
		cs := w.openAll(src, cache.Options{})
		for _, c := range cs {
			get(w, c, "k", "old")
		}
		var all []<-chan answer
		for i := range 9 {
			c := cs[i%len(cs)]
			all = append(all, async(func() (string, error) {
				return "", c.Mutate(bg, "k", func(context.Context) error {
					pass2(time.Duration(i%4) * 100 * time.Millisecond)
					src.set("k", fmt.Sprint(i))
					pass2(time.Duration(i%3) * 100 * time.Millisecond)
					return nil
				})
			}))
		}
		for _, ch := range all {
			require.NoError(w, (<-ch).err)
		}
		pass(time.Millisecond)
		row, err := src.load(bg, "k")
		require.NoError(w, err)
		for _, c := range cs {
			get(w, c, "k", row)
		}
		n := src.loads("k")
		pass(time.Millisecond)
		for _, c := range cs {
			get(w, c, "k", row)
		}
		require.Equal(w, n, src.loads("k"), "no hold is left")
	})
}

// HoldAfter is for loaders that read from replicas that lag: what they load within it is kept nowhere.
func TestHoldAfter(t *testing.T) {
	inWorlds(t, func(w *world) {
		src := newSource("k", "old")
		cs := w.openAll(src, cache.Options{TTL: ttl.Fixed(time.Minute), HoldAfter: 5 * time.Second, MutateTimeout: time.Second})
		lagging := func(c *rows) error { return c.Mutate(bg, "k", func(context.Context) error { return nil }) }
		for round, begin := range []func() error{
			func() error { return lagging(cs[0]) },
			func() error { // two at once
				other := async(func() (string, error) { return "", lagging(cs[w.last()]) })
				return errors.Join(lagging(cs[0]), (<-other).err)
			},
		} {
			src.set("k", "old")
			require.NoError(w, begin())
			for range 4 {
				for _, c := range cs {
					get(w, c, "k", "old") // the replica lags
				}
				pass(time.Second)
			}
			src.set("k", "new")
			for _, c := range cs {
				get(w, c, "k", "new")
			}
			pass(2 * time.Second)
			for _, c := range cs {
				get(w, c, "k", "new")
			}
			n := src.loads("k")
			pass(time.Second)
			get(w, cs[0], "k", "new")
			require.Equal(w, n, src.loads("k"), "round %d: cached again after the hold", round)
		}
	})
}

// pass2 lets time pass in one of several goroutines.
func pass2(d time.Duration) { <-time.After(d) }

package cache_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
	"github.com/stretchr/testify/require"
)

func TestFixedTTL(t *testing.T) {
	inWorlds(t, func(w *world) {
		src := newSource("k", "old")
		cs := w.openAll(src, cache.Options{TTL: ttl.Fixed(5 * time.Second)})
		get(w, cs[0], "k", "old")
		src.set("k", "new")
		pass(4980 * time.Millisecond)
		for _, c := range cs {
			get(w, c, "k", "old")
		}
		pass(20 * time.Millisecond)
		for _, c := range cs {
			get(w, c, "k", "new")
		}
	})
}

func TestStaleWhileRevalidate(t *testing.T) {
	inWorlds(t, func(w *world) {
		src := newSource("k", "old")
		cs := w.openAll(src, cache.Options{TTL: ttl.Fixed(5 * time.Second).StaleWhileRevalidate(time.Minute)})
		for _, c := range cs {
			get(w, c, "k", "old")
			pass(time.Millisecond)
		}
		src.set("k", "new")
		src.slow(time.Second)
		pass(6 * time.Second)
		for range 10 {
			for _, c := range cs {
				a := <-async(func() (string, error) { return c.Get(bg, "k") })
				require.Equal(w, answer{value: "old"}, a, "at once")
			}
		}
		pass(1200 * time.Millisecond)
		require.Equal(w, 2, src.loads("k"), "one load for all")
		for _, c := range cs { // the node that did not get to refresh may serve its stale value once more
			_, _ = c.Get(bg, "k")
			pass(1200 * time.Millisecond)
			get(w, c, "k", "new")
		}
		require.Equal(w, 2, src.loads("k"))
		s := cs[0].Stats()
		require.GreaterOrEqual(w, s.Stale, uint64(10))
		balanced(w, s, -1)

		src.set("k", "newest")
		src.slow(0)
		pass(2 * time.Minute) // past the window
		for _, c := range cs {
			get(w, c, "k", "newest")
		}
	})
}

// Without memory the stale values of Redis are revalidated all the same.
func TestStaleWhileRevalidateWithoutMemory(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 2, func(o *tiered.Options) { o.Engine = tiered.NoMemory })
		src := newSource("k", "old")
		cs := w.openAll(src, cache.Options{TTL: ttl.Fixed(5 * time.Second).StaleWhileRevalidate(time.Minute)})
		get(t, cs[0], "k", "old")
		src.set("k", "new")
		pass(6 * time.Second)
		get(t, cs[1], "k", "old")
		pass(100 * time.Millisecond)
		get(t, cs[0], "k", "new")
		require.Equal(t, 2, src.loads("k"))
	})
}

// The end of freshness that a node remembers for its own load is the one that Redis has, however long it took to write:
// the first stale read starts the refresh.
func TestStaleWhileRevalidateAfterASlowFill(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 1)
		src := newSource("k", "old", "l", "old", "m", "old")
		c, err := cache.NewBatch(func(ctx context.Context, ks []string) (map[string]string, error) {
			out := map[string]string{}
			for _, k := range ks {
				out[k], _ = src.load(ctx, k)
			}
			return out, nil
		}, cache.Options{
			Store: w.nodes[0], Name: "rows", Isolate: true, Codec: slowCodec{encode: 40 * time.Millisecond},
			TTL: ttl.Fixed(5 * time.Second).StaleWhileRevalidate(time.Minute),
		})
		require.NoError(t, err)
		ks := []string{"k", "l", "m"}
		_, err = c.GetMany(bg, ks)
		require.NoError(t, err)
		pass(time.Second)
		for _, k := range ks {
			src.set(k, "new")
		}
		pass(5 * time.Second)
		for _, k := range ks {
			get(t, c, k, "old")
			pass(500 * time.Millisecond)
			get(t, c, k, "new")
		}
	})
}

func TestStaleIfError(t *testing.T) {
	inWorlds(t, func(w *world) {
		src := newSource("k", "old")
		cs := w.openAll(src, cache.Options{TTL: ttl.Fixed(5 * time.Second).StaleIfError(time.Minute)})
		get(w, cs[0], "k", "old") // the others have it in Redis only
		src.fail(errDown)
		pass(6 * time.Second)
		for _, c := range cs {
			for range 2 {
				get(w, c, "k", "old")
				pass(10 * time.Millisecond)
			}
			s := c.Stats()
			require.EqualValues(w, 2, s.Stale)
			require.EqualValues(w, 2, s.LoadErrors)
		}
		_, err := cs[0].Refresh(bg, "k")
		require.ErrorIs(w, err, errDown, "who asks for a new one does not get an old one")
		pass(10 * time.Millisecond)

		src.fail(nil)
		src.set("k", "new")
		for _, c := range cs {
			get(w, c, "k", "new")
		}
		pass(5*time.Second + time.Minute)
		src.fail(errDown)
		for _, c := range cs {
			_, err := c.Get(bg, "k")
			require.ErrorIs(w, err, errDown, "the window is over")
		}
	})
}

// What was invalidated is never served, not even if the load fails; what was expired is.
func TestStaleIfErrorAndInvalidation(t *testing.T) {
	for killer, kill := range killers {
		if killer == "Set" {
			continue
		}
		t.Run(killer, func(t *testing.T) {
			inWorlds(t, func(w *world) {
				src := newSource("k", "old")
				cs := w.openAll(src, staleAWhile)
				for _, c := range cs {
					get(w, c, "k", "old")
				}
				for _, when := range []time.Duration{0, 15 * time.Second} { // fresh, stale
					src.fail(nil)
					src.set("k", "old")
					pass(when)
					require.NoError(w, kill(cs[w.last()], src))
					pass(10 * time.Millisecond)
					src.fail(errDown)
					for range 3 {
						for _, c := range cs {
							v, err := c.Get(bg, "k")
							if killer == "Expire" {
								require.NoError(w, err)
								require.Equal(w, "old", v)
							} else {
								require.ErrorIs(w, err, errDown)
							}
							pass(10 * time.Millisecond)
						}
					}
					if killer == "Expire" {
						require.NoError(w, cs[0].Invalidate(bg, "k"))
						_, err := cs[w.last()].Get(bg, "k")
						require.ErrorIs(w, err, errDown)
						pass(10 * time.Millisecond)
					}
					src.fail(nil)
					src.set("k", "old")
					for _, c := range cs {
						get(w, c, "k", "old")
					}
				}
			})
		})
	}
}

func TestEarlyRefresh(t *testing.T) {
	inWorlds(t, func(w *world) {
		src := newSource("k", "old")
		src.slow(time.Second)
		cs := w.openAll(src, cache.Options{TTL: ttl.Fixed(10 * time.Second).EarlyRefresh(1)})
		get(w, cs[0], "k", "old")
		pass(10 * time.Millisecond)
		for _, c := range cs {
			get(w, c, "k", "old")
		}
		src.set("k", "new")
		reads, slow := 0, 0
		for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
			for _, c := range cs {
				a := <-async(func() (string, error) { return c.Get(bg, "k") })
				require.NoError(w, a.err)
				reads++
				if a.after > 0 {
					slow++
				}
			}
			pass(20 * time.Millisecond)
		}
		require.LessOrEqual(w, slow, len(cs), "of %d reads: the next value was ready in time", reads)
		require.LessOrEqual(w, src.loads("k"), 7)
		require.GreaterOrEqual(w, src.loads("k"), 3)
	})
}

func TestTTLFromValue(t *testing.T) {
	inWorlds(t, func(w *world) {
		// the length of the value, in seconds; none if it is empty
		p := ttl.FromValue(func(v string) time.Duration { return time.Duration(len(v)) * time.Second }).AtMost(20 * time.Second)
		src := newSource("short", "vvv", "long", strings.Repeat("v", 100), "none", "")
		c := w.open(0, src, cache.Options{TTL: p})
		for k := range src.rows {
			get(w, c, k, src.rows[k])
		}
		pass(2 * time.Second)
		for k := range src.rows {
			get(w, c, k, src.rows[k])
		}
		require.Equal(w, 2, src.loads("none"), "not kept")
		require.Equal(w, 1, src.loads("short"))
		pass(time.Second)
		get(w, c, "short", "vvv")
		require.Equal(w, 2, src.loads("short"))
		pass(17 * time.Second)
		get(w, c, "long", src.rows["long"])
		require.Equal(w, 2, src.loads("long"), "at most 20 s")

		require.NoError(w, c.Set(bg, "long", ""))
		_, ok := c.Peek(bg, "long")
		require.False(w, ok, "a Set of what is not to be kept keeps nothing")
	})
}

func TestMaxTTLBounds(t *testing.T) {
	for _, nodes := range []int{0, 1} {
		bubble(t, func(t *testing.T) {
			w := newWorld(t, nodes, func(o *tiered.Options) { o.MaxTTL = 10 * time.Second })
			src := newSource("k", "old")
			p := ttl.FromValue(func(string) time.Duration { return time.Hour })
			c := w.open(0, src, cache.Options{TTL: p})
			get(t, c, "k", "old")
			src.set("k", "new")
			pass(9 * time.Second)
			get(t, c, "k", "old")
			pass(time.Second)
			get(t, c, "k", "new")
			require.NoError(t, c.Set(bg, "k", "set"))
			pass(10 * time.Second)
			get(t, c, "k", "new")
		})
	}
}

func TestPolicyFromStrategies(t *testing.T) {
	for _, nodes := range []int{0, 1} {
		bubble(t, func(t *testing.T) {
			w := newWorld(t, nodes, func(o *tiered.Options) { o.Strategies = ttl.Table{"posts": ttl.Fixed(time.Second)} })
			for name, lives := range map[string]time.Duration{"posts": time.Second, "others": cache.DefaultTTL} {
				src := newSource("k", "v")
				c, err := cache.New(src.load, cache.Options{Store: w.nodes[0], Name: name})
				require.NoError(t, err)
				get(t, c, "k", "v")
				pass(lives - 20*time.Millisecond)
				get(t, c, "k", "v")
				require.Equal(t, 1, src.loads("k"))
				pass(20 * time.Millisecond)
				get(t, c, "k", "v")
				require.Equal(t, 2, src.loads("k"))
			}
		})
	}
}

func TestExpire(t *testing.T) {
	inWorlds(t, func(w *world) {
		src := newSource("a", "A", "b", "B", "gone", "G")
		cs := w.openAll(src, cache.Options{TTL: ttl.Fixed(time.Minute)}) // no stale-if-error of its own
		for _, c := range cs {
			_, err := c.GetMany(bg, []string{"a", "b"})
			require.NoError(w, err)
		}
		missing(w, cs[0], "absent")
		pass(time.Millisecond)
		require.NoError(w, cs[w.last()].Expire(bg, "a", "a", "b", "absent", "never seen"))
		pass(time.Millisecond)
		src.fail(errDown)
		for _, c := range cs {
			for k, want := range map[string]string{"a": "A", "b": "B"} {
				_, ok := c.Peek(bg, k)
				require.False(w, ok)
				for range 2 {
					get(w, c, k, want)
					pass(time.Millisecond)
				}
			}
			_, err := c.Get(bg, "absent")
			require.ErrorIs(w, err, errDown)
		}
		src.fail(nil)
		src.set("a", "new")
		for _, c := range cs {
			get(w, c, "a", "new")
		}
		require.NoError(w, cs[0].Expire(bg))
		src.fail(errDown)
		pass(2 * time.Minute)
		_, err := cs[0].Get(bg, "b")
		require.ErrorIs(w, err, errDown, "its time is over")
	})
}

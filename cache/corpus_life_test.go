package cache_test

import (
	"context"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
	"github.com/stretchr/testify/require"
)

// A dropped cache leaked its goroutines; a second Close panicked. goleak and the bubble look for what is left.
func TestCorpus15CloseEndsEverything(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for range 20 {
			c, err := cache.New(newSource("k", "v").load, cache.Options{})
			require.NoError(t, err)
			get(t, c, "k", "v")
			require.NoError(t, c.Close())
			require.NoError(t, c.Close())
		}
	})
}

// 10,000 stale reads left 10,000 goroutines.
func TestCorpus15StaleReadsMakeNoGoroutines(t *testing.T) {
	inWorlds(t, func(w *world) {
		src := newSource()
		c := w.open(0, src, staleAWhile)
		for i := range 100 {
			k := strconv.Itoa(i)
			src.set(k, "v")
			get(w, c, k, "v")
		}
		pass(11 * time.Second)
		src.slow(5 * time.Second)
		before := runtime.NumGoroutine()
		connections := func() (n int) {
			for _, network := range w.nets {
				n += 3 * network.Dials()
			}
			return n
		}
		for i := range 10_000 {
			get(w, c, strconv.Itoa(i%100), "v")
		}
		require.LessOrEqual(w, runtime.NumGoroutine(), before+5*100+connections(), "a few for each key")
		require.LessOrEqual(w, src.loads(""), 200)
		pass(6 * time.Second)
		require.Less(w, runtime.NumGoroutine(), before+50+connections())
	})
}

// Set then an immediate Get on the same node missed, or found the older value.
func TestCorpus17SetThenGet(t *testing.T) {
	for name, engine := range map[string]tiered.Engine{"ristretto": tiered.Ristretto, "otter": tiered.Otter, "no memory": tiered.NoMemory} {
		t.Run(name, func(t *testing.T) {
			for _, nodes := range []int{0, 1, 2} {
				if nodes == 0 && name == "no memory" {
					continue
				}
				bubble(t, func(t *testing.T) {
					w := newWorld(t, nodes, func(o *tiered.Options) { o.Engine = engine })
					plain, err := cache.New[int, int](nil, cache.Options{Store: w.nodes[0], Name: "plain"})
					require.NoError(t, err)
					for i := range 600 / (1 + 2*nodes) {
						require.NoError(t, plain.Set(bg, i%50, i))
						v, err := plain.Get(bg, i%50)
						require.NoError(t, err)
						require.Equal(t, i, v)
						if i%3 == 0 {
							require.NoError(t, plain.Set(bg, i%50, -i))
							v, err = plain.Get(bg, i%50)
							require.NoError(t, err)
							require.Equal(t, -i, v)
						}
					}
				})
			}
		})
	}
}

// Clock skew of minutes hid an invalidation: FusionCache #319. Here Redis's clock is an hour ahead, then behind.
func TestCorpus18ClockSkew(t *testing.T) {
	inSomeWorlds(t, []int{1, 2, 3}, func(w *world) {
		src := newSource("k", "0")
		cs := w.openAll(src, cache.Options{TTL: ttl.Fixed(time.Hour)})
		n := 0
		for _, skew := range []time.Duration{0, time.Hour, -time.Hour, 5 * time.Minute, -10 * time.Hour} {
			w.mini.SetTime(time.Now().Add(skew))
			for _, kill := range []func(c *rows) error{
				func(c *rows) error { return c.InvalidatePrefix(bg) },
				func(c *rows) error { return c.Invalidate(bg, "k") },
				func(c *rows) error { return c.InvalidatePrefix(bg, "k") },
				func(c *rows) error { return c.Mutate(bg, "k", func(context.Context) error { return nil }) },
			} {
				for i := range cs {
					for _, c := range cs {
						get(w, c, "k", strconv.Itoa(n))
					}
					n++
					src.set("k", strconv.Itoa(n))
					require.NoError(w, kill(cs[i]))
					get(w, cs[i], "k", strconv.Itoa(n))
					pass(10 * time.Millisecond)
				}
			}
		}
	})
}

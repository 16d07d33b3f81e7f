package cache_test

import (
	"context"
	"testing"
	"time"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/ttl"
	"github.com/stretchr/testify/require"
)

// readers begin a read of "k" whose load sees the row of this moment.
var readers = map[string]func(w *world, c *rows){
	"Get": func(_ *world, c *rows) { async(func() (string, error) { return c.Get(bg, "k") }) },
	"GetMany": func(_ *world, c *rows) {
		async(func() (string, error) { _, err := c.GetMany(bg, []string{"j", "k", "l"}); return "", err })
	},
	"Refresh": func(_ *world, c *rows) { async(func() (string, error) { return c.Refresh(bg, "k") }) },
	"joined": func(_ *world, c *rows) {
		async(func() (string, error) { return c.Get(bg, "k") })
		for range 5 {
			async(func() (string, error) { return c.Get(bg, "k") })
			async(func() (string, error) { _, err := c.GetMany(bg, []string{"k", "l"}); return "", err })
		}
	},
	"background refresh": func(w *world, c *rows) {
		_, err := c.Get(bg, "k")
		require.NoError(w, err)
		pass(11 * time.Second) // stale from here on
		get(w, c, "k", "old")
	},
}

// killers end what "k" was, after the row has become "new".
var killers = map[string]func(c *rows, src *source) error{
	"Invalidate": func(c *rows, src *source) error {
		src.set("k", "new")
		return c.Invalidate(bg, "k")
	},
	"InvalidatePrefix": func(c *rows, src *source) error {
		src.set("k", "new")
		return c.InvalidatePrefix(bg, "k")
	},
	"InvalidatePrefix of all": func(c *rows, src *source) error {
		src.set("k", "new")
		return c.InvalidatePrefix(bg)
	},
	"Set": func(c *rows, src *source) error {
		src.set("k", "new")
		return c.Set(bg, "k", "new")
	},
	"Mutate": func(c *rows, src *source) error {
		return c.Mutate(bg, "k", func(context.Context) error {
			src.set("k", "new")
			return nil
		})
	},
	"Expire": func(c *rows, src *source) error {
		src.set("k", "new")
		return c.Expire(bg, "k")
	},
}

var staleAWhile = cache.Options{TTL: ttl.Fixed(10 * time.Second).StaleWhileRevalidate(time.Minute).StaleIfError(time.Minute)}

// A delete during a load lost to the late fill: sturdyc, jetcache, gocache, hot, groupcache, FusionCache (#535, #613,
// #625, #628), Guava, Caffeine's getAll, HybridCache (#7771), lettuce (#3481).
func TestCorpus01DeleteDuringLoad(t *testing.T) {
	for reader, read := range readers {
		for killer, kill := range killers {
			t.Run(reader+"/"+killer, func(t *testing.T) {
				inWorlds(t, func(w *world) {
					src := newSource("k", "old", "j", "j", "l", "l")
					cs := w.openAll(src, staleAWhile)
					here, there := cs[0], cs[w.last()]
					src.slow(time.Second)
					read(w, here)
					pass(500 * time.Millisecond) // the load is under way, and has seen "old"

					src.slow(0)
					require.NoError(w, kill(there, src))
					get(w, there, "k", "new")
					pass(100 * time.Millisecond) // messages have arrived
					for _, c := range cs {
						get(w, c, "k", "new")
					}
					pass(time.Second) // the load has ended
					for range 3 {
						for _, c := range cs {
							get(w, c, "k", "new")
							if v, ok := c.Peek(bg, "k"); ok {
								require.Equal(w, "new", v)
							}
						}
						pass(4 * time.Second)
					}
				})
			})
		}
	}
}

// The same with a load that ignores its context and ends after it was given up, after its lease has ended, or after
// the newer load.
func TestCorpus01DeleteDuringLateLoad(t *testing.T) {
	for killer, kill := range killers {
		for _, takes := range []time.Duration{1500 * time.Millisecond, 2500 * time.Millisecond, 5 * time.Second} {
			t.Run(killer+"/"+takes.String(), func(t *testing.T) {
				inWorlds(t, func(w *world) {
					src := newSource("k", "old")
					src.deaf = true
					cs := w.openAll(src, cache.Options{TTL: ttl.Fixed(time.Minute), LoadTimeout: time.Second})
					src.slow(takes)
					first := async(func() (string, error) { return cs[0].Get(bg, "k") })
					pass(900 * time.Millisecond)
					src.slow(200 * time.Millisecond)
					require.NoError(w, kill(cs[w.last()], src))
					pass(50 * time.Millisecond)
					for _, c := range cs {
						get(w, c, "k", "new")
					}
					a := <-first
					require.Equal(w, time.Second, a.after)
					if a.err != nil { // or else it got the newer value instead
						require.ErrorIs(w, a.err, context.DeadlineExceeded)
						require.Empty(w, a.value)
					}
					require.NotEqual(w, "old", a.value)
					for range 6 {
						for _, c := range cs {
							get(w, c, "k", "new")
						}
						pass(time.Second)
					}
					require.EqualValues(w, 1, cs[0].Stats().LateLoads)
				})
			})
		}
	}
}

// The token of a lease that is the process's own lets an old load pass the compare-and-set: rueidisaside. Fill 1 begins;
// a delete; fill 2 takes the lease; fill 1 ends first.
func TestCorpus02LeaseTokenPerProcess(t *testing.T) {
	inSomeWorlds(t, []int{1, 2}, func(w *world) {
		src := newSource("k", "old")
		cs := w.openAll(src, cache.Options{})
		src.slow(time.Second)
		first := async(func() (string, error) { return cs[0].Get(bg, "k") })
		pass(100 * time.Millisecond)
		src.set("k", "new")
		require.NoError(w, cs[0].Invalidate(bg, "k"))
		src.slow(2 * time.Second)
		second := async(func() (string, error) { return cs[0].Get(bg, "k") })
		require.Equal(w, "old", (<-first).value, "it asked before")
		pass(100 * time.Millisecond)
		for k, v := range w.raw() {
			require.Equal(w, byte('L'), v[0], "%q holds %q: the first fill passed for the second", k, v)
		}
		require.Equal(w, "new", (<-second).value)
		pass(100 * time.Millisecond)
		for _, c := range cs {
			get(w, c, "k", "new")
		}
		require.Equal(w, 2, src.loads("k"))
		require.EqualValues(w, 1, w.nodes[0].Stats().FillsRefused)
	})
}

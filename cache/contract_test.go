package cache_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
	"github.com/stretchr/testify/require"
)

// F1 also in the outage: the error says that Redis was not told, and on this node the old value is gone all the same.
func TestF1SameNodeWhileRedisIsAway(t *testing.T) {
	for fault, harm := range map[string]struct{ begin, end func(w *world) }{
		"down":     {func(w *world) { w.nets[0].Down() }, func(w *world) { w.nets[0].Up() }},
		"frozen":   {func(w *world) { w.nets[0].Freeze() }, func(w *world) { w.nets[0].Thaw() }},
		"loading":  answers("LOADING Redis is loading the dataset in memory"),
		"readonly": answers("READONLY You can't write against a read only replica."),
		"oom":      answers("OOM command not allowed when used memory > 'maxmemory'."),
		"noauth":   answers("NOAUTH Authentication required."),
		"odd":      answers("ERR of a kind that nobody expects"),
	} {
		for killer, kill := range killers {
			t.Run(fault+"/"+killer, func(t *testing.T) {
				inSomeWorlds(t, []int{1, 2}, func(w *world) {
					src := newSource("k", "old")
					cs := w.openAll(src, cache.Options{TTL: ttl.Fixed(time.Hour)})
					for _, c := range cs {
						get(w, c, "k", "old")
					}
					harm.begin(w)
					require.ErrorIs(w, kill(cs[0], src), tiered.ErrDeferred)
					for range 20 {
						get(w, cs[0], "k", "new")
						pass(time.Second)
					}
					harm.end(w)
					for range 20 {
						get(w, cs[0], "k", "new")
						pass(200 * time.Millisecond)
					}
					for i, c := range cs { // F8: the other nodes and Redis have been told
						get(w, c, "k", "new")
						require.Zero(w, w.nodes[i].Stats().Journal)
						require.True(w, w.nodes[i].Stats().LinkUp)
						balanced(w, c.Stats(), -1)
					}
				})
			})
		}
	}
}

// answers makes Redis answer everything with an error.
func answers(text string) struct{ begin, end func(w *world) } {
	return struct{ begin, end func(w *world) }{
		func(w *world) { w.mini.SetError(text) }, func(w *world) { w.mini.SetError("") },
	}
}

func TestF2NothingOldIsStoredAfterAnInvalidation(t *testing.T) {
	for killer, kill := range killers {
		t.Run(killer, func(t *testing.T) {
			inSomeWorlds(t, []int{1, 2}, func(w *world) {
				src := newSource("k", "old")
				src.slow(time.Second)
				cs := w.openAll(src, cache.Options{})
				loading := async(func() (string, error) { return cs[0].Get(bg, "k") })
				pass(500 * time.Millisecond)
				require.NoError(w, kill(cs[w.last()], src))
				require.Equal(w, "old", (<-loading).value)
				pass(100 * time.Millisecond)
				// another node, which knows nothing but what is in Redis
				fresh, err := tiered.Open(tiered.Options{Redis: w.nets[0].Client(w.T), MemoryBytes: 1 << 20})
				require.NoError(w, err)
				defer fresh.Close()
				c := openOn(w.T, fresh, src, cache.Options{})
				get(w, c, "k", "new")
			})
		})
	}
}

func TestF3OtherNodesHearAtOnce(t *testing.T) {
	for killer, kill := range killers {
		t.Run(killer, func(t *testing.T) {
			inSomeWorlds(t, []int{3}, func(w *world) {
				src := newSource("k", "old")
				cs := w.openAll(src, cache.Options{TTL: ttl.Fixed(time.Hour)})
				for _, c := range cs {
					get(w, c, "k", "old")
				}
				require.NoError(w, kill(cs[0], src))
				pass(time.Millisecond)
				for _, c := range cs {
					get(w, c, "k", "new")
				}
			})
		})
	}
}

// With its own link away a node trusts memory no longer than MaxStaleness while Redis answers, and no longer than
// FallbackTTL while it does not.
func TestF3LinkAway(t *testing.T) {
	inSomeWorlds(t, []int{2}, func(w *world) {
		src := newSource("k", "old")
		cs := w.openAll(src, cache.Options{TTL: ttl.Fixed(time.Hour)})
		for _, c := range cs {
			get(w, c, "k", "old")
		}
		w.nets[1].Down()
		src.set("k", "new")
		require.NoError(w, cs[0].Invalidate(bg, "k"))
		pass(tiered.DefaultFallbackTTL + tiered.DefaultMaxStaleness)
		get(w, cs[1], "k", "new")
		w.nets[1].Up()
		pass(3 * time.Second)
		get(w, cs[1], "k", "new")
	})
}

// In fallback mode memory goes on serving, for FallbackTTL, and no longer.
func TestF3FallbackServesFromMemory(t *testing.T) {
	inSomeWorlds(t, []int{1}, func(w *world) {
		src := newSource("k", "v", "l", "v")
		c := w.open(0, src, cache.Options{TTL: ttl.Fixed(time.Hour)})
		get(w, c, "k", "v")
		w.nets[0].Down()
		for range 10 { // opens the breaker
			_, _ = c.Get(bg, "l")
			_ = c.Invalidate(bg, "l")
		}
		pass(2 * time.Second)
		get(w, c, "k", "v")
		for range 7 {
			pass(time.Second)
			get(w, c, "k", "v")
		}
		require.Equal(w, 1, src.loads("k"))
		pass(3 * time.Second)
		get(w, c, "k", "v")
		require.Equal(w, 2, src.loads("k"))
		w.nets[0].Up()
		pass(5 * time.Second)
		get(w, c, "k", "v")
		require.False(w, w.nodes[0].Stats().Fallback)
		require.True(w, w.nodes[0].Stats().LinkUp)
	})
}

// A process that dies between the commit and the invalidation leaves its mark: readers bypass the cache until it ends.
func TestF4WriterCrash(t *testing.T) {
	inSomeWorlds(t, []int{2, 3}, func(w *world) {
		src := newSource("k", "old")
		cs := w.openAll(src, cache.Options{TTL: ttl.Fixed(time.Hour), MutateTimeout: 4 * time.Second})
		for _, c := range cs {
			get(w, c, "k", "old")
		}
		w.nodes[0].Hold("rows:k", 5*time.Second) // as Mutate does, and then the process dies
		pass(time.Millisecond)
		for range 4 {
			for _, c := range cs {
				now := time.Now().String()
				src.set("k", now) // "committed" at any time
				get(w, c, "k", now)
				_, ok := c.Peek(bg, "k")
				require.False(w, ok)
			}
			pass(time.Second)
		}
		pass(2 * time.Second) // the mark has ended
		src.set("k", "new")
		for range 2 {
			for _, c := range cs {
				get(w, c, "k", "new")
			}
		}
		n := src.loads("k")
		pass(time.Second)
		get(w, cs[1], "k", "new")
		require.Equal(w, n, src.loads("k"), "cached again")
	})
}

// While a Mutate is under way readers get what the database has, and keep it nowhere.
func TestF4ReadersDuringMutate(t *testing.T) {
	inSomeWorlds(t, []int{1, 2, 3}, func(w *world) {
		src := newSource("k", "old")
		cs := w.openAll(src, cache.Options{})
		for _, c := range cs {
			get(w, c, "k", "old")
		}
		require.NoError(w, cs[0].Mutate(bg, "k", func(context.Context) error {
			pass(time.Millisecond)
			for _, row := range []string{"old", "new", "newer"} {
				src.set("k", row)
				for _, c := range cs {
					get(w, c, "k", row)
					vs, err := c.GetMany(bg, []string{"k"})
					require.NoError(w, err)
					require.Equal(w, map[string]string{"k": row}, vs)
					v, err := c.Refresh(bg, "k")
					require.NoError(w, err)
					require.Equal(w, row, v)
				}
			}
			return nil
		}))
		for _, c := range cs {
			get(w, c, "k", "newer")
		}
	})
}

func TestF6NobodyIsHarmedByOthers(t *testing.T) {
	inWorlds(t, func(w *world) {
		src := newSource("k", "v")
		src.slow(time.Second)
		c := w.open(0, src, cache.Options{})
		ctx, cancel := context.WithTimeout(bg, 300*time.Millisecond)
		defer cancel()
		leader := async(func() (string, error) { return c.Get(ctx, "k") })
		pass(time.Millisecond)
		quit := async(func() (string, error) { runtime.Goexit(); return c.Get(bg, "k") })
		many := async(func() (string, error) { vs, err := c.GetMany(bg, []string{"k"}); return vs["k"], err })
		require.ErrorIs(w, (<-leader).err, context.DeadlineExceeded)
		require.Error(w, (<-quit).err)
		require.Equal(w, "v", (<-many).value)
		require.Equal(w, 1, src.loads("k"))
	})
}

func TestF7OutageIsNoError(t *testing.T) {
	for fault, harm := range map[string]struct{ begin, end func(w *world) }{
		"down":      {func(w *world) { w.nets[0].Down() }, func(w *world) { w.nets[0].Up() }},
		"frozen":    {func(w *world) { w.nets[0].Freeze() }, func(w *world) { w.nets[0].Thaw() }},
		"loading":   answers("LOADING Redis is loading the dataset in memory"),
		"readonly":  answers("READONLY You can't write against a read only replica."),
		"oom":       answers("OOM command not allowed when used memory > 'maxmemory'."),
		"wrongpass": answers("WRONGPASS invalid username-password pair or user is disabled."),
		"odd":       answers("ERR of a kind that nobody expects"),
	} {
		t.Run(fault, func(t *testing.T) {
			inSomeWorlds(t, []int{1, 2}, func(w *world) {
				src := newSource()
				for i := range 26 {
					src.set(string(rune('a'+i)), "v")
				}
				c := w.open(0, src, cache.Options{})
				get(w, c, "a", "v")
				harm.begin(w)
				began := time.Now()
				for i := range 26 {
					k := string(rune('a' + i))
					a := <-async(func() (string, error) { return c.Get(bg, k) })
					require.NoError(w, a.err)
					require.Equal(w, "v", a.value)
					if fault == "frozen" && i < 6 {
						require.LessOrEqual(w, a.after, tiered.DefaultBudget, k)
					} else {
						require.Zero(w, a.after, k)
					}
				}
				require.LessOrEqual(w, time.Since(began), 6*tiered.DefaultBudget)
				pass(5 * time.Second)
				vs, err := c.GetMany(bg, []string{"a", "b", "absent"})
				require.NoError(w, err)
				require.Equal(w, map[string]string{"a": "v", "b": "v"}, vs)
				_, err = c.Refresh(bg, "a")
				require.NoError(w, err)
				harm.end(w)
				pass(10 * time.Second)
				get(w, c, "a", "v")
				pass(time.Millisecond)
				require.NotEmpty(w, w.raw(), "it is used again")
				balanced(w, c.Stats(), 1+26+3+1+1)
				require.Zero(w, c.Stats().Errors)
			})
		})
	}
}

// F8: an invalidation of the outage reaches Redis and the other nodes before anything is read there again.
func TestF8Recovery(t *testing.T) {
	inSomeWorlds(t, []int{2, 3}, func(w *world) {
		src := newSource("k", "old", "l", "old", "m", "old")
		cs := w.openAll(src, cache.Options{TTL: ttl.Fixed(time.Hour)})
		ks := []string{"k", "l", "m"}
		for _, c := range cs {
			_, err := c.GetMany(bg, ks)
			require.NoError(w, err)
		}
		w.nets[0].Down()
		for _, k := range ks {
			src.set(k, "new")
		}
		require.ErrorIs(w, cs[0].Invalidate(bg, "k", "l"), tiered.ErrDeferred)
		require.ErrorIs(w, cs[0].InvalidatePrefix(bg, "m"), tiered.ErrDeferred)
		pass(30 * time.Second)
		w.nets[0].Up()
		for range 100 {
			vs, err := cs[0].GetMany(bg, ks)
			require.NoError(w, err)
			require.Equal(w, map[string]string{"k": "new", "l": "new", "m": "new"}, vs)
			pass(20 * time.Millisecond)
		}
		for _, c := range cs {
			vs, err := c.GetMany(bg, ks)
			require.NoError(w, err)
			require.Equal(w, map[string]string{"k": "new", "l": "new", "m": "new"}, vs)
		}
		// The three, at least: miniredis does not say who it is, so what is recent is told again whenever the link returns.
		require.GreaterOrEqual(w, w.nodes[0].Stats().Replayed, uint64(3))
	})
}

// F9 where the copy of an isolated value fails.
func TestF9BooksWhereIsolationFails(t *testing.T) {
	inWorlds(t, func(w *world) {
		codec := &moodyCodec{}
		src := newSource("k", "v")
		c := w.open(0, src, cache.Options{Codec: codec, Isolate: true})
		get(w, c, "k", "v")
		codec.fails.Store(true)
		_, err := c.Get(bg, "k")
		require.Error(w, err)
		require.False(w, errors.Is(err, cache.ErrNotFound))
		codec.fails.Store(false)
		get(w, c, "k", "v")
		balanced(w, c.Stats(), 3)
	})
}

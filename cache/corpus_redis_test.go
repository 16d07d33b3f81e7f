package cache_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/freshet-go/freshet/breaker"
	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
	"github.com/stretchr/testify/require"
)

// Delete left the second tier alone (sturdyc), or skipped it when the first had nothing (theine).
func TestCorpus11DeleteReachesBothTiers(t *testing.T) {
	inSomeWorlds(t, []int{1, 2, 3}, func(w *world) {
		src := newSource("k", "old")
		cs := w.openAll(src, cache.Options{})
		get(w, cs[0], "k", "old")
		pass(time.Millisecond)
		require.Len(w, w.raw(), 1)
		src.set("k", "new")
		require.NoError(w, cs[w.last()].Invalidate(bg, "k")) // which may not have it in memory
		require.Empty(w, w.raw())
		pass(time.Millisecond)
		for _, c := range cs {
			get(w, c, "k", "new")
		}
	})
}

// Clear was FLUSHALL: gocache.
func TestCorpus11ClearSparesOthers(t *testing.T) {
	inSomeWorlds(t, []int{1, 2}, func(w *world) {
		require.NoError(w, w.mini.Set("not ours", "v"))
		src := newSource("k", "v")
		c := w.open(0, src, cache.Options{})
		other := w.open(0, newSource("k", "other"), cache.Options{Name: "others"})
		get(w, c, "k", "v")
		get(w, other, "k", "other")
		require.NoError(w, c.InvalidatePrefix(bg))
		require.NoError(w, w.nodes[w.last()].InvalidatePrefix(bg, "rows"))
		v, err := w.mini.Get("not ours")
		require.NoError(w, err)
		require.Equal(w, "v", v)
		_, ok := c.Peek(bg, "k")
		require.False(w, ok)
		v, ok = other.Peek(bg, "k")
		require.True(w, ok)
		require.Equal(w, "other", v)
	})
}

// A Redis that accepted and never answered: the load started after 3 s, the call returned after 6 s.
func TestCorpus12RedisThatNeverAnswers(t *testing.T) {
	inSomeWorlds(t, []int{1, 2}, func(w *world) {
		src := newSource("k", "v", "l", "v")
		src.slow(time.Second)
		c := w.open(0, src, cache.Options{})
		w.nets[0].Freeze()
		a := <-async(func() (string, error) { return c.Get(bg, "k") })
		require.NoError(w, a.err)
		require.Equal(w, "v", a.value)
		require.LessOrEqual(w, a.after, time.Second+tiered.DefaultBudget)
		pass(2 * time.Second)
		for range breaker.DefaultConsecutive {
			_, _ = c.Get(bg, "l")
			_ = c.Invalidate(bg, "l")
		}
		a = <-async(func() (string, error) { return c.Get(bg, "l") })
		require.Equal(w, "v", a.value)
		require.LessOrEqual(w, a.after, time.Second, "once the breaker is open, by nothing")
		w.nets[0].Thaw()
		pass(5 * time.Second)
	})
}

// redis.Nil, or a cancelled caller, opened the breaker.
func TestCorpus13AnswersDoNotOpenTheBreaker(t *testing.T) {
	inSomeWorlds(t, []int{1, 2}, func(w *world) {
		src := newSource("k", "v")
		c := w.open(0, src, cache.Options{TTL: ttl.Fixed(time.Minute).Negative(0)})
		gone, cancel := context.WithCancel(bg)
		cancel()
		for range 50 {
			missing(w, c, "absent")
			_, _ = c.Get(gone, "absent, too")
			_, _ = c.GetMany(gone, []string{"absent", "k"})
			_ = c.Invalidate(gone, "k")
		}
		pass(time.Second)
		require.Equal(w, breaker.Closed, w.nodes[0].Stats().Breaker)
		get(w, c, "k", "v")
		require.Zero(w, w.nodes[0].Stats().RedisErrors)
	})
}

// Asking the breaker's state inside its callback deadlocked (gobreaker); a Goexit in a half-open probe leaked its slot.
func TestCorpus13BreakerOfLoads(t *testing.T) {
	inWorlds(t, func(w *world) {
		var b *breaker.Breaker
		var states []breaker.State
		b, err := breaker.New(breaker.Options{Consecutive: 3, OnChange: func(breaker.State, breaker.State) {
			states = append(states, b.State())
		}})
		require.NoError(w, err)
		src := newSource("k", "v")
		harm := func() {}
		c, err := cache.New(func(ctx context.Context, k string) (string, error) {
			harm()
			return src.load(ctx, k)
		}, cache.Options{Store: w.nodes[0], Name: "rows", Breaker: b})
		require.NoError(w, err)

		for range 10 { // what is absent is no failure, nor is a caller who leaves
			missing(w, c, "absent")
			pass(time.Minute)
		}
		src.slow(time.Second)
		for range 10 {
			ctx, cancel := context.WithTimeout(bg, time.Millisecond)
			_, err := c.Get(ctx, "k")
			require.ErrorIs(w, err, context.DeadlineExceeded)
			cancel()
			pass(time.Second)
		}
		require.Equal(w, breaker.Closed, b.State())
		src.slow(0)

		src.fail(errDown)
		for range 3 {
			_, err := c.Get(bg, "k")
			require.ErrorIs(w, err, errDown)
			pass(time.Millisecond)
		}
		before := src.loads("k")
		_, err = c.Get(bg, "k")
		require.ErrorIs(w, err, breaker.ErrOpen)
		require.Equal(w, before, src.loads("k"))
		src.fail(nil)

		harm = func() { panic("in a probe") }
		for range 3 {
			pass(breaker.DefaultOpenFor)
			_, err := c.Get(bg, "k")
			require.NotErrorIs(w, err, breaker.ErrOpen, "the probe's slot is free")
			require.Error(w, err)
		}
		harm = func() {}
		pass(breaker.DefaultOpenFor)
		get(w, c, "k", "v")
		require.NoError(w, c.Invalidate(bg, "k"))
		pass(time.Millisecond)
		get(w, c, "k", "v")
		require.Equal(w, breaker.Closed, b.State())
		require.NotEmpty(w, states)
	})
}

// A subscriber that was away kept stale memory until the TTL: FusionCache.
func TestCorpus14SubscriberThatWasAway(t *testing.T) {
	for name, harm := range map[string]struct{ begin, end func(w *world) }{
		"cut":    {func(w *world) { w.nets[1].Cut() }, func(*world) {}},
		"down":   {func(w *world) { w.nets[1].Down() }, func(w *world) { w.nets[1].Up() }},
		"frozen": {func(w *world) { w.nets[1].Freeze() }, func(w *world) { w.nets[1].Thaw() }},
	} {
		t.Run(name, func(t *testing.T) {
			inSomeWorlds(t, []int{2}, func(w *world) {
				src := newSource("k", "old")
				cs := w.openAll(src, cache.Options{TTL: ttl.Fixed(time.Hour)})
				for _, c := range cs {
					get(w, c, "k", "old")
				}
				src.set("k", "new")
				harm.begin(w)
				require.NoError(w, cs[0].Invalidate(bg, "k"))
				get(w, cs[0], "k", "new")
				pass(15 * time.Second) // MaxStaleness, and FallbackTTL
				get(w, cs[1], "k", "new")
				harm.end(w)
				pass(5 * time.Second)
				get(w, cs[1], "k", "new")
				require.True(w, w.nodes[1].Stats().LinkUp)
			})
		})
	}
}

// Fills published to all nodes made a storm: JetCache #972.
func TestCorpus14FillsAreNotPublished(t *testing.T) {
	inSomeWorlds(t, []int{3}, func(w *world) {
		src := newSource()
		var ks []string
		for i := range 100 {
			k := "k" + time.Duration(i).String()
			ks = append(ks, k)
			src.set(k, "v")
		}
		for _, c := range w.openAll(src, cache.Options{}) {
			_, err := c.GetMany(bg, ks)
			require.NoError(w, err)
			pass(time.Second)
		}
		for _, store := range w.nodes {
			require.Zero(w, store.Stats().Heard)
		}
		require.Equal(w, 100, src.loads(""))
	})
}

// A corrupt record failed every read until it expired.
func TestCorpus16CorruptRecord(t *testing.T) {
	truncate := func(n int) func(string) string { return func(v string) string { return v[:n] } }
	for name, harm := range map[string]func(string) string{
		"garbage":      func(string) string { return "garbage" },
		"empty":        func(string) string { return "" },
		"other bytes":  func(v string) string { return strings.Repeat("\xff", len(v)) },
		"one byte":     truncate(1),
		"half header":  truncate(12),
		"header":       truncate(24),
		"lease size":   truncate(25),
		"no payload":   truncate(64),
		"half payload": truncate(70),
		"longer":       func(v string) string { return v + "x" },
		"flipped bit":  func(v string) string { return v[:66] + string(v[66]^1) + v[67:] },
		"flags":        func(v string) string { return v[:31] + "\xff" + v[32:] },
		"negative":     func(v string) string { return "N" + v[1:] },
		"other kind":   func(v string) string { return "Z" + v[1:] },
		"bad lease":    func(string) string { return "L" + strings.Repeat("x", 23) + "?" },
		"lease over garbage": func(v string) string {
			return "L" + strings.Repeat("x", 23) + "0" + v[:40]
		},
	} {
		t.Run(name, func(t *testing.T) {
			inSomeWorlds(t, []int{2}, func(w *world) {
				src := newSource("k", "a value", "j", "v")
				cs := w.openAll(src, cache.Options{})
				get(w, cs[0], "k", "a value")
				pass(time.Millisecond)
				k := sorted(w.raw())[0]
				before := w.nodes[1].Stats().Corrupt
				require.NoError(w, w.mini.Set(k, harm(w.raw()[k])))
				v, ok := cs[1].Peek(bg, "k")
				require.False(w, ok, "%q", v)
				a := <-async(func() (string, error) {
					vs, err := cs[1].GetMany(bg, []string{"j", "k"})
					return vs["k"], err
				})
				require.NoError(w, a.err)
				require.Equal(w, "a value", a.value)
				require.Zero(w, a.after)
				pass(time.Millisecond)
				require.Equal(w, 2, src.loads("k"))
				require.Equal(w, byte('V'), w.raw()[k][0], "overwritten")
				if name != "empty" {
					require.Greater(w, w.nodes[1].Stats().Corrupt, before, "counted")
				}
				balanced(w, cs[1].Stats(), 2)
			})
		})
	}
}

// A value of another type of Redis's, a record of another key, and one of another codec are misses like any other.
func TestCorpus16ForeignRecord(t *testing.T) {
	for name, harm := range map[string]func(w *world, k, other string){
		"list": func(w *world, k, _ string) { w.mini.Del(k); _, _ = w.mini.Lpush(k, "v") },
		"hash": func(w *world, k, _ string) { w.mini.Del(k); w.mini.HSet(k, "f", "v") },
		"another key's": func(w *world, k, other string) {
			require.NoError(w, w.mini.Set(k, w.raw()[other]))
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, many := range []bool{false, true} {
				inSomeWorlds(t, []int{2}, func(w *world) {
					src := newSource("k", "a value", "other", "another value")
					cs := w.openAll(src, cache.Options{})
					get(w, cs[0], "k", "a value")
					get(w, cs[0], "other", "another value")
					pass(time.Millisecond)
					ks := sorted(w.raw())
					harm(w, ks[0], ks[1])
					_, ok := cs[1].Peek(bg, "k")
					require.False(w, ok)
					if many {
						vs, err := cs[1].GetMany(bg, []string{"other", "k"})
						require.NoError(w, err)
						require.Equal(w, map[string]string{"k": "a value", "other": "another value"}, vs)
					} else {
						get(w, cs[1], "k", "a value")
					}
					pass(time.Millisecond)
					require.Equal(w, byte('V'), w.raw()[ks[0]][0], "overwritten")
					require.Positive(w, w.nodes[1].Stats().Corrupt, "counted")
				})
			}
		})
	}
}

// badCodec writes what it cannot read.
type badCodec struct{ slowCodec }

func (badCodec) Decode([]byte, any) error { return errors.New("cannot decode") }

func TestCorpus16UndecodableValue(t *testing.T) {
	inSomeWorlds(t, []int{2}, func(w *world) {
		src := newSource("k", "v")
		get(w, w.open(0, src, cache.Options{Codec: slowCodec{}}), "k", "v")
		pass(time.Millisecond)
		c := w.open(1, src, cache.Options{Codec: badCodec{}})
		for range 3 {
			get(w, c, "k", "v")
			_, ok := c.Peek(bg, "k")
			require.True(w, ok, "memory needs no codec")
			pass(time.Millisecond)
		}
		require.Equal(w, 2, src.loads("k"))
		require.Positive(w, w.nodes[1].Stats().Corrupt)
		balanced(w, c.Stats(), 3)
	})
}

package cache_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/internal/redistest"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
	"github.com/stretchr/testify/require"
)

// A stale "not found" plus a database error was stored as a real zero value: sturdyc.
func TestCorpus08StaleAbsenceAndError(t *testing.T) {
	inWorlds(t, func(w *world) {
		src := newSource()
		p := ttl.Fixed(time.Minute).Negative(time.Second).StaleIfError(time.Hour).StaleWhileRevalidate(time.Hour)
		cs := w.openAll(src, cache.Options{TTL: p})
		for _, end := range []func(){
			func() { pass(1100 * time.Millisecond) },
			func() { require.NoError(w, cs[0].Expire(bg, "k")) },
		} {
			missing(w, cs[0], "k")
			pass(10 * time.Millisecond)
			src.fail(errDown)
			end()
			for range 2 {
				for _, c := range cs {
					pass(10 * time.Millisecond)
					_, err := c.Get(bg, "k")
					require.ErrorIs(w, err, errDown)
					require.NotErrorIs(w, err, cache.ErrNotFound)
				}
			}
			src.fail(nil)
			pass(10 * time.Millisecond)
		}
		src.set("k", "v")
		for _, c := range cs {
			get(w, c, "k", "v")
		}
	})
}

// isHit expects want to be loaded once, and then found on each node, and by a read of Redis.
func isHit[V any](w *world, name string, want V) {
	w.Helper()
	var loads atomic.Int32
	for i, store := range w.nodes {
		c, err := cache.New(func(context.Context, int) (V, error) {
			loads.Add(1)
			return want, nil
		}, cache.Options{Store: store, Name: name})
		require.NoError(w, err)
		for range 3 {
			v, err := c.Get(bg, 1)
			require.NoError(w, err)
			require.Equal(w, want, v, "%s on node %d", name, i)
			pass(10 * time.Millisecond)
		}
		v, ok := c.Peek(bg, 1)
		require.True(w, ok)
		require.Equal(w, want, v)
		vs, err := c.GetMany(bg, []int{1})
		require.NoError(w, err)
		require.Equal(w, map[int]V{1: want}, vs)
	}
	require.EqualValues(w, 1, loads.Load(), name)
}

// An empty value was never a hit, and a value that looked like the placeholder read as absent: jetcache ("*").
func TestCorpus08EmptyAndOddValues(t *testing.T) {
	inWorlds(t, func(w *world) {
		isHit(w, "empty string", "")
		isHit(w, "zero", 0)
		isHit(w, "false", false)
		isHit(w, "empty struct", struct{}{})
		isHit(w, "struct of zeros", struct{ A, B int }{})
		isHit(w, "nil pointer", (*int)(nil))
		isHit(w, "nil slice", []int(nil))
		isHit(w, "empty slice", []int{})
		isHit(w, "empty bytes", []byte{})
		isHit(w, "nil map", map[string]int(nil))
		isHit(w, "empty map", map[string]int{})
		for _, odd := range []string{
			"*", "N", "L", "X", "V", "H", "nil", "null", "\x00", "\xf6", "{}", "%", ":",
			"Hfreshet-hold-record-v1.", "L" + strings.Repeat("\x00", 23) + "1",
			"N" + strings.Repeat("\x00", 63), strings.Repeat("V", 100_000),
		} {
			isHit(w, "odd "+odd[:min(len(odd), 30)], odd)
			isHit(w, "odd bytes "+odd[:min(len(odd), 30)], []byte(odd))
		}
	})
}

// Keys that collided: {a-b,c} and {a,b-c}; {"a b","c"} and {"a","b c"}.
func TestCorpus09CollidingKeys(t *testing.T) {
	type pair struct{ A, B string }
	inWorlds(t, func(w *world) {
		for i, store := range w.nodes {
			c, err := cache.New(func(_ context.Context, k pair) (pair, error) { return k, nil },
				cache.Options{Store: store, Name: "pairs"})
			require.NoError(w, err)
			keys := []pair{
				{"a-b", "c"}, {"a", "b-c"}, {"a b", "c"}, {"a", "b c"}, {"a:b", "c"}, {"a", "b:c"}, {"", "a"}, {"a", ""}, {"", ""},
				{"a%", "3Ab"}, {"a%3A", "b"}, {"{a}", "b"}, {"a", "{b}"}, {"\x00", ""}, {"", "\x00"}, {"a_", "b"}, {"a", "_b"},
			}
			for range 2 {
				for _, k := range keys {
					v, err := c.Get(bg, k)
					require.NoError(w, err)
					require.Equal(w, k, v)
				}
				pass(10 * time.Millisecond)
			}
			require.NoError(w, c.Invalidate(bg, pair{"a", "b-c"}))
			_, ok := c.Peek(bg, pair{"a", "b-c"})
			require.False(w, ok)
			for _, k := range keys {
				if v, ok := c.Peek(bg, k); ok || i > 0 {
					require.True(w, ok || k == pair{"a", "b-c"})
					if ok {
						require.Equal(w, k, v)
					}
				}
			}
		}
		if w.shared() {
			for k := range w.raw() {
				require.NotContains(w, k, "{")
				require.NotContains(w, k, "}")
			}
		}
	})
}

// A cache's name is a segment like any other: "a" with key "b:c" is not "a:b" with key "c".
func TestCorpus09CollidingNames(t *testing.T) {
	inWorlds(t, func(w *world) {
		one := openOn(w.T, w.nodes[0], newSource("b:c", "1", "c", "2"), cache.Options{Name: "a"})
		two := openOn(w.T, w.nodes[0], newSource("b:c", "3", "c", "4"), cache.Options{Name: "a:b"})
		get(w, one, "b:c", "1")
		get(w, two, "c", "4")
		get(w, one, "c", "2")
		get(w, two, "b:c", "3")
		require.NoError(w, one.InvalidatePrefix(bg))
		_, ok := two.Peek(bg, "c")
		require.True(w, ok)
	})
}

// A TTL below a second became an hour: go-redis/cache.
func TestCorpus10TTLBelowASecond(t *testing.T) {
	inWorlds(t, func(w *world) {
		for i, d := range []time.Duration{100 * time.Millisecond, 700 * time.Millisecond, 1500 * time.Microsecond, 1} {
			src := newSource("k", "old")
			name := d.String()
			var cs []*rows
			for n := range w.nodes {
				cs = append(cs, openOn(w.T, w.nodes[n], src, cache.Options{Name: name, TTL: ttl.Fixed(d)}))
			}
			get(w, cs[0], "k", "old")
			src.set("k", "new")
			if i < 2 {
				pass(d / 2)
				get(w, cs[w.last()], "k", "old")
				pass(d / 2)
			} else {
				pass(d)
			}
			pass(time.Millisecond)
			for _, c := range cs {
				get(w, c, "k", "new")
			}
			if w.shared() {
				pass(d + time.Millisecond)
				require.Empty(w, w.raw(), "Redis has forgotten it")
			}
		}
	})
}

// A jitter that was never applied: hot. Each fill of each tier draws its own.
func TestCorpus10JitterApplies(t *testing.T) {
	inWorlds(t, func(w *world) {
		const n = 200
		src := newSource()
		var ks []string
		for i := range n {
			k := "k" + strings.Repeat("x", i%7) + time.Duration(i).String()
			ks = append(ks, k)
			src.set(k, "v")
		}
		c := w.open(0, src, cache.Options{TTL: ttl.Fixed(100 * time.Second).Jitter(0.5)})
		_, err := c.GetMany(bg, ks)
		require.NoError(w, err)
		alive := func() (alive int) {
			for _, k := range ks {
				if _, ok := c.Peek(bg, k); ok {
					alive++
				}
			}
			return alive
		}
		pass(49 * time.Second)
		require.Equal(w, n, alive(), "none before half of it")
		pass(26 * time.Second)
		require.InDelta(w, n/2, alive(), n/8, "half in the middle")
		pass(25 * time.Second)
		require.Zero(w, alive(), "none after it")
	})
}

// Memory outlived Redis: hydration gave a full TTL instead of what remained.
func TestCorpus10HydrationGivesWhatRemains(t *testing.T) {
	inSomeWorlds(t, []int{2, 3}, func(w *world) {
		src := newSource("k", "old")
		cs := w.openAll(src, cache.Options{})
		get(w, cs[0], "k", "old")
		src.set("k", "new")
		pass(9 * time.Second)
		for _, c := range cs[1:] {
			get(w, c, "k", "old") // from Redis
		}
		pass(990 * time.Millisecond)
		get(w, cs[1], "k", "old")
		pass(10 * time.Millisecond) // ten seconds are over
		for _, c := range cs {
			get(w, c, "k", "new")
		}
	})
}

// The same where it takes time to decode a value.
func TestCorpus10HydrationAfterSlowDecode(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 2)
		src := newSource("k", "old")
		c0 := w.open(0, src, cache.Options{Codec: slowCodec{}})
		c1 := w.open(1, src, cache.Options{Codec: slowCodec{decode: 500 * time.Millisecond}})
		get(w, c0, "k", "old")
		src.set("k", "new")
		pass(9 * time.Second)
		get(w, c1, "k", "old")
		pass(510 * time.Millisecond) // ten seconds are over
		get(w, c0, "k", "new")
		get(w, c1, "k", "new")
	})
}

// slowCodec keeps strings as they are, in its own time.
type slowCodec struct{ encode, decode time.Duration }

func (slowCodec) Name() string { return "slow" }

func (c slowCodec) Append(dst []byte, v any) ([]byte, error) {
	if c.encode > 0 {
		redistest.Elapse(c.encode)
	}
	return append(dst, *v.(*string)...), nil
}

func (c slowCodec) Decode(data []byte, v any) error {
	if c.decode > 0 {
		redistest.Elapse(c.decode)
	}
	*v.(*string) = string(data)
	return nil
}

var _ tiered.Codec = slowCodec{}

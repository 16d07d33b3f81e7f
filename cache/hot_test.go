package cache_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
)

// heat reads keys so often that the sample has each of them, the first the most.
func heat[K comparable, V any](t testing.TB, c *cache.Cached[K, V], keys ...K) {
	t.Helper()
	for i, key := range keys {
		for range 160 * cache.SampleEvery * (len(keys) - i) {
			_, err := c.Get(bg, key)
			require.NoError(t, err)
		}
	}
}

// What was hot on a node that ended is in the memory of the next one before anybody asks, and the database is not asked.
func TestARestartBeginsWarm(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 2)
		keys, src := numbered(60)
		before := w.open(0, src, cache.Options{TTL: ttl.Fixed(time.Hour)})
		heat(t, before, keys[:3]...)
		for _, key := range keys {
			get(t, before, key, "v"+key)
		}
		require.NoError(t, w.nodes[0].Close())

		c := w.open(1, src, cache.Options{TTL: ttl.Fixed(time.Hour)})
		hot, err := c.HotKeys(bg, 10)
		require.NoError(t, err)
		require.Equal(t, keys[:3], hot[:3])
		require.Less(t, len(hot), 10, "what is seldom read is not hot")
		src.set("k1", "newer")
		require.NoError(t, c.Invalidate(bg, "k1"))
		loads := src.loads("")
		require.NoError(t, c.Warm(bg, slices.Values(hot), cache.WarmOptions{}))
		require.Equal(t, loads+1, src.loads(""), "Redis has the rest")
		warmed := c.Stats()
		get(t, c, "k0", "vk0")
		get(t, c, "k1", "newer")
		get(t, c, "k2", "vk2")
		s := c.Stats()
		require.EqualValues(t, 3, s.MemoryHits-warmed.MemoryHits)
		require.Equal(t, loads+1, src.loads(""))
		balanced(t, s, -1)
	})
}

// A node that dies leaves what was hot a minute ago.
func TestHotKeysSurviveACrash(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 2)
		keys, src := numbered(3)
		dying := w.open(0, src, cache.Options{})
		heat(t, dying, keys...)
		pass(2 * time.Minute)
		w.nets[0].Down()
		hot, err := w.open(1, src, cache.Options{}).HotKeys(bg, 2)
		require.NoError(t, err)
		require.Equal(t, keys[:2], hot)
	})
}

// Reading in a rhythm hides nothing: chance takes the sample.
func TestHotKeysOfARhythm(t *testing.T) {
	for _, period := range []int{2, 3, 16, cache.SampleEvery / 4} {
		c := cache.Must(cache.New(func(_ context.Context, n int) (int, error) { return n, nil }, cache.Options{}))
		for i := range 20 * period * cache.SampleEvery {
			key := 0 // in each period once
			if i%period != 0 {
				key = 1 + i%5000
			}
			if _, err := c.Get(bg, key); err != nil {
				t.Fatal(err)
			}
		}
		hot, err := c.HotKeys(bg, 1)
		require.NoError(t, err)
		require.Equal(t, []int{0}, hot, period)
		require.NoError(t, c.Close())
	}
}

// Of the reads of many caches that are seldom read as many are drawn as of those of one that is read often.
func TestTheSampleHasFewReadsToo(t *testing.T) {
	store, err := tiered.Open(tiered.Options{})
	require.NoError(t, err)
	defer store.Close()
	d := &diary{}
	for i := range 300 {
		c := cache.Must(cache.New(func(_ context.Context, n int) (int, error) { return n, nil },
			cache.Options{Store: store, Name: fmt.Sprint("c", i), Observer: d}))
		for range 40 {
			_, err := c.Get(bg, 1)
			require.NoError(t, err)
		}
		require.NoError(t, c.Close())
	}
	require.InDelta(t, 300*40/cache.SampleEvery, len(d.keys), 40) // six standard deviations
}

func TestHotKeysOfAllTypes(t *testing.T) {
	inSomeWorlds(t, []int{0, 1}, func(w *world) {
		type page struct {
			user int64
			day  string
		}
		hotKeysOf(w, 42, 43)
		hotKeysOf(w, "a:b{c}", "")
		hotKeysOf(w, page{42, "to:day"}, page{-1, ""})
		hotKeysOf(w, [4]byte{1, 2, 3, 255}, [4]byte{})
		hotKeysOf(w, netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("10.0.0.1"))
	})
}

func hotKeysOf[K comparable](w *world, keys ...K) {
	w.Helper()
	c := cache.Must(cache.New(func(context.Context, K) (int, error) { return 1, nil }, cache.Options{Store: w.nodes[0], Name: fmt.Sprintf("%T", *new(K))}))
	heat(w, c, keys...)
	hot, err := c.HotKeys(bg, 10)
	require.NoError(w, err)
	require.Equal(w, keys, hot)
}

// shade is written as a text that nobody reads back.
type shade int

func (s shade) MarshalText() ([]byte, error) { return []byte{'A' + byte(s)}, nil }

func TestHotKeysThatCannotBeHad(t *testing.T) {
	inSomeWorlds(t, []int{1}, func(w *world) {
		shades := cache.Must(cache.New(func(context.Context, shade) (int, error) { return 1, nil }, cache.Options{Store: w.nodes[0], Name: "shades"}))
		heat(w, shades, 1)
		_, err := shades.HotKeys(bg, 1)
		require.EqualError(w, err, `cache: key of "shades": cache_test.shade has MarshalText and no UnmarshalText: such keys cannot be read back`)
		keys, _ := w.nodes[0].Hottest("shades", 1)
		require.Equal(w, "shades:B", keys[0].Key, "they can still be shown")

		keysOf, src := numbered(1)
		off := w.open(0, src, cache.Options{HotKeys: -1})
		heat(w, off, keysOf...)
		hot, err := off.HotKeys(bg, 10)
		require.NoError(w, err)
		require.Empty(w, hot, "nobody counts")
		ctx, cancel := context.WithCancel(bg)
		cancel()
		_, err = off.HotKeys(ctx, 10)
		require.ErrorIs(w, err, context.Canceled)
		w.nets[0].Down()
		_, err = off.HotKeys(bg, 10)
		require.ErrorContains(w, err, `cache: hot keys of "rows": tiered: `)
		require.NoError(w, off.Close())
		_, err = off.HotKeys(bg, 10)
		require.ErrorIs(w, err, cache.ErrClosed)
		require.Empty(w, w.raw()["freshet:%hot-rows"])

		_, err = cache.New(src.load, cache.Options{HotKeys: 100_001})
		require.EqualError(w, err, "cache: Options.HotKeys is 100001: must be at most 100000")
	})
}

// What is too long for a key is not kept as a hot one either.
func TestLongKeysAreNotHot(t *testing.T) {
	inSomeWorlds(t, []int{0}, func(w *world) {
		_, src := numbered(0)
		c := w.open(0, src, cache.Options{})
		for range 100 * cache.SampleEvery {
			_, err := c.Get(bg, strings.Repeat("k", 2000))
			require.ErrorIs(w, err, tiered.ErrTooLarge)
		}
		hot, err := c.HotKeys(bg, 10)
		require.NoError(w, err)
		require.Empty(w, hot)
	})
}

// Keys of a type that the cache had before are left out.
func TestHotKeysOfAFormerType(t *testing.T) {
	inSomeWorlds(t, []int{1}, func(w *world) {
		keys, src := numbered(2)
		before := w.open(0, src, cache.Options{})
		src.set("7", "v7")
		heat(w, before, keys[0], "7", keys[1])
		require.NoError(w, before.Close())
		now := cache.Must(cache.New(func(_ context.Context, n int) (string, error) { return "", nil }, cache.Options{Store: w.nodes[0], Name: "rows"}))
		hot, err := now.HotKeys(bg, 10)
		require.NoError(w, err)
		require.Equal(w, []int{7}, hot)
	})
}

package cache_test

import (
	"testing"
	"time"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/ttl"
	"github.com/stretchr/testify/require"
)

// The lease of a load that takes long is renewed: other nodes wait for it, however short a lease is.
func TestLeaseOfALongLoadIsRenewed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 2)
		src := newSource("k", "v")
		cs := w.openAll(src, cache.Options{TTL: ttl.Fixed(time.Hour), LoadTimeout: 10 * time.Second})
		src.slow(8 * time.Second)
		first := async(func() (string, error) { return cs[0].Get(bg, "k") })
		pass(100 * time.Millisecond)
		second := async(func() (string, error) { return cs[1].Get(bg, "k") })
		for a, name := range map[<-chan answer]string{first: "loads", second: "waits"} {
			got := <-a
			require.NoError(t, got.err, name)
			require.Equal(t, "v", got.value, name)
			require.InDelta(t, 8, got.after.Seconds(), 0.3, name)
		}
		require.Equal(t, 1, src.loads("k"))
		require.Zero(t, cs[1].Stats().LoaderCalls)
		require.EqualValues(t, 1, cs[1].Stats().RedisHits)
	})
}

// A node that is gone does not renew: others wait only for the rest of its lease, not for the load timeout.
func TestLeaseOfANodeThatIsGone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 2)
		src := newSource("k", "v")
		cs := w.openAll(src, cache.Options{TTL: ttl.Fixed(time.Hour), LoadTimeout: 10 * time.Second})
		src.slow(8 * time.Second)
		first := async(func() (string, error) { return cs[0].Get(bg, "k") })
		pass(100 * time.Millisecond)
		src.slow(0)
		second := async(func() (string, error) { return cs[1].Get(bg, "k") })
		pass(5400 * time.Millisecond)
		require.Equal(t, 1, src.loads("k"), "the lease is renewed")
		require.Empty(t, second)

		w.nets[0].Down()
		pass(2 * time.Second)
		require.Equal(t, 1, src.loads("k"), "the lease still stands")
		pass(1100 * time.Millisecond)
		require.Equal(t, 2, src.loads("k"))
		got := <-second
		require.NoError(t, got.err)
		require.Equal(t, "v", got.value)
		require.InDelta(t, 8, got.after.Seconds(), 0.3, "three seconds after the last renewal")
		require.Equal(t, "v", (<-first).value, "the load itself does not need Redis")
		w.nets[0].Up()
		pass(10 * time.Second)
	})
}

// A node that is gone at once: its lease ends three seconds after it was granted.
func TestLeaseThatIsNeverRenewed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 2)
		src := newSource("k", "v")
		cs := w.openAll(src, cache.Options{TTL: ttl.Fixed(time.Hour), LoadTimeout: 10 * time.Second})
		src.slow(8 * time.Second)
		first := async(func() (string, error) { return cs[0].Get(bg, "k") })
		pass(100 * time.Millisecond)
		w.nets[0].Down()
		src.slow(0)
		start := time.Now()
		get(t, cs[1], "k", "v")
		require.InDelta(t, 2.9, time.Since(start).Seconds(), 0.3)
		require.Equal(t, 2, src.loads("k"))
		require.Equal(t, "v", (<-first).value)
	})
}

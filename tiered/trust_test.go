package tiered_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/breaker"
	"github.com/freshet-go/freshet/tiered"
)

func TestMemoryIsTrustedWhileTheLinkIsUp(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b := both(w)
		for range 300 {
			a.reads("users:1", "old", fromMemory)
			b.reads("users:1", "old", fromMemory)
			w.elapse(110 * time.Millisecond)
		}
		require.True(w, a.Stats().LinkUp)
		require.Zero(w, a.Stats().LinkOutages)
	})
}

// With Redis away memory serves alone, but nothing in it is older than the fallback TTL.
func TestFallback(t *testing.T) {
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				a, b := both(w)
				w.elapse(5 * time.Second)
				fault.begin(w, b)
				began := time.Now()
				_ = a.Invalidate(w.Context(), "users:1")
				b.exhaust()
				w.elapse(2 * time.Second)
				require.True(w, b.Stats().Fallback)
				b.reads("users:1", "old", fromMemory, "fallback mode")

				// Old values go in time; what is loaded meanwhile is kept, for as long.
				var lastOld time.Duration
				for time.Since(began) < 30*time.Second {
					if v, from := b.get("users:1"); v == "old" {
						require.Equal(w, fromMemory, from)
						lastOld = time.Since(began)
					}
					w.elapse(100 * time.Millisecond)
				}
				require.LessOrEqual(w, lastOld, tiered.DefaultFallbackTTL)
				require.Greater(w, lastOld, tiered.DefaultFallbackTTL/2)

				w.origin["users:2"] = "1"
				b.reads("users:2", "1", fromOrigin)
				b.reads("users:2", "1", fromMemory)
				w.origin["users:2"] = "2"
				w.elapse(tiered.DefaultFallbackTTL)
				b.reads("users:2", "2", fromOrigin)

				w.origin["users:2"] = "3"
				fault.end(w, b)
				w.elapse(5 * time.Second)
				require.False(w, b.Stats().Fallback)
				require.Equal(w, breaker.Closed, b.Stats().Breaker)
				b.reads("users:2", "3", fromOrigin, "what was kept in fallback mode is gone")
			})
		})
	}
}

func TestShortFallbackTTL(t *testing.T) {
	inBubble(t, func(w *world) {
		n := w.node(func(o *tiered.Options) { o.FallbackTTL = time.Second; o.MaxStaleness = 500 * time.Millisecond })
		w.origin["users:1"] = "old"
		n.reads("users:1", "old", fromOrigin)
		w.elapse(time.Second)
		n.net.Down()
		n.exhaust()
		w.elapse(900 * time.Millisecond)
		n.reads("users:1", "old", fromMemory)
		w.elapse(100 * time.Millisecond)
		w.origin["users:1"] = "new"
		n.reads("users:1", "new", fromOrigin)
	})
}

// Redis answers and the link does not: that is no reason to believe memory.
func TestALinkThatStaysDownIsNoFallback(t *testing.T) {
	inBubble(t, func(w *world) {
		n := w.node()
		w.origin["users:1"] = "v"
		n.reads("users:1", "v", fromOrigin)
		n.reads("users:1", "v", fromMemory)
		w.mini.Server().SetPreHook(noSubscriptions)
		w.elapse(tiered.DefaultMaxStaleness) // until the link has noticed
		for range 100 {
			_, ok := n.peek("users:1")
			require.False(w, ok)
			w.elapse(73 * time.Millisecond)
		}
		n.reads("users:1", "v", fromRedis, "but Redis is read")
		require.False(w, n.Stats().Fallback)
		w.mini.Server().SetPreHook(nil)
		w.elapse(3 * time.Second)
		n.reads("users:1", "v", fromRedis)
		n.reads("users:1", "v", fromMemory)
	})
}

// What a node kept of a Redis that it saw last before an outage is not older than the outage allows, also where the
// outage began in silence.
func TestEpochGrowsWithEveryOutage(t *testing.T) {
	inBubble(t, func(w *world) {
		n := w.node()
		epoch := n.Stats().Epoch
		for range 5 {
			n.net.Cut()
			w.elapse(3 * time.Second)
			require.True(w, n.Stats().LinkUp)
			require.Greater(w, n.Stats().Epoch, epoch)
			epoch = n.Stats().Epoch
		}
		require.EqualValues(w, 5, n.Stats().LinkOutages)
	})
}

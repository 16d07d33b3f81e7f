package tiered_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/tiered"
)

// both makes two nodes that have key "users:1" = "old" in memory, and a newer value in the origin.
func both(w *world) (a, b *node) {
	w.Helper()
	a, b = w.node(), w.node()
	w.origin["users:1"] = "old"
	a.reads("users:1", "old", fromOrigin)
	b.reads("users:1", "old", fromRedis)
	a.reads("users:1", "old", fromMemory)
	b.reads("users:1", "old", fromMemory)
	w.origin["users:1"] = "new"
	return a, b
}

func TestOtherNodesHear(t *testing.T) {
	ctx := context.Background()
	for name, act := range map[string]func(a *node) error{
		"Invalidate":                func(a *node) error { return a.Invalidate(ctx, "posts:7", "users:1") },
		"Expire":                    func(a *node) error { return a.Expire(ctx, "users:1") },
		"InvalidatePrefix of it":    func(a *node) error { return a.InvalidatePrefix(ctx, "users", "1") },
		"InvalidatePrefix":          func(a *node) error { return a.InvalidatePrefix(ctx, "users") },
		"InvalidatePrefix of all":   func(a *node) error { return a.InvalidatePrefix(ctx) },
		"InvalidateUnder":           func(a *node) error { return a.InvalidateUnder(ctx, "users") },
		"Hold, then Release":        func(a *node) error { return a.Hold("users:1", time.Minute).Release(ctx, 0) },
		"Set that is not filled in": func(a *node) error { f := a.fetch("users:1"); err := a.Set(f); a.Abandon(f); return err },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				a, b := both(w)
				require.NoError(w, act(a))
				w.elapse(0)
				if _, ok := b.peek("users:1"); ok {
					require.Fail(w, "the other node still has it in memory")
				}
				a.reads("users:1", "new", fromOrigin)
				w.elapse(0)
				b.reads("users:1", "new", fromRedis)
				b.reads("users:1", "new", fromMemory)
			})
		})
	}
}

func TestInvalidationsConcernNothingElse(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b := both(w)
		require.NoError(w, a.Invalidate(w.Context(), "users:2", "users", "users:1:x"))
		require.NoError(w, a.InvalidatePrefix(w.Context(), "users", "2"))
		require.NoError(w, a.InvalidatePrefix(w.Context(), "user"))
		require.NoError(w, a.InvalidatePrefix(w.Context(), "users", ""))
		require.NoError(w, a.InvalidatePrefix(w.Context(), "users", "1", "x"))
		w.elapse(0)
		a.reads("users:1", "old", fromMemory)
		b.reads("users:1", "old", fromMemory)
	})
}

func TestSetReachesOtherNodes(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b := both(w)
		f := a.fetch("users:1")
		require.NoError(w, a.Set(f))
		require.Equal(w, tiered.Granted, f.Outcome)
		a.load(f, "set")
		w.elapse(0)
		b.reads("users:1", "set", fromRedis)
		a.reads("users:1", "set", fromMemory)
	})
}

func TestAHoldIsHeardAtOnce(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b := both(w)
		h := a.Hold("users:1", time.Minute)
		w.elapse(0)
		for range 2 {
			b.reads("users:1", "new", fromOrigin, "nothing of what is loaded under a hold is kept")
			a.reads("users:1", "new", fromOrigin)
		}
		w.origin["users:1"] = "newest"
		require.NoError(w, h.Release(w.Context(), 0))
		b.reads("users:1", "newest", fromOrigin)
	})
}

func TestAHoldOutlivesItsNode(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b := both(w)
		a.Hold("users:1", 10*time.Second)
		a.net.Down() // and never again
		w.elapse(9 * time.Second)
		b.reads("users:1", "new", fromOrigin)
		b.reads("users:1", "new", fromOrigin)
		w.elapse(2 * time.Second)
		b.reads("users:1", "new", fromOrigin)
		b.reads("users:1", "new", fromMemory)
	})
}

func TestReconnectEmptiesMemory(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b := both(w)
		epoch := b.Stats().Epoch
		b.net.Cut()
		require.NoError(w, a.Invalidate(w.Context(), "users:1"))
		w.elapse(500 * time.Millisecond)
		require.True(w, b.Stats().LinkUp)
		require.Greater(w, b.Stats().Epoch, epoch)
		require.EqualValues(w, 1, b.Stats().LinkOutages)
		b.reads("users:1", "new", fromOrigin)
	})
}

func TestMemoryIsNotTrustedWhileTheLinkIsDown(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b := both(w)
		b.net.Cut()
		w.elapse(0) // the link has noticed, and waits before it tries again
		require.False(w, b.Stats().LinkUp)
		require.NoError(w, a.Invalidate(w.Context(), "users:1"))
		_, ok := b.peek("users:1")
		require.False(w, ok)
		for range 5 { // whatever the pool's dead connections do
			v, _ := b.get("users:1")
			require.Equal(w, "new", v)
		}
	})
}

func TestASilentLinkIsNotTrustedForLong(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b := both(w)
		w.elapse(3 * time.Second)
		b.reads("users:1", "old", fromMemory, "a link that answers is trusted")
		b.net.Silence()
		require.NoError(w, a.Invalidate(w.Context(), "users:1"))
		w.elapse(tiered.DefaultMaxStaleness)
		for range 100 {
			v, _ := b.get("users:1")
			require.Equal(w, "new", v)
			w.elapse(17 * time.Millisecond)
		}
		require.True(w, b.Stats().LinkUp)
		b.reads("users:1", "new", fromMemory)
	})
}

func TestPrefixMessageAfterALostOne(t *testing.T) {
	inBubble(t, func(w *world) {
		_, b := both(w)
		w.elapse(100 * time.Millisecond) // past the first look at the table, before the second
		now := uint64(time.Now().UnixMicro())
		add := func(prefix string, seq uint64) {
			require.NoError(w, w.rdb.ZAdd(w.Context(), "freshet:prefixes", redis.Z{Member: prefix, Score: float64(seq)}).Err())
		}
		add("users", now+1) // its message is lost
		add("posts", now+2)
		header := "P" + "another!" + "\x00\x00\x00\x00\x00\x00\x00\x02"
		require.NoError(w, w.rdb.Publish(w.Context(), "freshet:link", header+fmt.Sprintf("%d %d posts", now+2, now+1)).Err())
		w.elapse(0)
		require.EqualValues(w, 1, b.Stats().LinkGaps)
		_, ok := b.peek("users:1")
		require.False(w, ok)
		require.Equal(w, 2, b.Stats().Prefixes)
	})
}

func TestALostPrefixMessageIsFoundByAsking(t *testing.T) {
	inBubble(t, func(w *world) {
		_, b := both(w)
		require.NoError(w, w.rdb.ZAdd(w.Context(), "freshet:prefixes", redis.Z{Member: "users", Score: float64(time.Now().UnixMicro())}).Err())
		w.elapse(1500 * time.Millisecond)
		_, ok := b.peek("users:1")
		require.False(w, ok)
	})
}

func TestMalformedMessagesHarmNothing(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b := both(w)
		for _, m := range []string{"", "x", "P", "Pxxxxxxxxxxxxxxxx", "Pxxxxxxxxxxxxxxxx1 2"} {
			require.NoError(w, w.rdb.Publish(w.Context(), "freshet:link", m).Err())
		}
		w.elapse(0)
		require.EqualValues(w, 5, b.Stats().Corrupt)
		require.True(w, b.Stats().LinkUp)
		require.NoError(w, a.Invalidate(w.Context(), "users:1"))
		w.elapse(0)
		b.reads("users:1", "new", fromOrigin)
	})
}

func TestNamespacesAreApart(t *testing.T) {
	inBubble(t, func(w *world) {
		a, _ := both(w)
		c := w.node(func(o *tiered.Options) { o.Namespace = "other" })
		c.reads("users:1", "new", fromOrigin)
		require.NoError(w, c.InvalidatePrefix(w.Context()))
		require.NoError(w, c.Invalidate(w.Context(), "users:1"))
		w.elapse(0)
		a.reads("users:1", "old", fromMemory)
	})
}

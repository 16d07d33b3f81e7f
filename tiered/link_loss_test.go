package tiered_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/internal/redistest"
	"github.com/freshet-go/freshet/tiered"
)

// astray makes a node whose messages go to nobody while it is told so: they are executed, acknowledged, and lost.
func (w *world) astray() (n *node, lose func(bool)) {
	w.Helper()
	losing := false
	net := redistest.Network(w, w.mini)
	rdb := net.Client(w)
	rdb.AddHook(&tap{before: func(_ context.Context, cmd redis.Cmder) error {
		for i, arg := range cmd.Args() {
			if s, ok := arg.(string); ok && losing && strings.HasPrefix(cmd.Name(), "eval") && s == "freshet:link" {
				cmd.Args()[i] = "nobody"
			}
		}
		return nil
	}})
	return w.nodeOver(net, rdb), func(on bool) { losing = on }
}

func TestALostMessageIsNoticed(t *testing.T) {
	for name, act := range map[string]func(a *node) error{
		"Invalidate": func(a *node) error { return a.Invalidate(a.world.Context(), "users:1") },
		"Expire":     func(a *node) error { return a.Expire(a.world.Context(), "users:1") },
		"Hold":       func(a *node) error { a.Hold("users:1", time.Minute); return nil },
		"Set":        func(a *node) error { return a.Set(a.fetch("users:1")) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				a, lose := w.astray()
				b := w.node()
				w.origin["users:1"] = "old"
				a.reads("users:1", "old", fromOrigin)
				b.reads("users:1", "old", fromRedis)
				b.reads("users:1", "old", fromMemory)
				w.elapse(2 * time.Second)
				b.reads("users:1", "old", fromMemory)

				w.origin["users:1"] = "new"
				lose(true)
				require.NoError(w, act(a))
				lose(false)
				w.elapse(0)
				b.reads("users:1", "old", fromMemory) // it cannot know
				w.elapse(tiered.DefaultMaxStaleness)
				_, ok := b.peek("users:1")
				require.False(w, ok, "memory outlives MaxStaleness")
				require.EqualValues(w, 1, b.Stats().LinkLosses)
				require.EqualValues(w, 0, b.Stats().LinkOutages, "the link stands")
				w.elapse(5 * time.Second)
				require.EqualValues(w, 1, b.Stats().LinkLosses)
			})
		})
	}
}

func TestNothingLostIsNoLoss(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b := w.node(), w.node()
		epoch := b.Stats().Epoch
		for range 20 {
			require.NoError(w, a.Invalidate(w.Context(), "users:1", "users:2"))
			require.NoError(w, b.InvalidatePrefix(w.Context(), "posts"))
			w.elapse(130 * time.Millisecond)
		}
		w.elapse(5 * time.Second)
		require.Zero(w, a.Stats().LinkLosses)
		require.Equal(w, epoch, b.Stats().Epoch)
		require.NoError(w, a.Close())
		w.elapse(10 * time.Second)
		require.Equal(w, epoch, b.Stats().Epoch, "it said farewell")
	})
}

// A deferred invalidation leaves a void count: others do not take it for a loss.
func TestAVoidMessageIsNoLoss(t *testing.T) {
	inBubble(t, func(w *world) {
		refused := false
		net := redistest.Network(w, w.mini)
		rdb := net.Client(w)
		rdb.AddHook(&tap{before: func(_ context.Context, cmd redis.Cmder) error {
			if refused && strings.HasPrefix(cmd.Name(), "eval") {
				refused = false
				return context.DeadlineExceeded
			}
			return nil
		}})
		a, b := w.nodeOver(net, rdb), w.node()
		w.elapse(time.Second)
		refused = true
		require.ErrorIs(w, a.Invalidate(w.Context(), "users:1"), tiered.ErrDeferred)
		w.elapse(10 * time.Second)
		require.Zero(w, a.Stats().Journal)
		require.Zero(w, b.Stats().LinkLosses)
	})
}

// A node that says farewell right after a message that is lost: what it said last is judged all the same.
func TestALostMessageIsNoticedThoughItsNodeEnds(t *testing.T) {
	inBubble(t, func(w *world) {
		a, lose := w.astray()
		b := w.node()
		w.origin["users:1"] = "old"
		a.reads("users:1", "old", fromOrigin)
		b.reads("users:1", "old", fromRedis)
		w.elapse(2 * time.Second)
		b.reads("users:1", "old", fromMemory)

		w.origin["users:1"] = "new"
		lose(true)
		require.NoError(w, a.Invalidate(w.Context(), "users:1"))
		require.NoError(w, a.Close())
		w.elapse(tiered.DefaultMaxStaleness)
		_, ok := b.peek("users:1")
		require.False(w, ok, "memory outlives MaxStaleness")
		require.EqualValues(w, 1, b.Stats().LinkLosses)
		require.Zero(w, b.Stats().LinkOutages, "the link stands")
	})
}

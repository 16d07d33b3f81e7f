package tiered_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/internal/redistest"
	"github.com/freshet-go/freshet/tiered"
)

// replies is a hook that sees the replies to single commands, and may lose them: what after returns is what the caller
// gets. It refuses commands that are for refuse.
type replies struct {
	after  atomic.Pointer[func(cmd redis.Cmder) error]
	refuse atomic.Pointer[func(cmd redis.Cmder) bool]
}

// replying starts a node with a replies.
func (w *world) replying() (*node, *replies) {
	w.Helper()
	h, network := &replies{}, redistest.Network(w, w.mini)
	rdb := network.Client(w)
	rdb.AddHook(h)
	return w.nodeOver(network, rdb), h
}

func (h *replies) DialHook(next redis.DialHook) redis.DialHook { return next }
func (h *replies) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (h *replies) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if f := h.refuse.Load(); f != nil && (*f)(cmd) {
			cmd.SetErr(errReset)
			return errReset
		}
		err := next(ctx, cmd)
		if f := h.after.Load(); err == nil && f != nil {
			if err = (*f)(cmd); err != nil {
				cmd.SetErr(err)
			}
		}
		return err
	}
}

var errReset = errors.New("connection reset by peer")

// setBeside sets users:1 on a to "old", and calls act when the lease was granted, before Set knows of it. It keeps what
// package cache keeps after that.
func setBeside(w *world, a *node, h *replies, act func()) {
	w.Helper()
	require.NoError(w, a.Set(a.fetch("users:2")), "Redis knows the script")
	var called atomic.Bool
	after := func(cmd redis.Cmder) error {
		if says(cmd, "evalsha", "freshet:users:1") && called.CompareAndSwap(false, true) {
			act()
		}
		return nil
	}
	h.after.Store(&after)
	f, v := a.fetch("users:1"), "old"
	require.NoError(w, a.Set(f))
	require.True(w, called.Load())
	stored, err := a.FillAll(tiered.Fill{Fetch: f, Value: &v, Life: anHour})
	require.NoError(w, err)
	if stored[0] || f.Outcome == tiered.Unseen || f.Outcome == tiered.Alone {
		a.keep(f, v, anHour)
	}
	w.origin["users:1"] = "new"
}

// An Invalidate that begins after the lease of a Set was granted, and is deferred, came between: the second bump of the
// Set once made its value look newer than the Invalidate, and memory served it.
func TestSetBesideADeferredInvalidate(t *testing.T) {
	inBubble(t, func(w *world) {
		a, h := w.replying()
		setBeside(w, a, h, func() {
			refuse := func(cmd redis.Cmder) bool { return says(cmd, "evalsha", "freshet:users:1") && len(cmd.Args()) == 6 }
			h.refuse.Store(&refuse)
			require.ErrorIs(w, a.Invalidate(w.Context(), "users:1"), tiered.ErrDeferred)
		})
		for range 5 {
			a.reads("users:1", "new", fromOrigin, "while Redis does not know")
			w.elapse(100 * time.Millisecond)
		}
		h.refuse.Store(nil)
		w.elapse(10 * time.Second)
		require.Zero(w, a.Stats().Journal)
		a.reads("users:1", "new", fromOrigin, "what Redis had was older than the Invalidate")
		a.reads("users:1", "new", fromMemory)
	})
}

// An Invalidate that Redis is told of takes the lease of the Set away: nothing is stored.
func TestSetBesideAnInvalidate(t *testing.T) {
	inBubble(t, func(w *world) {
		a, h := w.replying()
		b := w.node()
		setBeside(w, a, h, func() { require.NoError(w, a.Invalidate(w.Context(), "users:1")) })
		require.Empty(w, w.stored("users:1"))
		a.reads("users:1", "new", fromOrigin)
		b.reads("users:1", "new", fromRedis)
	})
}

// An InvalidatePrefix that begins after the lease of a Set was granted, of this node or of another: the value was once
// stamped, and stored, with the sequence that followed it.
func TestSetBesideAnInvalidatePrefix(t *testing.T) {
	for name, prefix := range map[string][]string{"of the cache": {"users"}, "of all": nil, "of the key": {"users", "1"}} {
		for who := range 2 {
			t.Run([]string{"same node/", "other node/"}[who]+name, func(t *testing.T) {
				inBubble(t, func(w *world) {
					a, h := w.replying()
					nodes := []*node{a, w.node()}
					setBeside(w, a, h, func() {
						require.NoError(w, nodes[who].InvalidatePrefix(w.Context(), prefix...))
						if who == 1 {
							w.elapse(10 * time.Millisecond) // until it is heard
						}
					})
					fresh := w.node()
					fresh.reads("users:1", "new", fromOrigin, "what Redis has is below a dead prefix")
					v, from := nodes[0].get("users:1")
					require.Equal(w, "new", v, "from %s", from)
					v, from = nodes[1].get("users:1")
					require.Equal(w, "new", v, "from %s", from)
				})
			})
		}
	}
}

// The same, where memory is asked before anybody has put something newer into Redis.
func TestSetBesideAnInvalidatePrefixInMemory(t *testing.T) {
	inBubble(t, func(w *world) {
		a, h := w.replying()
		setBeside(w, a, h, func() { require.NoError(w, a.InvalidatePrefix(w.Context(), "users")) })
		_, ok := a.peek("users:1")
		require.False(w, ok)
		w.elapse(5 * time.Second)
		a.reads("users:1", "new", fromOrigin)
	})
}

// A prefix invalidation that is deferred taints, as a key does.
func TestSetBesideADeferredInvalidatePrefix(t *testing.T) {
	inBubble(t, func(w *world) {
		a, h := w.replying()
		setBeside(w, a, h, func() {
			refuse := func(cmd redis.Cmder) bool {
				return says(cmd, "evalsha", "freshet:prefixes") || says(cmd, "eval", "freshet:prefixes")
			}
			h.refuse.Store(&refuse)
			require.ErrorIs(w, a.InvalidatePrefix(w.Context(), "users"), tiered.ErrDeferred)
		})
		a.reads("users:1", "new", fromOrigin)
		h.refuse.Store(nil)
		w.elapse(10 * time.Second)
		require.Zero(w, a.Stats().Journal)
		a.reads("users:1", "new", fromOrigin)
	})
}

// Redis evicts the table of prefix invalidations. Records of before its loss must not come back to life in a store that
// has never heard of the invalidation.
func TestPrefixTableVanishes(t *testing.T) {
	for name, vanish := range map[string]func(w *world){
		"at once": func(w *world) { w.mini.Del("freshet:prefixes"); w.elapse(5 * time.Second) },
		"later":   func(w *world) { w.elapse(5 * time.Second); w.mini.Del("freshet:prefixes"); w.elapse(5 * time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				a := w.node()
				w.origin["users:1"] = "old"
				a.reads("users:1", "old", fromOrigin)
				w.origin["users:1"] = "new"
				require.NoError(w, a.InvalidatePrefix(w.Context(), "users"))
				vanish(w)
				fresh := w.node()
				fresh.reads("users:1", "new", fromOrigin)
				a.reads("users:1", "new", fromRedis)
			})
		})
	}
}

// The reply that granted a lease is lost: the lease is nobody's, and its own node once waited for its end.
func TestLostGrant(t *testing.T) {
	inBubble(t, func(w *world) {
		a, h := w.replying()
		b := w.node()
		a.Acquire(a.fetch("users:2")) // Redis knows the script
		var lost atomic.Bool
		after := func(cmd redis.Cmder) error {
			if says(cmd, "evalsha", "freshet:users:1") && lost.CompareAndSwap(false, true) {
				return errReset
			}
			return nil
		}
		h.after.Store(&after)
		f := a.fetch("users:1")
		a.Acquire(f)
		require.True(w, lost.Load())
		require.Equal(w, tiered.Alone, f.Outcome)
		require.Equal(w, "L", w.stored("users:1"), "Redis granted it")

		theirs := b.fetch("users:1")
		b.Acquire(theirs)
		require.Equal(w, tiered.Busy, theirs.Outcome, "another node cannot know")

		w.origin["users:1"] = "new"
		require.Zero(w, took(func() { a.reads("users:1", "new", fromOrigin) }), "a read waited for a lease of its own node")
		require.Equal(w, "V", w.stored("users:1"), "the lease was taken over, and filled")
		b.reads("users:1", "new", fromRedis)
	})
}

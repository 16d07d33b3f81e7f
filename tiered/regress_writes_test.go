package tiered_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/tiered"
)

// replies is a hook that sees the replies to single commands, and may lose them: what it returns is what the caller gets.
type replies struct {
	after func(cmd redis.Cmder) error
}

func (h *replies) DialHook(next redis.DialHook) redis.DialHook { return next }
func (h *replies) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (h *replies) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if err == nil && h.after != nil {
			if err = h.after(cmd); err != nil {
				cmd.SetErr(err)
			}
		}
		return err
	}
}

var errReset = errors.New("connection reset by peer")

// setBeside sets users:1 on a to "old", and calls act when the lease was granted, before Set knows of it. It keeps what
// package cache keeps after that.
func setBeside(w *world, a *node, act func()) {
	w.Helper()
	require.NoError(w, a.Set(a.fetch("users:2")), "Redis knows the script")
	called := false
	a.rdb.AddHook(&replies{func(cmd redis.Cmder) error {
		if !called && says(cmd, "evalsha", "freshet:users:1") {
			called = true
			act()
		}
		return nil
	}})
	f, v := a.fetch("users:1"), "old"
	require.NoError(w, a.Set(f))
	require.True(w, called)
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
		a := w.node()
		var end func()
		setBeside(w, a, func() {
			end = refusing(a)
			require.ErrorIs(w, a.Invalidate(w.Context(), "users:1"), tiered.ErrDeferred)
		})
		for range 5 {
			a.reads("users:1", "new", fromOrigin, "while Redis does not know")
			w.elapse(100 * time.Millisecond)
		}
		end()
		w.elapse(10 * time.Second)
		require.Zero(w, a.Stats().Journal)
		a.reads("users:1", "new", fromOrigin, "what Redis had was older than the Invalidate")
		a.reads("users:1", "new", fromMemory)
	})
}

// An Invalidate that Redis is told of takes the lease of the Set away: nothing is stored.
func TestSetBesideAnInvalidate(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b := w.node(), w.node()
		setBeside(w, a, func() { require.NoError(w, a.Invalidate(w.Context(), "users:1")) })
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
					nodes := []*node{w.node(), w.node()}
					setBeside(w, nodes[0], func() {
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
		a := w.node()
		setBeside(w, a, func() { require.NoError(w, a.InvalidatePrefix(w.Context(), "users")) })
		_, ok := a.peek("users:1")
		require.False(w, ok)
		w.elapse(5 * time.Second)
		a.reads("users:1", "new", fromOrigin)
	})
}

// A prefix invalidation that is deferred taints, as a key does.
func TestSetBesideADeferredInvalidatePrefix(t *testing.T) {
	inBubble(t, func(w *world) {
		a := w.node()
		lost := true
		setBeside(w, a, func() {
			a.rdb.AddHook(&tap{before: func(_ context.Context, cmd redis.Cmder) error {
				if lost && (says(cmd, "evalsha", "freshet:prefixes") || says(cmd, "eval", "freshet:prefixes")) {
					return errReset
				}
				return nil
			}})
			require.ErrorIs(w, a.InvalidatePrefix(w.Context(), "users"), tiered.ErrDeferred)
		})
		a.reads("users:1", "new", fromOrigin)
		lost = false
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
		a, b := w.node(), w.node()
		lost := false
		a.Acquire(a.fetch("users:2")) // Redis knows the script
		a.rdb.AddHook(&replies{func(cmd redis.Cmder) error {
			if !lost && says(cmd, "evalsha", "freshet:users:1") {
				lost = true
				return errReset
			}
			return nil
		}})
		f := a.fetch("users:1")
		a.Acquire(f)
		require.True(w, lost)
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

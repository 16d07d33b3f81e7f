package cache_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/freshet-go/freshet/breaker"
	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

var errReset = errors.New("connection reset by peer")

// replyHook loses the replies to single commands that it returns an error for: Redis has executed them.
type replyHook struct {
	commandHook
	lose func(cmd redis.Cmder) error
}

func (h *replyHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if err := next(ctx, cmd); err != nil {
			return err
		}
		err := h.lose(cmd)
		if err != nil {
			cmd.SetErr(err)
		}
		return err
	}
}

// fillsKey tells whether cmd writes a value into Redis.
func fillsKey(cmd redis.Cmder) bool {
	if !isScript(cmd) {
		return false
	}
	for _, arg := range cmd.Args() {
		if b, ok := arg.([]byte); ok && len(b) > 60 && b[0] == 'V' {
			return true
		}
	}
	return false
}

// The fill of a Set is lost on its way, or the reply to it. The lease that may stand then is nobody's: a Get once waited
// for its end. Nobody knows anything newer than the value of the Set, so this node serves it.
func TestLostFillOfASet(t *testing.T) {
	t.Run("command", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			w, hook := hooked(t, 1)
			lost := 0
			hook.set(func(_ context.Context, cmd redis.Cmder) error {
				if fillsKey(cmd) && lost == 0 {
					lost++
					return errReset
				}
				return nil
			})
			testLostFillOfASet(w, &lost)
		})
	})
	t.Run("reply", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			lost := 0
			hook := &replyHook{lose: func(cmd redis.Cmder) error {
				if fillsKey(cmd) && lost == 0 {
					lost++
					return errReset
				}
				return nil
			}}
			w := newWorld(t, 1, func(o *tiered.Options) { o.Redis.AddHook(hook) })
			testLostFillOfASet(w, &lost)
		})
	})
}

func testLostFillOfASet(w *world, lost *int) {
	w.Helper()
	src := newSource("k", "loaded")
	c := w.open(0, src, cache.Options{})
	require.NoError(w, c.Set(bg, "other", "x"), "Redis knows the scripts")
	require.Equal(w, 1, *lost)
	*lost = 0
	require.NoError(w, c.Set(bg, "k", "set"))
	require.Equal(w, 1, *lost)
	start := time.Now()
	get(w, c, "k", "set")
	require.Zero(w, time.Since(start), "a Get waited for a lease of its own node")
	require.Zero(w, src.loads("k"))

	pass(time.Minute) // past the value
	start = time.Now()
	get(w, c, "k", "loaded")
	require.Zero(w, time.Since(start))
}

// The same, where memory does not have the value any more while the lease still stands.
func TestLostFillOfASetThatMemoryForgot(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, hook := hooked(t, 1)
		src := newSource("k", "loaded")
		c := w.open(0, src, cache.Options{TTL: ttl.Fixed(time.Second)})
		lost := false
		hook.set(func(_ context.Context, cmd redis.Cmder) error {
			if fillsKey(cmd) && !lost {
				lost = true
				return errReset
			}
			return nil
		})
		require.NoError(t, c.Set(bg, "k", "set"))
		require.True(t, lost)
		pass(1500 * time.Millisecond)
		require.Len(t, w.raw(), 1, "the lease stands")
		start := time.Now()
		get(t, c, "k", "loaded")
		require.Zero(t, time.Since(start), "a Get waited for a lease of its own node")
		require.Equal(t, 1, src.loads("k"))
	})
}

// Redis takes longer than the budget for each answer, but the link, which has more patience, stays up. Nothing was kept in
// memory then, and every Get loaded: it is fallback mode.
func TestSlowRedisBesideALink(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, hook := hooked(t, 1)
		src := newSource("k", "v")
		c := w.open(0, src, cache.Options{})
		get(t, c, "k", "v")
		slow := func(context.Context, redis.Cmder) error {
			<-time.After(80 * time.Millisecond)
			return nil
		}
		hook.set(slow)
		pass(20 * time.Second) // past the value
		for range 100 {
			get(t, c, "k", "v")
			pass(time.Second)
		}
		s := w.nodes[0].Stats()
		require.True(t, s.Fallback)
		require.NotEqual(t, breaker.Closed, s.Breaker)
		require.LessOrEqual(t, src.loads("k"), 25, "loads in 100 s of a key with a TTL of 10 s")

		hook.set(func(context.Context, redis.Cmder) error { return nil })
		pass(30 * time.Second)
		s = w.nodes[0].Stats()
		require.False(t, s.Fallback)
		require.True(t, s.LinkUp)
	})
}

package cache_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// Each of these removes the excuse for one fence: without it the test is red.

// commandHook sees single commands, and may do something before them or instead of them.
type commandHook struct {
	before atomic.Pointer[func(ctx context.Context, cmd redis.Cmder) error]
}

func (h *commandHook) set(f func(ctx context.Context, cmd redis.Cmder) error) { h.before.Store(&f) }

func (h *commandHook) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h *commandHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if f := h.before.Load(); f != nil {
			if err := (*f)(ctx, cmd); err != nil {
				cmd.SetErr(err)
				return err
			}
		}
		return next(ctx, cmd)
	}
}

func (h *commandHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// hooked makes a world whose first node has a hook.
func hooked(t *testing.T, nodes int) (*world, *commandHook) {
	t.Helper()
	hook := &commandHook{}
	first := true
	return newWorld(t, nodes, func(o *tiered.Options) {
		if first {
			first = false
			o.Redis.AddHook(hook)
		}
	}), hook
}

func isScript(cmd redis.Cmder) bool { return cmd.Name() == "evalsha" || cmd.Name() == "eval" }

// The second bump: what was read from Redis after the first one, but before Redis was told, ends with it.
func TestFenceReadWhileRedisIsBeingTold(t *testing.T) {
	for killer, kill := range killers {
		t.Run(killer, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w, hook := hooked(t, 1)
				src := newSource("k", "old")
				c := w.open(0, src, cache.Options{TTL: ttl.Fixed(time.Hour)})
				get(t, c, "k", "old")
				pass(time.Millisecond)
				hook.set(func(_ context.Context, cmd redis.Cmder) error {
					if isScript(cmd) {
						pass2(20 * time.Millisecond)
					}
					return nil
				})
				killed := async(func() (string, error) { return "", kill(c, src) })
				pass2(10 * time.Millisecond)
				_, _ = c.Get(bg, "k") // from Redis, which has not heard of it
				require.NoError(t, (<-killed).err)
				hook.set(func(context.Context, redis.Cmder) error { return nil })
				for range 3 {
					get(t, c, "k", "new")
					pass(time.Millisecond)
				}
			})
		})
	}
}

// The token of a lease belongs to one execution: a lease command that the network repeats, after the lease was taken
// away by an invalidation, makes a lease that the old load cannot fill.
func TestFenceRepeatedLease(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, hook := hooked(t, 2)
		src := newSource("k", "old")
		cs := w.openAll(src, cache.Options{TTL: ttl.Fixed(time.Hour)})
		var leases [][]any
		hook.set(func(_ context.Context, cmd redis.Cmder) error {
			if isScript(cmd) && len(cmd.Args()) > 3 && cmd.Args()[3] == "freshet:rows:k" {
				leases = append(leases, slices.Clone(cmd.Args()))
			}
			return nil
		})
		src.slow(2 * time.Second)
		loading := async(func() (string, error) { return cs[0].Get(bg, "k") })
		pass(100 * time.Millisecond)
		hook.set(func(context.Context, redis.Cmder) error { return nil })
		require.NotEmpty(t, leases)
		lease := leases[len(leases)-1]

		src.set("k", "new")
		require.NoError(t, cs[1].Invalidate(bg, "k"))
		pass(100 * time.Millisecond)
		require.Empty(t, w.raw())
		repeated := w.nets[0].Client(t)
		require.NoError(t, repeated.Do(bg, lease...).Err())
		require.Len(t, w.raw(), 1)

		require.Equal(t, "old", (<-loading).value)
		pass(100 * time.Millisecond)
		src.slow(0)
		for _, c := range cs {
			get(t, c, "k", "new")
		}
	})
}

// A hold stands whatever else happens to its key, until its own Mutate takes it away or its time is over.
func TestFenceHoldStands(t *testing.T) {
	for killer, kill := range killers {
		t.Run(killer, func(t *testing.T) {
			inSomeWorlds(t, []int{1, 2}, func(w *world) {
				src := newSource("k", "old")
				cs := w.openAll(src, cache.Options{TTL: ttl.Fixed(time.Hour)})
				w.nodes[0].Hold("rows:k", 5*time.Second) // of a process that will die
				c := cs[w.last()]
				require.NoError(w, kill(c, src))
				pass(time.Millisecond)
				for _, row := range []string{"new", "committed", "committed, too"} {
					src.set("k", row)
					for _, c := range cs {
						get(w, c, "k", row)
					}
					pass(time.Second)
				}
			})
		})
	}
}

// What was loaded without Redis's answer, while the link is up, is not kept: Redis may hold a mark that was not seen.
func TestFenceUnseenHold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, hook := hooked(t, 2)
		src := newSource("k", "old")
		cs := w.openAll(src, cache.Options{TTL: ttl.Fixed(time.Hour)})
		w.nodes[1].Hold("rows:k", 5*time.Second)
		pass(time.Millisecond)
		hook.set(func(_ context.Context, cmd redis.Cmder) error {
			if cmd.Name() == "get" || cmd.Name() == "mget" {
				return errDown
			}
			return nil
		})
		get(t, cs[0], "k", "old")
		hook.set(func(context.Context, redis.Cmder) error { return nil })
		src.set("k", "new") // committed, and then the writer died
		get(t, cs[0], "k", "new")
		get(t, cs[1], "k", "new")
	})
}

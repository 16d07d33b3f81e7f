package tiered_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/breaker"
	"github.com/freshet-go/freshet/internal/redistest"
	"github.com/freshet-go/freshet/tiered"
)

// calls are all that a caller can wait for, each a call of Redis. They may be made all at once: each that uses a lease
// has a Fetch of its own.
func calls(n *node) map[string]func() {
	ctx, v := context.Background(), "v"
	granted := n.fetch("users:granted")
	_ = n.Set(granted)
	filled, abandoned, renewed := *granted, *granted, *granted
	return map[string]func(){
		"Look one":         func() { n.Look(n.fetch("users:1")) },
		"Look many":        func() { n.Look(n.fetch("users:1"), n.fetch("users:2"), n.fetch("users:3")) },
		"Acquire one":      func() { n.Acquire(n.fetch("users:1")) },
		"Acquire many":     func() { n.Acquire(n.fetch("users:1"), n.fetch("users:2")) },
		"Invalidate":       func() { _ = n.Invalidate(ctx, "users:1") },
		"Invalidate many":  func() { _ = n.Invalidate(ctx, "users:1", "users:2") },
		"InvalidatePrefix": func() { _ = n.InvalidatePrefix(ctx, "users") },
		"Expire":           func() { _ = n.Expire(ctx, "users:1") },
		"Set":              func() { _ = n.Set(n.fetch("users:1")) },
		"Hold":             func() { n.Hold("users:1", time.Second) },
		"Fill":             func() { n.Fill(tiered.Fill{Fetch: &filled, Value: &v, Life: anHour}) },
		"Claim":            func() { n.Claim(n.fetch("users:1"), time.Second) },
		"Abandon":          func() { f := abandoned; n.Abandon(&f) },
		"Renew":            func() { n.Renew(&renewed) },
	}
}

// clients are kinds of client, by name: the Store must bound them all.
var clients = map[string]func(*redis.Options){
	"as Dial makes it": func(*redis.Options) {},
	"with defaults": func(o *redis.Options) {
		*o = redis.Options{
			Addr: o.Addr, Dialer: o.Dialer, PoolSize: o.PoolSize,
			MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		}
	},
}

func TestFrozenRedisDelaysNobodyBeyondTheBudget(t *testing.T) {
	for kind, change := range clients {
		t.Run(kind, func(t *testing.T) {
			inBubble(t, func(w *world) {
				net := redistest.Network(w, w.mini)
				n := w.nodeOver(net, net.Client(w, change))
				for name := range calls(n) {
					net.Thaw()
					w.elapse(30 * time.Second)
					call := calls(n)[name]
					require.Zero(w, n.Stats().Breaker, "recovered")
					require.True(w, n.Stats().LinkUp)
					net.Freeze()
					delayed := 0
					for range 50 {
						d := took(call)
						require.LessOrEqual(w, d, tiered.DefaultBudget, name)
						if d > 0 {
							delayed++
						}
					}
					require.LessOrEqual(w, delayed, breaker.DefaultConsecutive, "%s: then the breaker opens", name)
				}
				net.Thaw()
			})
		})
	}
}

func TestNoFaultOfRedisDelaysAReadAfterTheBreakerHasOpened(t *testing.T) {
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				n := w.node()
				fault.begin(w, n)
				n.exhaust()
				for range 1000 {
					require.Zero(w, took(func() { n.Acquire(n.fetch("users:1")) }))
					w.elapse(10 * time.Millisecond)
				}
				fault.end(w, n)
				w.elapse(5 * time.Second)
				require.Equal(w, breaker.Closed, n.Stats().Breaker)
				require.True(w, n.Stats().LinkUp)
				f := n.fetch("users:1")
				n.Acquire(f)
				require.Equal(w, tiered.Granted, f.Outcome)
			})
		})
	}
}

func TestManyCallersOfAFrozenRedis(t *testing.T) {
	inBubble(t, func(w *world) {
		n := w.node()
		n.net.Freeze()
		var wg sync.WaitGroup
		for i := range 500 {
			wg.Go(func() {
				if d := took(func() { n.Acquire(n.fetch(fmt.Sprint("users:", i))) }); d > tiered.DefaultBudget {
					t.Errorf("a read waited %v", d)
				}
			})
		}
		wg.Wait()
		n.net.Thaw()
	})
}

func TestServersThatRefuse(t *testing.T) {
	for _, answer := range []string{
		"LOADING Redis is loading the dataset in memory", "READONLY You can't write against a read only replica.",
		"MASTERDOWN Link with MASTER is down", "CLUSTERDOWN The cluster is down", "WRONGPASS invalid username-password pair",
		"NOAUTH Authentication required.", "BUSY Redis is busy running a script.", "ERR max number of clients reached",
	} {
		t.Run(answer[:7], func(t *testing.T) {
			inBubble(t, func(w *world) {
				a, _ := both(w)
				w.mini.SetError(answer)
				for range 10 {
					require.LessOrEqual(w, took(func() { a.get("users:2") }), tiered.DefaultBudget)
				}
				require.ErrorIs(w, a.Invalidate(w.Context(), "users:1"), tiered.ErrDeferred)
				v, _ := a.get("users:1")
				require.Equal(w, "new", v)
				st := a.Stats()
				require.True(w, st.Breaker != breaker.Closed || st.Link != tiered.LinkUp, "%+v", st) // whichever noticed first
				w.mini.SetError("")
				w.elapse(6 * time.Second)
				require.Equal(w, breaker.Closed, a.Stats().Breaker)
				a.reads("users:1", "new", fromOrigin)
			})
		})
	}
}

func TestAFullRedisStillAnswersReads(t *testing.T) {
	inBubble(t, func(w *world) {
		both(w)
		w.origin["users:2"] = "v"
		full := &tap{before: func(_ context.Context, cmd redis.Cmder) error {
			if cmd.Name() == "evalsha" || cmd.Name() == "eval" {
				return oom{}
			}
			return nil
		}}
		b := w.node()
		b.rdb.AddHook(full)
		b.reads("users:1", "old", fromRedis)
		b.reads("users:2", "v", fromOrigin, "without a lease")
		b.reads("users:2", "v", fromMemory)
		for range 20 {
			require.ErrorIs(w, b.Invalidate(w.Context(), "users:1"), tiered.ErrDeferred)
		}
		require.Equal(w, breaker.Closed, b.Stats().Breaker, "an answer is no fault")
		v, _ := b.get("users:1")
		require.Equal(w, "new", v)
	})
}

// oom is what a full Redis answers to what needs memory.
type oom struct{}

func (oom) Error() string { return "OOM command not allowed when used memory > 'maxmemory'." }
func (oom) RedisError()   {}

// That a client says of itself that it obeys contexts is no proof: only one that is known to may keep its callers.
func TestAClientThatPromisesTooMuchDelaysNobodyBeyondTheBudget(t *testing.T) {
	inBubble(t, func(w *world) {
		net := redistest.Network(w, w.mini)
		rdb := net.Client(w).WithTimeout(time.Second)
		require.True(w, rdb.Options().ContextTimeoutEnabled)
		slow := &tap{}
		rdb.AddHook(slow)
		n := w.nodeOver(net, rdb)
		slow.before = func(context.Context, redis.Cmder) error {
			time.Sleep(time.Minute)
			return nil
		}
		for range 3 {
			require.Equal(w, tiered.DefaultBudget, took(func() { n.Look(n.fetch("users:1")) }))
		}
		time.Sleep(2 * time.Minute) // the client comes back
		require.NoError(w, rdb.Close())
	})
}

// A client as Dial makes it keeps its callers no longer when a hook does: not even one, and not even once.
func TestAHookThatIgnoresContextsDelaysNobodyBeyondTheBudget(t *testing.T) {
	inBubble(t, func(w *world) {
		n := w.node()
		var over atomic.Bool
		slow := &tap{before: func(context.Context, redis.Cmder) error {
			if !over.Load() {
				time.Sleep(time.Second)
			}
			return nil
		}}
		n.Look(n.fetch("users:1"))
		n.rdb.AddHook(slow)
		for name, call := range calls(n) {
			require.LessOrEqual(w, took(call), tiered.DefaultBudget, name)
			w.elapse(30 * time.Second)
		}
		over.Store(true)
		w.elapse(time.Minute) // it comes back
	})
}

package tiered_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// master is what INFO says of a miniredis, which does not say it itself.
type master struct {
	mu           sync.Mutex
	id, previous string
	asked        func() // after each answer
}

func (m *master) become(id, previous string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.id, m.previous = id, previous
}

func (m *master) DialHook(next redis.DialHook) redis.DialHook { return next }
func (m *master) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (m *master) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		info, ok := cmd.(*redis.StringCmd)
		if !ok || cmd.Name() != "info" {
			return next(ctx, cmd)
		}
		if err := next(ctx, redis.NewCmd(ctx, "ping")); err != nil { // as far as it is there
			cmd.SetErr(err)
			return err
		}
		m.mu.Lock()
		asked := m.asked
		info.SetVal(fmt.Sprintf("# Replication\r\nrole:master\r\nmaster_replid:%s\r\nmaster_replid2:%s\r\n", m.id, m.previous))
		m.mu.Unlock()
		if asked != nil {
			asked()
		}
		return nil
	}
}

// under makes a node that hears from m who Redis is.
func (w *world) under(m *master) *node {
	w.Helper()
	n := w.node()
	n.rdb.AddHook(m)
	n.net.Cut() // the first link was without the hook
	w.elapse(2 * time.Second)
	require.True(w, n.Stats().LinkUp)
	return n
}

// snapshot returns the present data, and a function that brings them back, for a failover that lost what came after.
func (w *world) snapshot() (rollback func()) {
	w.Helper()
	ctx := context.Background()
	dumps := map[string]string{}
	for _, k := range w.mini.Keys() {
		if w.mini.Type(k) == "string" {
			dumps[k], _ = w.mini.Get(k)
		}
	}
	zset, _ := w.mini.SortedSet("freshet:prefixes")
	return func() {
		w.mini.FlushAll()
		for k, v := range dumps {
			w.rdb.Set(ctx, k, v, time.Hour)
		}
		for member, score := range zset {
			w.rdb.ZAdd(ctx, "freshet:prefixes", redis.Z{Member: member, Score: score})
		}
	}
}

func TestAFailoverThatLostAnInvalidation(t *testing.T) {
	for name, act := range map[string]func(w *world, a *node) error{
		"Invalidate":       func(w *world, a *node) error { return a.Invalidate(w.Context(), "users:1") },
		"InvalidatePrefix": func(w *world, a *node) error { return a.InvalidatePrefix(w.Context(), "users") },
		"Release":          func(w *world, a *node) error { return a.Hold("users:1", time.Minute).Release(w.Context(), 0) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				m := &master{id: "one"}
				a, b := w.under(m), w.under(m)
				w.origin["users:1"] = "old"
				a.reads("users:1", "old", fromOrigin)
				rollback := w.snapshot()
				w.origin["users:1"] = "new"
				require.NoError(w, act(w, a))
				w.elapse(30 * time.Second)

				m.become("two", "one")
				rollback()
				a.net.Cut()
				b.net.Cut()
				for range 200 {
					v, from := a.get("users:1")
					require.Equal(w, "new", v, "from %s", from)
					w.elapse(20 * time.Millisecond)
				}
				v, from := b.get("users:1")
				require.Equal(w, "new", v, "from %s", from)
			})
		})
	}
}

func TestAFailoverPutsHoldsBack(t *testing.T) {
	inBubble(t, func(w *world) {
		m := &master{id: "one"}
		a, b := w.under(m), w.under(m)
		rollback := w.snapshot()
		h := a.Hold("users:1", time.Minute)
		w.elapse(5 * time.Second)
		m.become("two", "one")
		rollback()
		require.Empty(w, w.stored("users:1"))
		a.net.Cut()
		w.elapse(3 * time.Second)
		require.Equal(w, "H", w.stored("users:1"))
		w.origin["users:1"] = "written"
		b.reads("users:1", "written", fromOrigin)
		b.reads("users:1", "written", fromOrigin)
		require.NoError(w, h.Release(w.Context(), 0))
		require.Empty(w, w.stored("users:1"))

		m.become("three", "two")
		a.net.Cut()
		w.elapse(3 * time.Second)
		require.Empty(w, w.stored("users:1"), "a hold that was released does not come back")
	})
}

func TestAFailoverRaisesTheSequence(t *testing.T) {
	inBubble(t, func(w *world) {
		m := &master{id: "one"}
		a := w.under(m)
		ahead := float64(time.Now().Add(24 * time.Hour).UnixMicro())
		require.NoError(w, w.rdb.ZAdd(w.Context(), "freshet:prefixes", redis.Z{Member: "posts", Score: ahead}).Err())
		w.elapse(2 * time.Second) // a has heard of it
		m.become("two", "one")
		w.mini.FlushAll()
		a.net.Cut()
		w.elapse(3 * time.Second)
		top, err := w.rdb.ZRevRangeWithScores(w.Context(), "freshet:prefixes", 0, 0).Result()
		require.NoError(w, err)
		require.Len(w, top, 1)
		require.GreaterOrEqual(w, top[0].Score, ahead)
	})
}

func TestASnapshotWithoutContinuityIsInvalidatedOnce(t *testing.T) {
	inBubble(t, func(w *world) {
		m := &master{id: "one"}
		nodes := []*node{w.under(m), w.under(m), w.under(m)}
		w.origin["users:1"] = "old"
		nodes[0].reads("users:1", "old", fromOrigin)
		rollback := w.snapshot()
		w.origin["users:1"] = "new"
		require.NoError(w, nodes[1].Invalidate(w.Context(), "users:1"))
		w.elapse(5 * time.Minute) // nobody remembers it

		m.become("two", "0000")
		rollback()
		for _, n := range nodes {
			n.net.Cut()
			w.elapse(3 * time.Second)
			v, from := n.get("users:1")
			require.Equal(w, "new", v, "from %s", from)
		}
		zset, err := w.mini.SortedSet("freshet:prefixes")
		require.NoError(w, err)
		require.Contains(w, zset, "")
		nodes[0].reads("users:1", "new", fromMemory, "what was loaded after the first node's invalidation is still there")
	})
}

// A master that changes between the question who it is and the subscription is not noticed by the question.
func TestAFailoverWhileTheLinkComesUp(t *testing.T) {
	inBubble(t, func(w *world) {
		m := &master{id: "one"}
		a := w.under(m)
		w.origin["users:1"] = "old"
		a.reads("users:1", "old", fromOrigin)
		rollback := w.snapshot()
		w.origin["users:1"] = "new"
		require.NoError(w, a.Invalidate(w.Context(), "users:1"))
		var once sync.Once
		m.mu.Lock()
		m.asked = func() {
			once.Do(func() {
				m.become("two", "one")
				rollback()
			})
		}
		m.mu.Unlock()
		a.net.Cut()
		w.elapse(5 * time.Second)
		require.True(w, a.Stats().LinkUp)
		v, from := a.get("users:1")
		require.Equal(w, "new", v, "from %s", from)
	})
}

func TestNothingIsReadFromAServerThatDoesNotSayWhoItIs(t *testing.T) {
	inBubble(t, func(w *world) {
		m := &master{id: "one"}
		a := w.under(m)
		w.origin["users:1"] = "old"
		a.reads("users:1", "old", fromOrigin)
		rollback := w.snapshot()
		w.origin["users:1"] = "new"
		require.NoError(w, a.Invalidate(w.Context(), "users:1"))
		rollback()
		m.become("two", "one")
		mute := &tap{before: func(ctx context.Context, cmd redis.Cmder) error {
			if cmd.Name() == "ping" || cmd.Name() == "info" {
				return slowly(time.Hour)(ctx, cmd)
			}
			return nil
		}}
		a.rdb.AddHook(mute)
		a.net.Cut()
		for range 100 {
			v, from := a.get("users:1")
			require.Equal(w, "new", v, "from %s", from)
			w.elapse(30 * time.Millisecond)
		}
	})
}

// A Release that races the putting back of holds must win: nobody would take that hold away.
func TestAHoldThatIsReleasedDuringAFailover(t *testing.T) {
	inBubble(t, func(w *world) {
		m := &master{id: "one"}
		a := w.under(m)
		h := a.Hold("users:1", 10*time.Minute)
		var released atomic.Bool
		a.rdb.AddHook(&tap{before: func(_ context.Context, cmd redis.Cmder) error {
			if says(cmd, "evalsha", "freshet:link") && released.CompareAndSwap(false, true) {
				// The first script after the failover puts the hold back; on its way it is overtaken.
				go func() { _ = h.Release(context.Background(), 0) }()
				time.Sleep(10 * time.Millisecond)
			}
			return nil
		}})
		m.become("two", "one")
		a.net.Cut()
		w.elapse(5 * time.Second)
		require.NotEqual(w, "H", w.stored("users:1"))
	})
}

func TestExpiredHoldsDoNotComeBack(t *testing.T) {
	inBubble(t, func(w *world) {
		m := &master{id: "one"}
		a := w.under(m)
		a.Hold("users:1", time.Second) // never released
		w.elapse(time.Minute)
		const argsOfInvalidate = 6 // a hold has a token more, and a time
		var held atomic.Int32
		a.rdb.AddHook(&tap{before: func(_ context.Context, cmd redis.Cmder) error {
			if says(cmd, "evalsha", "freshet:users:1") && len(cmd.Args()) > argsOfInvalidate {
				held.Add(1)
			}
			return nil
		}})
		m.become("two", "one")
		a.net.Cut()
		w.elapse(3 * time.Second)
		require.Zero(w, held.Load(), "it is told again as a recent invalidation, not as a hold")
		require.Empty(w, w.stored("users:1"))
	})
}

package tiered_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/tiered"
)

// faults are the ways in which a node's invalidation may fail to reach Redis.
var faults = map[string]struct{ begin, end func(w *world, n *node) }{
	"down":    {func(_ *world, n *node) { n.net.Down() }, func(_ *world, n *node) { n.net.Up() }},
	"frozen":  {func(_ *world, n *node) { n.net.Freeze() }, func(_ *world, n *node) { n.net.Thaw() }},
	"loading": {func(w *world, _ *node) { w.mini.SetError("LOADING a data set") }, func(w *world, _ *node) { w.mini.SetError("") }},
}

func TestDeferredInvalidations(t *testing.T) {
	ctx := context.Background()
	for name, act := range map[string]func(a *node) error{
		"Invalidate":       func(a *node) error { return a.Invalidate(ctx, "posts:7", "users:1") },
		"Expire":           func(a *node) error { return a.Expire(ctx, "users:1") },
		"InvalidatePrefix": func(a *node) error { return a.InvalidatePrefix(ctx, "users") },
		"Set":              func(a *node) error { return a.Set(a.fetch("users:1")) },
		"Hold and Release": func(a *node) error { return a.Hold("users:1", time.Minute).Release(ctx, 0) },
	} {
		for how, fault := range faults {
			t.Run(name+"/"+how, func(t *testing.T) {
				inBubble(t, func(w *world) {
					a, b := both(w)
					fault.begin(w, a)
					require.ErrorIs(w, act(a), tiered.ErrDeferred)
					require.NotZero(w, a.Stats().Journal)
					for range 5 {
						v, from := a.get("users:1")
						require.Equal(w, "new", v, "from %s", from)
						w.elapse(10 * time.Millisecond)
					}
					fault.end(w, a)
					for range 200 {
						v, from := a.get("users:1")
						require.Equal(w, "new", v, "from %s", from)
						w.elapse(25 * time.Millisecond)
					}
					require.Zero(w, a.Stats().Journal, "replayed without being asked")
					require.True(w, a.Stats().LinkUp)
					v, _ := b.get("users:1")
					require.Equal(w, "new", v, "the other node was told in the end")
					require.NotZero(w, a.Stats().Replayed)
				})
			})
		}
	}
}

// refusing lets a's invalidations fail, and nothing else.
func refusing(n *node) (end func()) {
	var on atomic.Bool
	on.Store(true)
	t := &tap{}
	t.before = func(_ context.Context, cmd redis.Cmder) error {
		if on.Load() && (says(cmd, "evalsha", "I") || says(cmd, "eval", "I")) {
			for _, arg := range cmd.Args() {
				if s, ok := arg.(string); ok && len(s) > 17 && s[0] == 'I' {
					return errors.New("connection reset by peer")
				}
			}
		}
		return nil
	}
	n.rdb.AddHook(t)
	return func() { on.Store(false) }
}

func TestATaintedKeyIsNotReadFromRedis(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b := both(w)
		end := refusing(a)
		require.ErrorIs(w, a.Invalidate(w.Context(), "users:1"), tiered.ErrDeferred)
		b.reads("users:1", "old", fromMemory, "b cannot know")
		a.reads("users:1", "new", fromOrigin)
		a.reads("users:1", "new", fromOrigin, "what was loaded without Redis is not kept while the link is up")
		f := a.fetch("users:1")
		a.Look(f)
		require.Equal(w, tiered.Unseen, f.Outcome)
		require.False(w, f.MayFill())
		end()
		w.elapse(5 * time.Second)
		b.reads("users:1", "new", fromOrigin)
		a.reads("users:1", "new", fromRedis)
	})
}

// A read that waits for another node's load takes a new Stamp at each look. The key may be tainted meanwhile, and what
// the other node loaded may be older than that.
func TestATaintConcernsThoseWhoWait(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b := w.node(), w.node()
		w.origin["users:1"] = "old"
		theirs := b.fetch("users:1")
		b.Acquire(theirs)
		require.Equal(w, tiered.Granted, theirs.Outcome)
		loaded := w.origin["users:1"]

		f := a.fetch("users:1")
		a.Acquire(f)
		require.Equal(w, tiered.Busy, f.Outcome)
		done := make(chan struct{})
		go func() {
			defer close(done)
			a.Await(w.Context(), f)
		}()
		w.elapse(0)

		refusing(a)
		w.origin["users:1"] = "new"
		require.ErrorIs(w, a.Invalidate(w.Context(), "users:1"), tiered.ErrDeferred)
		b.load(theirs, loaded)
		<-done
		if f.Outcome == tiered.Found && a.Valid(f.Stamp, f.Key) {
			var v string
			require.NoError(w, a.Decode(f, &v))
			require.Equal(w, "new", v, "a valid answer from before an invalidation that has returned")
		}
	})
}

func TestJournalOverflowOfAStore(t *testing.T) {
	inBubble(t, func(w *world) {
		a := w.node(func(o *tiered.Options) { o.MaxJournal = 5 })
		b := w.node()
		for i := range 10 {
			w.origin[fmt.Sprint("users:", i)] = "old"
			a.reads(fmt.Sprint("users:", i), "old", fromOrigin)
			b.reads(fmt.Sprint("users:", i), "old", fromRedis)
		}
		a.net.Down()
		for i := range 10 {
			w.origin[fmt.Sprint("users:", i)] = "new"
			require.Error(w, a.Invalidate(w.Context(), fmt.Sprint("users:", i)))
		}
		require.EqualValues(w, 1, a.Stats().JournalOverflows)
		require.LessOrEqual(w, a.Stats().Journal, 6)
		a.net.Up()
		w.elapse(10 * time.Second)
		require.Zero(w, a.Stats().Journal)
		for i := range 10 {
			v, _ := b.get(fmt.Sprint("users:", i))
			require.Equal(w, "new", v)
			v, _ = a.get(fmt.Sprint("users:", i))
			require.Equal(w, "new", v)
		}
	})
}

// A command that a frozen Redis executes late must not bring anything back, whatever it is.
func TestLateCommands(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b := both(w)
		require.NoError(w, a.Invalidate(w.Context(), "users:1"))
		f := a.fetch("users:1")
		a.Acquire(f)
		require.Equal(w, tiered.Granted, f.Outcome)
		old := "old"
		a.net.Freeze()
		a.Fill(tiered.Fill{Fetch: f, Value: &old, Life: anHour}) // loaded before what follows
		require.NoError(w, b.Invalidate(w.Context(), "users:1"))
		a.net.Thaw()
		w.elapse(5 * time.Second)
		require.Empty(w, w.stored("users:1"))
		a.reads("users:1", "new", fromOrigin)
		b.reads("users:1", "new", fromRedis)
	})
}

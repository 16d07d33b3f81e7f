package tiered_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/tiered"
)

// cutBetween cuts n's link, and calls act when it has been verified and before it is subscribed again.
func cutBetween(w *world, n *node, h *crossing, act func()) {
	w.Helper()
	var verified, acted atomic.Bool
	h.after(asking, func() error { verified.Store(true); return nil })
	h.onDial(func() {
		if verified.Load() && acted.CompareAndSwap(false, true) { // to subscribe
			act()
		}
	})
	n.net.Cut()
	w.elapse(200 * time.Millisecond)
	require.True(w, acted.Load())
	require.True(w, n.Stats().LinkUp)
}

// bump when restored, restored after the subscription: what was kept before the subscription may have been invalidated
// before it, too.
func TestModelRestoredAfterTheSubscription(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b, _, hb := warm(w)
		cutBetween(w, b, hb, func() {
			b.reads(theKey, "old", fromRedis) // kept
			w.commits("new")
			require.NoError(w, a.Invalidate(w.Context(), theKey)) // b cannot hear of it
		})
		b.noPeek()
		b.gets("new")
	})
}

// poll before restored: a prefix invalidation that was published while nobody listened is known before memory, or a
// record, is believed.
func TestModelPollBeforeRestored(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b, _, hb := warm(w)
		cutBetween(w, b, hb, func() {
			w.commits("new")
			require.NoError(w, a.InvalidatePrefix(w.Context(), "users"))
			// The link asks for the first time when it is up: what would a reader get then?
			for range 4 {
				hb.before(asking, func() error {
					if b.Stats().LinkUp {
						b.gets("new", "the link is believed")
					}
					return nil
				})
			}
		})
		b.gets("new")
	})
}

// failing is two nodes under one master, which is about to lose what comes after now. The first node's questions who
// Redis is take as long as they are told.
func failing(w *world) (a, b *node, ha *crossing, m *master, fail func()) {
	w.Helper()
	m = &master{id: "one"}
	a, ha = w.crossed(func(o *tiered.Options) { o.Budget = 2 * time.Second })
	b = w.under(m)
	a.rdb.AddHook(m)
	a.net.Cut()
	w.elapse(2 * time.Second)
	w.origin[theKey] = "old"
	a.reads(theKey, "old", fromOrigin)
	b.reads(theKey, "old", fromRedis)
	rollback := w.snapshot()
	return a, b, ha, m, func() {
		m.become("two", "one")
		rollback()
		a.net.Cut()
		b.net.Cut()
	}
}

// dials lets requests have connections again.
func (n *node) dials() {
	n.world.Helper()
	for range 10 {
		if n.rdb.Ping(n.world.Context()).Err() == nil {
			return
		}
	}
	require.Fail(n.world, "no connection")
}

// recent, remember before telling: the failover loses what was executed, and is over before the invalidation returns.
func TestModelRememberBeforeTelling(t *testing.T) {
	for name, act := range map[string]func(w *world, a *node) error{
		"Invalidate":       func(w *world, a *node) error { return a.Invalidate(w.Context(), theKey) },
		"Expire":           func(w *world, a *node) error { return a.Expire(w.Context(), theKey) },
		"Set":              func(_ *world, a *node) error { return a.Set(a.fetch(theKey)) },
		"InvalidatePrefix": func(w *world, a *node) error { return a.InvalidatePrefix(w.Context(), "users") },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				a, b, ha, _, fail := failing(w)
				w.commits("new")
				when := telling
				if name == "InvalidatePrefix" {
					when = sequencing
				}
				ha.after(when, func() error { // executed
					fail()                             // the replica becomes master
					time.Sleep(500 * time.Millisecond) // verified: all is told again, the gate opens
					return nil
				})
				require.NoError(w, act(w, a)) // it returns
				require.Zero(w, ha.left())
				a.gets("new")
				w.elapse(3 * time.Second)
				a.gets("new")
				b.gets("new")
				w.fresh("new")
			})
		})
	}
}

// gate: between the failover and the replay, nothing is read.
func TestModelGate(t *testing.T) {
	inBubble(t, func(w *world) {
		a, _, ha, _, fail := failing(w)
		w.commits("new")
		require.NoError(w, a.Invalidate(w.Context(), theKey))
		opens := make(chan struct{})
		ha.before(asking, func() error { <-opens; return nil })
		fail()
		w.elapse(0) // the link is lost
		a.dials()
		a.gets("new")
		close(opens)
		w.elapse(3 * time.Second)
		a.gets("new")
	})
}

// outlived answers: a GET that was sent before the failover, and is answered by the new master.
func TestModelOutlivedAnswer(t *testing.T) {
	inBubble(t, func(w *world) {
		a, _, ha, _, fail := failing(w)
		w.commits("new")
		require.NoError(w, a.Invalidate(w.Context(), theKey))
		opens := make(chan struct{})
		ha.before(reading, func() error {
			ha.before(asking, func() error { <-opens; return nil })
			fail()
			soon() // the link is lost: the gate closes
			a.dials()
			return nil
		})
		f := a.fetch(theKey)
		a.Look(f)
		require.Zero(w, ha.left())
		require.Equal(w, tiered.Unseen, f.Outcome)
		a.gets("new")
		close(opens)
		w.elapse(3 * time.Second)
		a.gets("new")
	})
}

// epoch of a fill: the failover brings back the lease of a load that an invalidation has outdated; its author has not
// told the new master yet.
func TestModelEpochOfAFill(t *testing.T) {
	inBubble(t, func(w *world) {
		m := &master{id: "one"}
		a, b := w.under(m), w.under(m)
		w.commits("old")
		f := b.fetch(theKey)
		b.Acquire(f)
		require.Equal(w, tiered.Granted, f.Outcome)
		loaded := w.origin[theKey]
		rollback := w.snapshot() // the replica catches up
		w.commits("new")
		require.NoError(w, a.Invalidate(w.Context(), theKey))
		m.become("two", "one")
		rollback()
		a.net.Down() // a cannot tell again
		b.net.Cut()
		w.elapse(500 * time.Millisecond)
		require.True(w, b.Stats().LinkUp)
		require.Equal(w, "L", w.stored(theKey), "the lease is back")
		require.False(w, b.fills(f, loaded))
		require.NotEqual(w, "V", w.stored(theKey))
	})
}

// holds put back: the failover loses the hold, its node puts it back, and dies after its commit.
func TestModelHoldsPutBack(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b, _, _, fail := failing(w)
		a.Hold(theKey, time.Minute)
		fail()
		w.elapse(3 * time.Second)
		b.gets("old") // before the commit
		w.commits("new")
		a.net.Down() // the process of the Mutate crashes
		b.gets("new")
		w.elapse(time.Minute)
		b.gets("new")
		w.fresh("new")
	})
}

// sequence raised: b knows a sequence that the new master has lost, and stamps what it loads with it; an invalidation by a
// node that does not know it must come after it all the same.
func TestModelSequenceRaised(t *testing.T) {
	inBubble(t, func(w *world) {
		m := &master{id: "one"}
		a, b := w.under(m), w.under(m)
		rollback := w.snapshot()
		w.elapse(100 * time.Millisecond)
		ahead := time.Now().Add(time.Hour)
		w.mini.SetTime(ahead) // the old master's clock
		require.NoError(w, b.InvalidatePrefix(w.Context(), "posts"))
		w.mini.SetTime(time.Time{})
		_ = rollback
		w.elapse(2 * time.Minute) // nobody remembers it
		m.become("two", "one")
		w.mini.FlushAll()
		b.net.Cut()
		w.elapse(500 * time.Millisecond)
		w.commits("old")
		b.reads(theKey, "old", fromOrigin)
		w.commits("new")
		require.NoError(w, a.InvalidatePrefix(w.Context(), "users"))
		w.elapse(0)
		b.gets("new")
	})
}

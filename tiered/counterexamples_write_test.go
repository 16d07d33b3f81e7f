package tiered_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/tiered"
)

// fills tells whether Redis takes value for f.
func (n *node) fills(f *tiered.Fetch, value string) bool {
	n.world.Helper()
	stored, err := n.FillAll(tiered.Fill{Fetch: f, Value: &value, Life: anHour})
	require.NoError(n.world, err)
	return stored[0]
}

// fill compares the head.
func TestModelFillComparesTheHead(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b, _, _ := warm(w)
		f := a.fetch(theKey)
		require.NoError(w, a.Set(f)) // Set: Redis grants a lease; second bump
		w.commits("new")
		require.NoError(w, b.Invalidate(w.Context(), theKey))
		require.False(w, a.fills(f, "old"))
		require.Empty(w, w.stored(theKey))
		w.fresh("new")
	})
}

// token per fill: the lease of a Set is not the lease of a load on the same node.
func TestModelTokenPerFill(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b, _, _ := warm(w)
		theirs, mine, load := b.fetch(theKey), a.fetch(theKey), a.fetch(theKey)
		require.NoError(w, a.Set(mine))
		require.NoError(w, b.Set(theirs)) // b's lease
		w.mini.Del("freshet:" + theKey)   // expires
		w.commits("new")
		a.Acquire(load) // a's second lease
		require.Equal(w, tiered.Granted, load.Outcome)
		require.False(w, a.fills(mine, "old"), "the Set began before the other")
		require.True(w, a.fills(load, "new"))
	})
}

// kind in the head: a value that was expired meanwhile is not the one that a refresh replaces.
func TestModelKindInTheHead(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b, _, _ := warm(w)
		f := a.fetch(theKey)
		a.Look(f) // a refresh begins, and loads
		require.Equal(w, tiered.Found, f.Outcome)
		w.commits("new")
		require.NoError(w, b.Expire(w.Context(), theKey))
		require.Equal(w, "X", w.stored(theKey))
		require.False(w, a.fills(f, "old"))
		w.fresh("new")
	})
}

// expire removes leases: a load that began before must not fill.
func TestModelExpireRemovesLeases(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b := w.node(), w.node()
		w.commits("old")
		f := a.fetch(theKey)
		a.Acquire(f)
		require.Equal(w, tiered.Granted, f.Outcome)
		w.commits("new")
		require.NoError(w, b.Expire(w.Context(), theKey))
		require.False(w, a.fills(f, "old"))
		w.fresh("new")
	})
}

// set publishes at its lease: its fill may never come.
func TestModelSetPublishesAtItsLease(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b, _, _ := warm(w)
		w.commits("new")
		f := a.fetch(theKey)
		require.NoError(w, a.Set(f))
		w.mini.Del("freshet:" + theKey) // the lease expires
		require.False(w, a.fills(f, "new"))
		w.elapse(0)
		b.noPeek()
		b.gets("new")
	})
}

// set stamps before telling: an invalidation that is heard between its fill and its place in memory ends it.
func TestModelSetStampsBeforeItsFill(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b, _, _ := warm(w)
		f := a.fetch(theKey)
		require.NoError(w, a.Set(f))
		require.True(w, a.fills(f, "set"))
		w.commits("new")
		require.NoError(w, b.Invalidate(w.Context(), theKey))
		w.elapse(0) // a message is heard
		a.keep(f, "set", anHour)
		a.noPeek()
		a.gets("new")
	})
}

// set outlives its own bump: with nothing beside it, its value is kept.
func TestModelSetOutlivesItsOwnBump(t *testing.T) {
	inBubble(t, func(w *world) {
		a, _, _, _ := warm(w)
		f := a.fetch(theKey)
		require.NoError(w, a.Set(f))
		a.load(f, "set")
		a.reads(theKey, "set", fromMemory)
	})
}

// set spares holds, invalidate spares holds: the Mutate's process dies after its commit.
func TestModelOthersSpareHolds(t *testing.T) {
	for name, act := range map[string]func(w *world, b *node){
		"Set": func(w *world, b *node) {
			f := b.fetch(theKey)
			require.NoError(w, b.Set(f))
			if f.Outcome == tiered.Granted {
				b.load(f, "set")
			}
		},
		"Invalidate": func(w *world, b *node) { require.NoError(w, b.Invalidate(w.Context(), theKey)) },
		"Expire":     func(w *world, b *node) { require.NoError(w, b.Expire(w.Context(), theKey)) },
		"another Mutate": func(w *world, b *node) { // holds stack
			require.NoError(w, b.Hold(theKey, time.Minute).Release(w.Context(), 0))
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				a, b, _, _ := warm(w)
				a.Hold(theKey, time.Minute)
				act(w, b)
				require.Equal(w, "H", w.stored(theKey))
				b.gets("old") // GET, LEASE, load: before the commit
				w.commits("new")
				a.net.Down() // the process of the Mutate crashes
				b.gets("new")
				w.elapse(time.Minute + time.Second) // the hold expires
				b.gets("new")
				w.fresh("new")
			})
		})
	}
}

// release removes what is no hold: the hold was evicted, and a value of before the commit is there.
func TestModelReleaseRemovesWhatIsNoHold(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b, _, _ := warm(w)
		h := a.Hold(theKey, time.Minute)
		w.elapse(0)
		w.mini.Del("freshet:" + theKey)
		b.reads(theKey, "old", fromOrigin) // LEASE, load, FILL: stored
		w.commits("new")
		require.NoError(w, h.Release(w.Context(), 0))
		w.elapse(0)
		a.gets("new")
		b.gets("new")
		w.fresh("new")
	})
}

// held is not kept, hold, hold publishes: nothing of before the commit survives on other nodes.
func TestModelHeldIsNotKept(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b, _, _ := warm(w)
		a.Hold(theKey, time.Minute)
		w.elapse(0)
		for _, n := range []*node{a, b} {
			n.reads(theKey, "old", fromOrigin) // Redis has a hold: it loads
			n.noPeek()
		}
		w.commits("new")
		b.gets("new")
	})
}

// unseen is not kept: Redis has a hold that this node did not see.
func TestModelUnseenIsNotKept(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b, _, hb := warm(w)
		a.Hold(theKey, time.Minute)
		w.elapse(0)
		hb.after(reading, func() error { return errReset })
		b.reads(theKey, "old", fromOrigin) // GET: no answer; load
		require.Zero(w, hb.left())
		w.commits("new")
		b.noPeek()
		b.gets("new")
	})
}

// What was loaded after GET was answered may be kept though the lease was not; a hold that comes then is heard of.
func TestModelUnansweredLeaseIsKept(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b, _, hb := warm(w)
		require.NoError(w, a.Invalidate(w.Context(), theKey))
		w.elapse(0)
		hb.before(leasing, func() error { return errReset })
		b.reads(theKey, "old", fromOrigin)
		b.reads(theKey, "old", fromMemory)
		a.Hold(theKey, time.Minute)
		w.commits("new")
		w.elapse(0)
		b.noPeek()
		b.gets("new")
	})
}

// A lease whose answer was lost: an invalidation removes it like any other, and what was loaded then is not stored.
func TestModelOrphanIsRemoved(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b, ha, _ := warm(w)
		require.NoError(w, b.Invalidate(w.Context(), theKey))
		w.elapse(0)
		ha.after(leasing, func() error { return errReset })
		f := a.fetch(theKey)
		a.Acquire(f) // LEASE: executed, no answer
		require.Equal(w, tiered.Alone, f.Outcome)
		require.Equal(w, "L", w.stored(theKey))
		loaded := w.origin[theKey]
		w.commits("new")
		require.NoError(w, b.Invalidate(w.Context(), theKey))
		g := a.fetch(theKey)
		a.Acquire(g)
		require.Equal(w, tiered.Granted, g.Outcome)
		require.False(w, a.fills(f, loaded))
		a.load(g, "new")
		w.elapse(0)
		a.gets("new")
		w.fresh("new")
	})
}

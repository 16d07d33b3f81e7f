package tiered_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/tiered"
)

// stamp on read; first bump (of a Mutate); hold publishes and bumps.
func TestModelStampOnRead(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b, _, _ := warm(w)
		h := a.Hold(theKey, time.Minute) // Mutate: Redis places a hold; bump
		w.commits("new")                 // Mutate: the origin is committed
		a.noPeek()                       // a read of memory
		a.gets("new")
		w.elapse(0) // a message is heard
		b.noPeek()
		b.gets("new")
		require.NoError(w, h.Release(w.Context(), 0))
	})
}

// prefix on read: of memory, and of a record.
func TestModelPrefixOnRead(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b, _, _ := warm(w)
		w.commits("new")
		require.NoError(w, a.InvalidatePrefix(w.Context(), "users"))
		a.noPeek()
		f := a.fetch(theKey)
		a.Acquire(f)
		require.Equal(w, tiered.Granted, f.Outcome, "what Redis has is below a dead prefix")
		a.Abandon(f)
		w.elapse(0)
		b.noPeek()
		w.fresh("new")
	})
}

// second bump: what was read from Redis after the first one, before Redis was told.
func TestModelSecondBump(t *testing.T) {
	for name, act := range map[string]func(w *world, a *node) error{
		"Invalidate": func(w *world, a *node) error { return a.Invalidate(w.Context(), theKey) },
		"Expire":     func(w *world, a *node) error { return a.Expire(w.Context(), theKey) },
		"Set":        func(_ *world, a *node) error { return a.Set(a.fetch(theKey)) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				a, _, h, _ := warm(w)
				w.commits("new")
				h.before(telling, func() error { // first bump
					a.reads(theKey, "old", fromRedis) // Redis has it, and it is kept
					return nil
				})
				require.NoError(w, act(w, a)) // Redis is told; second bump; it returns
				require.Zero(w, h.left())
				a.noPeek()
				a.gets("new")
			})
		})
	}
}

// The same where Redis is not told: the taint comes before the second bump, or what was read in between would stay.
func TestModelSecondBumpAfterTheTaint(t *testing.T) {
	inBubble(t, func(w *world) {
		a, _, h, _ := warm(w)
		w.commits("new")
		h.before(telling, func() error {
			a.reads(theKey, "old", fromRedis)
			return errReset // not executed, no answer
		})
		require.ErrorIs(w, a.Invalidate(w.Context(), theKey), tiered.ErrDeferred)
		a.noPeek()
		a.reads(theKey, "new", fromOrigin, "tainted")
	})
}

// taint: the key that Redis was not told of is not read from it.
func TestModelTaint(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b, h, _ := warm(w)
		w.commits("new")
		h.before(telling, func() error { return errReset })
		h.before(telling, func() error { return errReset }) // nor is it replayed at once
		require.ErrorIs(w, a.Invalidate(w.Context(), theKey), tiered.ErrDeferred)
		a.reads(theKey, "new", fromOrigin)
		w.elapse(5 * time.Second) // the journal is replayed
		a.gets("new")
		b.gets("new")
		w.fresh("new")
	})
}

// deferred prefix ends the epoch: memory does not know which of its keys are below it.
func TestModelDeferredPrefixEndsTheEpoch(t *testing.T) {
	inBubble(t, func(w *world) {
		a, _, h, _ := warm(w)
		w.commits("new")
		h.before(sequencing, func() error { return errReset })
		h.before(sequencing, func() error { return errReset }) // nor is it replayed at once
		require.ErrorIs(w, a.InvalidatePrefix(w.Context(), "users"), tiered.ErrDeferred)
		a.noPeek()
		a.reads(theKey, "new", fromOrigin)
		w.elapse(5 * time.Second)
		a.gets("new")
		w.fresh("new")
	})
}

// taint generation: the answer to a replay must not clear a failure that came after the replay was sent.
func TestModelTaintGeneration(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b, h, _ := warm(w)
		a.gets("old")
		w.commits("newer")
		h.before(telling, func() error { return errReset }) // Invalidate: not executed, no answer
		h.after(telling, func() error {                     // the journal is replayed
			soon()          // b hears of it
			b.gets("newer") // b: LEASE, load, FILL: stored
			w.commits("newest")
			h.before(telling, func() error { return errReset })
			require.ErrorIs(w, a.Invalidate(w.Context(), theKey), tiered.ErrDeferred) // a second failure
			return nil                                                                // the replay is answered
		})
		require.ErrorIs(w, a.Invalidate(w.Context(), theKey), tiered.ErrDeferred)
		w.elapse(100 * time.Millisecond)
		require.Zero(w, h.left())
		a.gets("newest")
		w.elapse(5 * time.Second)
		require.Zero(w, a.Stats().Journal)
		b.gets("newest")
		w.fresh("newest")
	})
}

// prefix sequence of the Stamp: not what is known when the record is written.
func TestModelPrefixOfTheStamp(t *testing.T) {
	inBubble(t, func(w *world) {
		a, _ := w.crossed()
		w.commits("old")
		f := a.fetch(theKey)
		a.Acquire(f) // Redis has nothing, and grants a lease
		require.Equal(w, tiered.Granted, f.Outcome)
		loaded := w.origin[theKey]
		w.commits("new")
		require.NoError(w, a.InvalidatePrefix(w.Context(), "users"))
		a.load(f, loaded) // FILL: stored, under the sequence of before
		a.noPeek()
		a.gets("new")
		w.fresh("new")
	})
}

// teach: a sequence that was met on a value comes before the next one that is given.
func TestModelTeach(t *testing.T) {
	inBubble(t, func(w *world) {
		ctx := w.Context()
		b := w.node()
		w.elapse(500 * time.Millisecond) // their polls are half a second apart
		a := w.node()
		w.elapse(100 * time.Millisecond)
		// An invalidation by a server whose clock is ahead; its message is lost. b fetches it, a has not yet.
		ahead := float64(time.Now().Add(time.Hour).UnixMicro())
		require.NoError(w, w.rdb.ZAdd(ctx, "freshet:prefixes", redis.Z{Member: "posts", Score: ahead}).Err())
		w.elapse(500 * time.Millisecond)
		w.commits("old")
		b.reads(theKey, "old", fromOrigin) // FILL: with that sequence
		w.mini.Del("freshet:prefixes")     // a failover loses the table
		a.reads(theKey, "old", fromRedis)  // a meets it
		w.commits("new")
		require.NoError(w, a.InvalidatePrefix(ctx, "users"))
		a.gets("new")
	})
}

// share unsent reads only: an answer that is on its way is of before the invalidation that has returned.
func TestModelShareUnsent(t *testing.T) {
	inBubble(t, func(w *world) {
		a, _, h, _ := warm(w)
		require.NoError(w, a.InvalidatePrefix(w.Context(), "posts"))
		w.commits("new")
		h.before(telling, func() error {
			go func() { a.Look(a.fetch(theKey)) }()
			soon()
			return nil
		})
		arrives := make(chan struct{})
		h.after(reading, func() error { <-arrives; return nil }) // GET: value; the answer is on its way
		require.NoError(w, a.Invalidate(w.Context(), theKey))
		require.Zero(w, h.left())
		time.AfterFunc(20*time.Millisecond, func() { close(arrives) })
		a.gets("new")
		w.elapse(50 * time.Millisecond)
	})
}

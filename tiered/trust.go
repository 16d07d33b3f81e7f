package tiered

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/freshet-go/freshet/tiered/internal/clock"
)

// trust decides how far memory may be believed. While the link is up, each proof of it extends a deadline that every
// memory read compares. While it is down, memory is bypassed and Redis read instead; if Redis is away too, that is
// fallback mode: memory is believed again, nothing in it for longer than the fallback TTL. Leaving fallback mode empties
// memory.
type trust struct {
	fence     *fence
	clock     *clock.Clock
	staleness time.Duration // MaxStaleness
	fallback  time.Duration // FallbackTTL
	down      atomic.Bool   // the link is known to be down
	changed   chan struct{} // has an element when the link's state may have changed

	mu         sync.Mutex
	open       bool  // the breaker is not closed
	unverified bool  // Redis does not say who it is
	inside     bool  // fallback mode
	last       int64 // instant of the last proof
}

const always = math.MaxInt64

func (t *trust) change() {
	select {
	case t.changed <- struct{}{}:
	default:
	}
}

// proved extends the trust: all that was published before the instant at has arrived.
func (t *trust) proved(at int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.down.Load() {
		t.last = at
		t.fence.trust.Store(at + int64(t.staleness-clock.Tick))
	}
}

// restored ends an outage of the link: memory is emptied, then believed.
func (t *trust) restored(at int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.down.Store(false) // first: nothing unseen is kept under a stamp of after the bump
	if t.inside = false; !ruleBumpAfterSubscribe.off() {
		t.leave()
	}
	t.last = at
	t.fence.trust.Store(at + int64(t.staleness-clock.Tick))
}

// lost says that the link is down.
func (t *trust) lost() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.down.Swap(true) {
		t.fence.trust.Store(0)
		t.update()
	}
}

// setOpen says whether the breaker lets requests through to Redis.
func (t *trust) setOpen(open bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open = open
	t.update()
}

// setUnverified says whether Redis has failed to say who it is.
func (t *trust) setUnverified(unverified bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.unverified = unverified
	t.update()
}

// update enters fallback mode or leaves it. What memory holds then gets a grace; what is kept from now on lives no
// longer than the fallback TTL anyway.
func (t *trust) update() {
	switch inside := t.down.Load() && (t.open || t.unverified); {
	case inside && !t.inside:
		t.inside = true
		t.fence.graceUntil(t.last + int64(t.fallback-clock.Tick))
		t.fence.trust.Store(always)
		t.change()
	case !inside && t.inside:
		t.fence.trust.Store(0)
		t.leave()
		t.change()
	}
}

func (t *trust) leave() {
	t.inside = false
	t.fence.bumpEpoch()
}

// blind tells whether the link is known to be down: what is kept in memory now is emptied when it returns.
func (s *Store) blind() bool { return s.trust.down.Load() }

// fallbackTTL is the longest that an entry sealed now may live; 0: no limit.
func (s *Store) fallbackTTL() time.Duration {
	if s.blind() {
		return s.trust.fallback
	}
	return 0
}

// fallen tells whether fallback mode is on.
func (t *trust) fallen() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.inside
}

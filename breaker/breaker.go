package breaker

import (
	"errors"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// ErrOpen is returned instead of making a request that would most likely fail:
// the breaker is open, or half-open with all its probes under way. Use a
// fallback, or try again after Options.OpenFor.
var ErrOpen = errors.New("breaker: open: the service is failing, use a fallback or try again later")

// Breaker stops requests to a service that does not answer, and finds out when
// it does again. Make one with [New] for each service whose health is one
// question. All methods are safe for concurrent use. It has no goroutine and no
// timer, and needs no Close: what time brings about happens at the next call of
// Allow, Do or State.
//
// A nil *Breaker is closed for good: it allows everything and counts nothing.
type Breaker struct {
	options Options
	birth   time.Time

	// period identifies a stretch of time in one state: the state in the two
	// lowest bits, the number of changes so far above. Written under mu.
	period atomic.Uint64
	// openUntil is when the breaker half-opens, since birth. It is written
	// under mu, before the period in which it is true.
	openUntil atomic.Int64

	mu      sync.Mutex
	window  window        // while closed
	run     int           // failures since the last success, while closed
	newest  time.Duration // the last result counted while closed
	probes  []probe       // under way, while half-open; oldest first
	healthy int           // probes that succeeded, while half-open

	changes changes
}

// probe is a permit that holds a slot.
type probe struct {
	permit   Permit
	deadline time.Duration
}

// New makes a closed breaker. Its error joins all faults of o, each naming its
// field.
func New(o Options) (*Breaker, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	b := &Breaker{options: o, birth: time.Now()}
	b.window.slice = o.Window / tenths
	b.changes.call = o.OnChange
	return b, nil
}

// State returns the current state. An open breaker whose time is over becomes
// half-open by being asked.
func (b *Breaker) State() State {
	if b == nil {
		return Closed
	}
	period := b.period.Load()
	if stateOf(period) == Open && b.now() >= time.Duration(b.openUntil.Load()) {
		b.mu.Lock()
		b.advance(b.now())
		period = b.period.Load()
		b.mu.Unlock()
		b.changes.deliver()
	}
	return stateOf(period)
}

// Allow returns a [Permit] to make one request, or [ErrOpen]. It never waits.
// While the breaker is closed or open it takes no lock.
//
// Most callers should use [Breaker.Do]; Allow is for requests that begin and
// end in different places.
func (b *Breaker) Allow() (Permit, error) {
	if b == nil {
		return Permit{}, nil
	}
	period := b.period.Load()
	switch stateOf(period) {
	case Closed:
		return b.permit(period), nil
	case Open:
		// If openUntil belongs to a later period than the one loaded, the breaker
		// was open at the moment it was written: refusing is right either way.
		if b.now() < time.Duration(b.openUntil.Load()) {
			return Permit{}, ErrOpen
		}
	}
	b.mu.Lock()
	p, err := b.allow(b.now())
	b.mu.Unlock()
	b.changes.deliver()
	return p, err
}

// allow is Allow under the lock, for what is no longer surely closed or open.
func (b *Breaker) allow(now time.Duration) (Permit, error) {
	b.advance(now)
	period := b.period.Load()
	switch stateOf(period) {
	case Closed: // meanwhile
		return b.permit(period), nil
	case Open:
		return Permit{}, ErrOpen
	}
	b.reclaim(now)
	if len(b.probes) >= b.options.Probes {
		return Permit{}, ErrOpen
	}
	p := b.permit(period)
	b.probes = append(b.probes, probe{p, after(now, b.options.ProbeTimeout)})
	return p, nil
}

// report takes what p, which the caller has spent, has to say.
func (b *Breaker) report(p Permit, o outcome) {
	state := stateOf(p.period)
	if p.period != b.period.Load() || (state == Closed && o == unknown) {
		return
	}
	now := b.now() // before the lock, which many want
	b.mu.Lock()
	changed := false
	switch {
	case p.period != b.period.Load():
	case state == Closed:
		changed = b.count(now, o == bad)
	case b.release(p, now):
		changed = b.judge(now, o)
	}
	b.mu.Unlock()
	if changed {
		b.changes.deliver()
	}
}

// count takes a result of the closed state, and returns whether it changed the
// state.
func (b *Breaker) count(now time.Duration, failed bool) bool {
	if now-b.newest >= b.options.Window {
		b.run = 0
	}
	b.newest = max(b.newest, now)
	b.window.add(now, failed)
	if !failed {
		b.run = 0
		return false
	}
	b.run++
	bad, all := b.window.total.bad, b.window.total.good+b.window.total.bad
	if b.run < b.options.Consecutive &&
		(all < b.options.MinRequests || float64(bad)/float64(all) < b.options.FailureRate) {
		return false
	}
	b.change(Open, now)
	return true
}

// judge takes the result of a probe, and returns whether it changed the state.
func (b *Breaker) judge(now time.Duration, o outcome) bool {
	switch o {
	case bad:
		b.change(Open, now)
		return true
	case good:
		b.healthy++
		if b.healthy >= b.options.ProbeSuccesses {
			b.change(Closed, now)
			return true
		}
	}
	return false
}

// release gives the slot of p back, and returns whether p still held it.
func (b *Breaker) release(p Permit, now time.Duration) bool {
	i := slices.IndexFunc(b.probes, func(q probe) bool { return q.permit == p })
	if i < 0 {
		return false
	}
	intime := now < b.probes[i].deadline
	b.probes = slices.Delete(b.probes, i, i+1)
	return intime
}

// reclaim takes the slots back from probes that did not report in time.
func (b *Breaker) reclaim(now time.Duration) {
	b.probes = slices.DeleteFunc(b.probes, func(q probe) bool { return now >= q.deadline })
}

// advance half-opens an open breaker whose time is over.
func (b *Breaker) advance(now time.Duration) {
	if stateOf(b.period.Load()) == Open && now >= time.Duration(b.openUntil.Load()) {
		b.change(HalfOpen, now)
	}
}

// change begins a new period, to which no earlier permit belongs.
func (b *Breaker) change(to State, now time.Duration) {
	b.window.clear()
	b.run, b.newest, b.healthy = 0, now, 0
	b.probes = b.probes[:0]
	if to == Open {
		b.openUntil.Store(int64(after(now, b.options.OpenFor)))
	}
	old := b.period.Load()
	b.period.Store((old>>stateBits+1)<<stateBits | uint64(to))
	b.changes.add(stateOf(old), to)
}

// now is the time since birth; never negative, whatever the clock does.
func (b *Breaker) now() time.Duration { return max(0, time.Since(b.birth)) }

// after is now + d, saturating.
func after(now, d time.Duration) time.Duration { return now + min(d, math.MaxInt64-now) }

const stateBits = 2

func stateOf(period uint64) State { return State(period & (1<<stateBits - 1)) }

package ttl

import (
	"math"
	"math/rand/v2"
	"time"
)

// DefaultNegative is the longest time that "not found" is kept by a policy on
// which [Policy.Negative] was not called.
const DefaultNegative = 30 * time.Second

const forever = time.Duration(math.MaxInt64)

// Lifetime is what a [Policy] decided for one result. All three are durations
// from the moment of storing, with Fresh <= Stale and Fresh <= Keep. The zero
// Lifetime says: do not keep it.
type Lifetime struct {
	// Fresh is how long the result is served without a question.
	Fresh time.Duration
	// Stale is how long it may be served while it is being revalidated.
	Stale time.Duration
	// Keep is how long it may be served if a load fails.
	Keep time.Duration
}

// IsZero reports whether the result is not to be kept.
func (l Lifetime) IsZero() bool { return l == Lifetime{} }

// Longest is when the result has no use left: the greater of Stale and Keep.
func (l Lifetime) Longest() time.Duration { return max(l.Stale, l.Keep) }

// Lifetime decides how long value, just loaded, is good. The value matters to
// [FromValue] only, which takes it as V or as *V; a pointer saves boxing it.
//
// The jitter is drawn once and shortens all three alike, so the windows keep
// the lengths they were given. The zero Policy returns the zero Lifetime.
func (p Policy) Lifetime(value any) Lifetime {
	s := p.s
	if s == nil {
		return Lifetime{}
	}
	fresh := s.fixed
	if s.source == valueSource {
		if s.fromValue == nil {
			return Lifetime{}
		}
		d, ok := s.fromValue(value)
		if !ok {
			return Lifetime{}
		}
		fresh = d
	}
	if fresh = min(fresh, s.bound()); fresh <= 0 {
		return Lifetime{}
	}
	fresh = s.shorten(fresh)
	return Lifetime{
		Fresh: fresh,
		Stale: add(fresh, s.revalidate),
		Keep:  add(fresh, s.staleIfError),
	}
}

// NegativeLifetime decides how long "not found" is good, jitter included; see
// [Policy.Negative]. It has no window after freshness: Fresh, Stale and Keep
// are equal. The zero Policy returns the zero Lifetime.
func (p Policy) NegativeLifetime() Lifetime {
	if p.s == nil {
		return Lifetime{}
	}
	d := p.s.absence()
	if d <= 0 {
		return Lifetime{}
	}
	d = p.s.shorten(d)
	return Lifetime{Fresh: d, Stale: d, Keep: d}
}

// Longest is an upper bound of every duration that [Policy.Lifetime] and
// [Policy.NegativeLifetime] return. For [FromValue] without [Policy.AtMost]
// nothing is known, and the bound is the largest [time.Duration]. For the zero
// Policy it is 0.
func (p Policy) Longest() time.Duration {
	s := p.s
	if s == nil {
		return 0
	}
	var longest time.Duration
	fresh := s.bound()
	if s.source != valueSource {
		fresh = min(fresh, s.fixed)
	}
	if fresh > 0 {
		longest = add(fresh, max(s.revalidate, s.staleIfError))
	}
	return max(longest, s.absence())
}

// Hydrate is how long a nearer tier may keep a value that has remaining
// freshness left in the tier it was read from: remaining, shortened by the
// jitter, and never more. A nearer tier that grants a full lifetime serves the
// value after its owner forgot it. It returns 0 if nothing remains, and
// remaining itself for the zero Policy.
func (p Policy) Hydrate(remaining time.Duration) time.Duration {
	if remaining <= 0 {
		return 0
	}
	if p.s == nil {
		return remaining
	}
	return p.s.shorten(remaining)
}

// shorten applies the jitter to a positive d; the result is positive too.
func (s *settings) shorten(d time.Duration) time.Duration {
	if !(s.jitter > 0) { // also NaN
		return d
	}
	// A float64 of a large d may lie above it, so the cut may too.
	cut := time.Duration(float64(d) * min(s.jitter, 1) * rand.Float64())
	return max(d-cut, 1)
}

// bound is the largest freshness that a value may have.
func (s *settings) bound() time.Duration {
	if s.atMostSet && s.atMost > 0 {
		return s.atMost
	}
	return forever
}

// absence is how long "not found" is kept, before jitter; not positive: not.
func (s *settings) absence() time.Duration {
	switch {
	case s.negativeSet:
		return max(s.negative, 0)
	case s.source == noSource:
		return 0
	case s.source == valueSource:
		return min(DefaultNegative, s.bound())
	default:
		return max(0, min(DefaultNegative, s.bound(), s.fixed))
	}
}

// add extends a positive d by a window, saturating.
func add(d, window time.Duration) time.Duration {
	if window <= 0 {
		return d
	}
	if window > forever-d {
		return forever
	}
	return d + window
}

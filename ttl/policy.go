package ttl

import (
	"reflect"
	"time"
)

// Policy says how long a result is fresh and what may happen after. Begin with
// [Fixed] or [FromValue] and chain the methods; each returns a new Policy and
// leaves its receiver as it was, so a Policy can be shared, extended and used
// from many goroutines.
//
// The zero Policy means "no policy" (see [Policy.IsZero]): it keeps nothing,
// and leaves the choice to whoever receives it.
//
// A Policy is one word, cheap to pass and to consult on a hot path. Policies
// cannot be compared with ==.
type Policy struct {
	_ [0]func() // == would compare identities, not settings
	s *settings // never changed once it is in a Policy
}

// settings are kept as given, good or bad, so that Validate can name what was
// written. Whatever reads them for use must survive values it would refuse.
type settings struct {
	source       source
	fixed        time.Duration
	fromValue    func(value any) (time.Duration, bool)
	valueType    reflect.Type
	atMost       time.Duration
	atMostSet    bool
	jitter       float64
	revalidate   time.Duration
	staleIfError time.Duration
	negative     time.Duration
	negativeSet  bool
	beta         float64
}

// source is where a policy takes its freshness from.
type source uint8

const (
	noSource source = iota
	fixedSource
	valueSource
)

// Fixed is fresh for d, which must be positive: to keep nothing, use no cache.
// Durations below a second are honoured exactly.
func Fixed(d time.Duration) Policy {
	return Policy{s: &settings{source: fixedSource, fixed: d}}
}

// Jitter shortens every fill by a random part of its freshness, up to fraction
// of it, so that what was stored together does not expire together. Each fill
// draws d*(1-fraction*u) with u uniform in [0, 1): a value is never fresh for
// longer than stated. The windows after freshness keep their lengths.
//
// The fraction lies in [0, 1); 0 turns jitter off, 0.1 suits most.
func (p Policy) Jitter(fraction float64) Policy {
	return p.with(func(s *settings) { s.jitter = fraction })
}

// StaleWhileRevalidate lets a value be served for d after its freshness ended,
// while one load in the background replaces it (RFC 5861, section 3). It hides
// the load's latency, at the price of one older answer. 0 turns it off.
func (p Policy) StaleWhileRevalidate(d time.Duration) Policy {
	return p.with(func(s *settings) { s.revalidate = d })
}

// StaleIfError lets a value be served for d after its freshness ended if the
// load that should replace it failed (RFC 5861, section 4). The value must be
// kept for that long, so it costs memory, not freshness. 0 turns it off.
func (p Policy) StaleIfError(d time.Duration) Policy {
	return p.with(func(s *settings) { s.staleIfError = d })
}

// Negative keeps "not found" for d (RFC 2308). Absence is shortened by the
// jitter too, but is never served stale.
//
// Not called, absence is kept for the lesser of the policy's freshness and
// [DefaultNegative]: what is missing is often about to be created, by somebody
// who cannot know that its absence is cached. With d of zero or less absence
// is not kept at all.
func (p Policy) Negative(d time.Duration) Policy {
	return p.with(func(s *settings) { s.negative, s.negativeSet = d, true })
}

// EarlyRefresh lets a read of a fresh value start its replacement before it
// expires, at random, the likelier the nearer the end and the dearer the load
// (XFetch; see [Policy.RefreshEarly]). Every read looks ahead by beta times the
// cost of a load on average: with the paper's optimum of 1 the replacement is
// usually ready when the old value ends; above 1 it begins earlier, below 1
// later. 0 turns it off.
func (p Policy) EarlyRefresh(beta float64) Policy {
	return p.with(func(s *settings) { s.beta = beta })
}

// AtMost bounds the freshness of every value by d, which must be positive. It
// is meant for [FromValue], where it also makes [Policy.Longest] known.
func (p Policy) AtMost(d time.Duration) Policy {
	return p.with(func(s *settings) { s.atMost, s.atMostSet = d, true })
}

// IsZero reports whether p is the zero Policy, on which nothing was ever set.
func (p Policy) IsZero() bool { return p.s == nil }

func (p Policy) with(set func(*settings)) Policy {
	var s settings
	if p.s != nil {
		s = *p.s
	}
	set(&s)
	return Policy{s: &s}
}

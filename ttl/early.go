package ttl

import (
	"math/rand/v2"
	"time"
)

// farthest bounds the exponential draw of XFetch: it exceeds 40 once in 2e17
// draws, so a value with more than 40*beta*cost left needs no draw.
const farthest = 40

// RefreshEarly draws whether this read of a still fresh value should start its
// replacement, given the remaining freshness and the measured cost of the last
// load. It is XFetch's test: -cost*beta*ln(u) >= remaining, with u uniform in
// (0, 1] drawn anew by every call, so of many concurrent readers usually one
// goes ahead, a little before the end.
//
// It returns false without [Policy.EarlyRefresh]. With it, it returns true if
// nothing remains, and otherwise false if the cost is unknown (zero or less).
// It does not allocate, and is nearly free while the end is far.
func (p Policy) RefreshEarly(remaining, cost time.Duration) bool {
	return p.s != nil && p.s.beta != 0 && refreshEarly(remaining, cost, p.s.beta)
}

// refreshEarly is apart so that RefreshEarly inlines for those who never set it.
func refreshEarly(remaining, cost time.Duration, beta float64) bool {
	left, scale := float64(remaining), float64(cost)*beta
	switch {
	case !(beta > 0): // also NaN
		return false
	case left <= 0:
		return true
	case left > scale*farthest:
		return false
	}
	return scale*rand.ExpFloat64() >= left // ExpFloat64 is distributed as -ln(u)
}

// Package ttl decides how long a cached result is good, and what may happen
// to it afterwards.
//
// A [Policy] is built once, by chaining:
//
//	ttl.Fixed(5 * time.Minute).Jitter(0.1).StaleIfError(time.Hour)
//
// and consulted once per stored result. Its answer, a [Lifetime], is kept
// beside the result; nothing about an entry is computed again when it is read,
// so a change of policy never changes what is already stored.
//
// # A result's life
//
//	|<------ Fresh ------>|<- stale-while-revalidate ->|
//	|                     |<--------- stale-if-error --------->|
//	stored             expires                              forgotten
//
// Both windows begin where freshness ends. They do not add up: each says what
// its own event may use, a read or a failed load.
//
// # Settings
//
//	setting               not called                    source
//	Fixed                 one of the two is required
//	FromValue             one of the two is required
//	AtMost                no bound
//	Jitter                0: every fill lives as long
//	StaleWhileRevalidate  0: a stale value is not served  RFC 5861, section 3
//	StaleIfError          0: a failed load is an error    RFC 5861, section 4
//	Negative              the lesser of the TTL and 30 s  RFC 2308
//	EarlyRefresh          0: off                        XFetch, VLDB 2015
//
// XFetch is the algorithm of A. Vattani, F. Chierichetti and K. Lowenstein,
// "Optimal Probabilistic Cache Stampede Prevention", PVLDB 8(8), 2015.
//
// # Caveats
//
// Jitter only ever shortens. A symmetric jitter would serve values for longer
// than their owner said they are good, and the owner's number is a promise.
// The mean lifetime is therefore the stated one times (1 - fraction/2).
//
// Durations are exact to the nanosecond. Whoever writes them to a system with
// a coarser clock must round down to keep the promise, and must not read "less
// than one unit" as "for ever".
//
// Sums saturate: a window that would end beyond the largest [time.Duration]
// (292 years) ends there.
//
// The builder methods never panic and never fail; [Policy.Validate] reports
// what is wrong, by name. A policy used without that check does the harmless
// thing: what cannot be honoured is taken as not set, and a freshness that is
// not positive keeps nothing.
package ttl

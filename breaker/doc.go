// Package breaker stops requests to a service that does not answer.
//
// A [Breaker] stands before a service and hears how each request went. While
// the service is well the breaker is closed and lets everything pass; when it
// fails, the breaker opens, and callers are told at once instead of waiting for
// a timeout each; after a while it half-opens, and lets a few probes find out
// whether the service is back.
//
//	        failures in a row, or a failure rate
//	closed ------------------------------------> open <--+
//	  ^                                           |      | a probe fails
//	  |  enough probes succeed          OpenFor   v      |
//	  +--------------------------------------- half-open-+
//
// The pattern is from M. Nygard, "Release It!". [Options] has the thresholds;
// its zero value suits a cache's Redis.
//
// # Use
//
// [Breaker.Do] wraps a call. [Breaker.Allow] gives a [Permit] for requests that
// begin and end in different places. A nil *Breaker works and is always closed,
// so "no breaker" needs no branch.
//
// # What counts
//
// Only the service's health counts: a transport fault or a timeout is a
// failure, any answer is a success, and a caller who went away says nothing.
// A cancelled probe gives its slot back and is neither.
//
// # Caveats
//
// A report counts only toward the period, a stretch of time in one state, in
// which its permit was given. A slow request that began before the breaker
// opened and fails while it is half-open does not open it again.
//
// A panic or runtime.Goexit under Do counts nothing: it is a fault of the
// caller's code, not of the service. Report a Failure where it is otherwise.
//
// Time brings about changes only when somebody asks. An idle breaker becomes
// half-open at the next call of Allow, Do or State after Options.OpenFor, and
// Options.OnChange is called then.
//
// # Why not a library
//
// Both well-kept ones were measured with a rolling window; see
// BenchmarkClosed and BenchmarkOpen. Cost of one request, this package being 1:
//
//	                        closed            open
//	this package            1                 1
//	failsafe-go             1.8               2.1
//	failsafe-go, guarded    2.9               2.5
//	gobreaker v2            4.1, allocates    2.1
//
// failsafe-go has no permit to tell periods apart by and none that can be
// cancelled, so probes leak and late reports count; guarding it ("guarded":
// only the lock that makes periods comparable) still leaves its half-open
// slots to be reimplemented, and then its counters are all that is used.
// gobreaker knows periods and exclusions, but allocates a closure per request,
// calls its observer under its lock, so that asking for the state there
// deadlocks, and never gives back the slot of a probe that does not report.
// What remains to be written by hand is the breaker.
package breaker

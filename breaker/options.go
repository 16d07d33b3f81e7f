package breaker

import (
	"errors"
	"fmt"
	"time"
)

// The values that zero Options stand for. They suit a cache's Redis: a dead one
// is noticed after five calls, and tried again every second.
const (
	DefaultWindow         = 10 * time.Second
	DefaultFailureRate    = 0.5
	DefaultMinRequests    = 10
	DefaultConsecutive    = 5
	DefaultOpenFor        = time.Second
	DefaultProbes         = 1
	DefaultProbeSuccesses = 2
	DefaultProbeTimeout   = 5 * time.Second
)

// Options configure [New]. The zero value is a good default throughout.
//
// A closed breaker opens on either of two signs: Consecutive failures without
// a success between them, which is how a dead service looks, however many
// successes came before; or a FailureRate within the Window, which is how an
// overloaded one looks.
type Options struct {
	// Window is how far back results are counted while closed. It moves in
	// tenths: a result is forgotten when it is between 0.9 and 1 Window old. A
	// run of consecutive failures is forgotten when a whole Window passes
	// without a result. 0: 10 s. At least 10 ns.
	Window time.Duration
	// FailureRate is the share of failures among the results in the Window, in
	// (0, 1], at which the breaker opens. It is judged at each failure. 0: 0.5.
	FailureRate float64
	// MinRequests is how many results the Window must hold before FailureRate
	// is judged. 0: 10.
	MinRequests int
	// Consecutive is how many failures in a row open the breaker, whatever the
	// rate. 0: 5.
	Consecutive int
	// OpenFor is how long requests are refused before the breaker half-opens.
	// 0: 1 s.
	OpenFor time.Duration
	// Probes is how many requests may be under way at once while half-open.
	// 0: 1.
	Probes int
	// ProbeSuccesses is how many probes must succeed, with none failing, to
	// close the breaker. One failed probe opens it again. 0: 2.
	ProbeSuccesses int
	// ProbeTimeout is when the slot of a probe that has not reported is given
	// back, as if it had been cancelled; what it reports later is ignored. It
	// should exceed the longest call's own timeout, or slow failures will never
	// be heard. 0: 5 s.
	ProbeTimeout time.Duration
	// OnChange, if set, is called after each change of state, once per change
	// and in order, never two at a time, with no lock held: it may call any
	// method of the breaker. It is called by whichever goroutine changes the
	// state, or by one that is still delivering an earlier change, so it should
	// return soon. A panic in it is swallowed, as an observer must not fail the
	// request it happens to observe.
	OnChange func(from, to State)
}

// withDefaults also checks, and joins all faults in one error.
func (o Options) withDefaults() (Options, error) {
	var faults []error
	fault := func(field string, value any, must string) {
		faults = append(faults, fmt.Errorf("breaker: Options.%s is %v: must %s", field, value, must))
	}
	duration := func(field string, d *time.Duration, byDefault time.Duration) {
		if *d < 0 {
			fault(field, *d, fmt.Sprintf("not be negative (0 means %v)", byDefault))
		}
		if *d == 0 {
			*d = byDefault
		}
	}
	count := func(field string, n *int, byDefault int) {
		if *n < 0 {
			fault(field, *n, fmt.Sprintf("not be negative (0 means %d)", byDefault))
		}
		if *n == 0 {
			*n = byDefault
		}
	}
	duration("Window", &o.Window, DefaultWindow)
	if o.Window > 0 && o.Window < tenths {
		fault("Window", o.Window, fmt.Sprintf("be at least %v", time.Duration(tenths)))
	}
	if o.FailureRate == 0 {
		o.FailureRate = DefaultFailureRate
	}
	if !(o.FailureRate > 0 && o.FailureRate <= 1) {
		fault("FailureRate", o.FailureRate, fmt.Sprintf("be above 0 and at most 1 (0 means %v)", DefaultFailureRate))
	}
	count("MinRequests", &o.MinRequests, DefaultMinRequests)
	count("Consecutive", &o.Consecutive, DefaultConsecutive)
	duration("OpenFor", &o.OpenFor, DefaultOpenFor)
	count("Probes", &o.Probes, DefaultProbes)
	count("ProbeSuccesses", &o.ProbeSuccesses, DefaultProbeSuccesses)
	duration("ProbeTimeout", &o.ProbeTimeout, DefaultProbeTimeout)
	return o, errors.Join(faults...)
}

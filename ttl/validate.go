package ttl

import (
	"errors"
	"fmt"
	"time"
)

// Validate returns nil for a policy that can be honoured as written, the zero
// Policy included, and otherwise one error that joins all faults, each naming
// the setting and its value.
func (p Policy) Validate() error {
	faults := p.faults()
	for i, fault := range faults {
		faults[i] = fmt.Errorf("ttl: %w", fault)
	}
	return errors.Join(faults...)
}

// faults leave the package's name to whoever knows what comes between.
func (p Policy) faults() []error {
	if p.s == nil {
		return nil
	}
	s := p.s
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf(format, args...))
	}
	switch s.source {
	case noSource:
		fault("no freshness: begin with Fixed or FromValue")
	case fixedSource:
		if s.fixed <= 0 {
			fault("Fixed(%v): must be positive", s.fixed)
		}
	case valueSource:
		if s.fromValue == nil {
			fault("FromValue(nil): must be a function")
		}
	}
	if s.atMostSet && s.atMost <= 0 {
		fault("AtMost(%v): must be positive", s.atMost)
	}
	if !(s.jitter >= 0 && s.jitter < 1) {
		fault("Jitter(%v): must be at least 0 and below 1", s.jitter)
	}
	window := func(name string, d time.Duration) {
		if d < 0 {
			fault("%s(%v): must not be negative", name, d)
		}
	}
	window("StaleWhileRevalidate", s.revalidate)
	window("StaleIfError", s.staleIfError)
	if s.beta-s.beta != 0 || s.beta < 0 { // NaN and the infinities
		fault("EarlyRefresh(%v): must be finite and not negative", s.beta)
	}
	return faults
}

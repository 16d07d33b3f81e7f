package ttl

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Table maps the names of caches to their policies, so that one place says how
// long everything lives. A nil Table is empty. Like any map it may be read by
// many goroutines, but not while it is being changed.
type Table map[string]Policy

// For returns the policy of the cache called name, and whether there is one.
func (t Table) For(name string) (Policy, bool) {
	p, ok := t[name]
	return p, ok
}

// Validate returns nil if every policy can be honoured as written, and
// otherwise one error that joins all faults in the order of the names. An entry
// without a name or with the zero Policy is a fault too: it was surely meant to
// say something.
func (t Table) Validate() error {
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(t)) {
		p := t[name]
		if name == "" {
			faults = append(faults, errors.New("ttl: table: an entry has no name"))
		}
		if p.IsZero() {
			faults = append(faults, fmt.Errorf("ttl: table: %q: no policy: begin with Fixed or FromValue", name))
		}
		for _, fault := range p.faults() {
			faults = append(faults, fmt.Errorf("ttl: table: %q: %w", name, fault))
		}
	}
	return errors.Join(faults...)
}

package cachehttp

import "time"

// Histogram is a histogram, for tests.
type Histogram struct{ histogram }

// Add adds d.
func (h *Histogram) Add(d time.Duration) { h.add(d) }

// Age begins another generation.
func (h *Histogram) Age() { h.age() }

// Snapshot returns the latencies.
func (h *Histogram) Snapshot() *Latency { return h.snapshot() }

// Files are what the page is made of.
var Files = files

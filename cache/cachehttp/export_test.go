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

// HotKeys are hot keys, for tests.
type HotKeys struct{ hotKeys }

// Add counts key.
func (h *HotKeys) Add(key string) { h.add(key) }

// Age halves the counts.
func (h *HotKeys) Age() { h.age() }

// Snapshot returns the hottest.
func (h *HotKeys) Snapshot() []HotKey { return h.snapshot() }

// Tracked is how many keys are counted.
func (h *HotKeys) Tracked() int { return len(h.counts) }

// Files are what the page is made of.
var Files = files

// Package latency counts how long things take.
package latency

import (
	"math/bits"
	"time"
)

const fineness = 32 // buckets per power of two: a percentile is right within 3 %

// Histogram counts durations in a fixed array, right within 3 %, so that a sample costs no allocation and a few nanoseconds. The zero
// value is empty; it is for one goroutine.
type Histogram struct {
	counts [64 * fineness]uint64
	total  uint64
}

// Add counts a duration.
func (h *Histogram) Add(d time.Duration) {
	h.counts[bucket(uint64(max(d, 0)))]++
	h.total++
}

// Merge adds what other has counted.
func (h *Histogram) Merge(other *Histogram) {
	for i, n := range &other.counts {
		h.counts[i] += n
	}
	h.total += other.total
}

// Quantile returns the lower bound of the bucket that holds the sample of rank q, 0 if there are none.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := uint64(q * float64(h.total))
	for i, n := range &h.counts {
		if rank < n {
			return time.Duration(lowerBound(i))
		}
		rank -= n
	}
	return 0
}

func bucket(v uint64) int {
	if v < fineness {
		return int(v)
	}
	shift := bits.Len64(v) - bits.Len(fineness)
	return shift*fineness + int(v>>shift)
}

func lowerBound(bucket int) uint64 {
	if bucket < 2*fineness {
		return uint64(bucket)
	}
	shift := bucket/fineness - 1
	return uint64(bucket-shift*fineness) << shift
}

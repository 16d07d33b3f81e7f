package benchmarks

import (
	"math/bits"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const fineness = 32 // buckets per power of two: a percentile is right within 3 %

// histogram counts durations in a fixed array, so that a sample costs no allocation and a few nanoseconds.
type histogram struct {
	counts [64 * fineness]uint64
	total  uint64
}

func (h *histogram) add(d time.Duration) {
	h.counts[bucket(uint64(max(d, 0)))]++
	h.total++
}

func (h *histogram) merge(other *histogram) {
	for i, n := range &other.counts {
		h.counts[i] += n
	}
	h.total += other.total
}

// quantile returns the lower bound of the bucket that holds the sample of rank q.
func (h *histogram) quantile(q float64) time.Duration {
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

func TestHistogramQuantiles(t *testing.T) {
	var h histogram
	for d := range time.Duration(100_000) {
		h.add(d)
	}
	require.InEpsilon(t, 50_000, h.quantile(0.50), 1.0/fineness)
	require.InEpsilon(t, 99_000, h.quantile(0.99), 1.0/fineness)

	var small histogram
	small.add(5)
	require.Equal(t, time.Duration(5), small.quantile(0.99))
}

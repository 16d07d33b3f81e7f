package cachehttp

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

// Latency is what is known of the durations of the last one to two minutes, to a quarter above.
type Latency struct {
	Count uint64  `json:"count"`
	P50   float64 `json:"p50_ms"`
	P99   float64 `json:"p99_ms"`
}

// generation is how long a histogram counts into one set of buckets; it shows that one and the one before.
const generation = time.Minute

// histogram counts durations in buckets of a quarter of an octave. Its zero value is ready for use.
type histogram struct{ now, before atomic.Pointer[buckets] }

type buckets [4 * 64]atomic.Uint64

func (h *histogram) add(d time.Duration) {
	b := h.now.Load()
	if b == nil {
		h.now.CompareAndSwap(nil, new(buckets))
		b = h.now.Load()
	}
	b[bucket(d)].Add(1)
}

// age begins another generation. It must not be called concurrently.
func (h *histogram) age() { h.before.Store(h.now.Swap(new(buckets))) }

// bucket is the duration's two highest bits below the leading one, and where that is.
func bucket(d time.Duration) int {
	n := uint64(max(d, 4))
	shift := bits.Len64(n) - 3
	return 4*shift + int(n>>shift&3)
}

// upper is the end of a bucket.
func upper(i int) float64 { return math.Ldexp(float64(4+i%4+1), i/4) }

func (h *histogram) snapshot() *Latency {
	var c counts
	c.add(h)
	return c.latency()
}

// counts are the sums of histograms.
type counts [len(buckets{})]uint64

func (c *counts) add(h *histogram) {
	for _, b := range []*buckets{h.now.Load(), h.before.Load()} {
		for i := range c {
			if b != nil {
				c[i] += b[i].Load()
			}
		}
	}
}

func (c *counts) latency() *Latency {
	var total uint64
	for _, n := range c {
		total += n
	}
	if total == 0 {
		return nil
	}
	quantile := func(q float64) float64 {
		rank, sum := uint64(math.Ceil(q*float64(total))), uint64(0)
		for i, n := range c {
			if sum += n; sum >= rank {
				return upper(i) / float64(time.Millisecond)
			}
		}
		return 0
	}
	return &Latency{total, quantile(0.5), quantile(0.99)}
}

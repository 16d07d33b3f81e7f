package cachehttp

import (
	"sync"
	"time"
)

// History is what the charts show.
type History struct {
	EveryMS int64    `json:"every_ms"`
	Cache   string   `json:"cache"`   // that the counters and latencies are of; "": all
	Samples []Sample `json:"samples"` // oldest first
}

// Sample is the state at one moment, and what was counted by then.
type Sample struct {
	Time       int64  `json:"t"` // Unix milliseconds
	Link       bool   `json:"link"`
	Breaker    string `json:"breaker"`
	Fallback   bool   `json:"fallback"`
	MemoryUsed int64  `json:"memory_used"`
	Journal    int    `json:"journal"`
	Measures
}

// Measures are what one cache, or all open ones, had counted by a moment, from anew when a cache is closed; and the
// latencies of the last one to two minutes before it, 0 where there was nothing to measure.
type Measures struct {
	MemoryHits uint64  `json:"memory_hits"`
	RedisHits  uint64  `json:"redis_hits"`
	Loads      uint64  `json:"loads"`
	Joined     uint64  `json:"joined"`
	Negative   uint64  `json:"negative"`
	Stale      uint64  `json:"stale"`
	Errors     uint64  `json:"errors"`
	LoadP50    float64 `json:"load_p50_ms"`
	LoadP99    float64 `json:"load_p99_ms"`
	RedisP50   float64 `json:"redis_hit_p50_ms"`
	RedisP99   float64 `json:"redis_hit_p99_ms"`
}

// moment is a sample of all caches, and what it is made of.
type moment struct {
	Sample
	caches map[string]Measures
}

// history is the last moments, in a ring.
type history struct {
	every time.Duration

	mu   sync.Mutex
	ring []moment
	next int // to be overwritten, once the ring is full
	size int
}

func newHistory(size int, every time.Duration) *history {
	return &history{every: every, size: max(size, 2)}
}

func (h *history) add(m moment) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.ring) < h.size {
		h.ring = append(h.ring, m)
		return
	}
	h.ring[h.next] = m
	h.next = (h.next + 1) % h.size
}

// snapshot is the history of one cache, or, without a name, of all.
func (h *history) snapshot(cache string) History {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := History{h.every.Milliseconds(), cache, make([]Sample, 0, len(h.ring))}
	for i := range h.ring {
		m := &h.ring[(h.next+i)%len(h.ring)]
		s := m.Sample
		if cache != "" {
			s.Measures = m.caches[cache]
		}
		out.Samples = append(out.Samples, s)
	}
	return out
}

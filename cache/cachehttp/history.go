package cachehttp

import (
	"sync"
	"time"
)

// History is what the charts show.
type History struct {
	EveryMS int64    `json:"every_ms"`
	Samples []Sample `json:"samples"` // oldest first
}

// Sample is the state at one moment, and what all open caches had counted by then; it counts from anew when a cache is
// closed.
type Sample struct {
	Time       int64  `json:"t"` // Unix milliseconds
	Link       bool   `json:"link"`
	Breaker    string `json:"breaker"`
	Fallback   bool   `json:"fallback"`
	MemoryUsed int64  `json:"memory_used"`
	Journal    int    `json:"journal"`
	MemoryHits uint64 `json:"memory_hits"`
	RedisHits  uint64 `json:"redis_hits"`
	Loads      uint64 `json:"loads"`
	Joined     uint64 `json:"joined"`
	Negative   uint64 `json:"negative"`
	Stale      uint64 `json:"stale"`
	Errors     uint64 `json:"errors"`
}

// history is the last samples, in a ring.
type history struct {
	every time.Duration

	mu   sync.Mutex
	ring []Sample
	next int // to be overwritten, once the ring is full
	size int
}

func newHistory(size int, every time.Duration) *history {
	return &history{every: every, size: max(size, 2)}
}

func (h *history) add(s Sample) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.ring) < h.size {
		h.ring = append(h.ring, s)
		return
	}
	h.ring[h.next] = s
	h.next = (h.next + 1) % h.size
}

func (h *history) snapshot() History {
	h.mu.Lock()
	defer h.mu.Unlock()
	return History{h.every.Milliseconds(), append(append([]Sample{}, h.ring[h.next:]...), h.ring[:h.next]...)}
}

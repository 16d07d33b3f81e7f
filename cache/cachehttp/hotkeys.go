package cachehttp

import (
	"cmp"
	"slices"
	"sync"
)

// HotKey is a key that is read often.
type HotKey struct {
	Key   string  `json:"key"`   // as in Redis, without the namespace
	Share float64 `json:"share"` // of the sampled reads of the cache, of about the last minutes; at most
}

const (
	trackedKeys = 256 // that are counted at once
	shownKeys   = 10
	longestKey  = 200 // bytes that are kept of a key
)

// hotKeys counts the most frequent of a stream of keys in bounded space: a new key takes the place of the least frequent
// one, and its count, which is by how much it may be wrong (Metwally's Space-Saving). Its zero value is ready for use.
type hotKeys struct {
	mu     sync.Mutex
	counts map[string]uint64
	total  uint64
}

func (h *hotKeys) add(key string) {
	if len(key) > longestKey {
		key = key[:longestKey] + "…"
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.counts == nil {
		h.counts = make(map[string]uint64, trackedKeys)
	}
	h.total++
	if n, ok := h.counts[key]; ok || len(h.counts) < trackedKeys {
		h.counts[key] = n + 1
		return
	}
	least, count := "", uint64(0)
	for k, n := range h.counts {
		if count == 0 || n < count {
			least, count = k, n
		}
	}
	delete(h.counts, least)
	h.counts[key] = count + 1
}

// age halves what was counted so far.
func (h *hotKeys) age() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.total = 0
	for k, n := range h.counts {
		if n /= 2; n > 0 {
			h.counts[k] = n
			h.total += n
		} else {
			delete(h.counts, k)
		}
	}
}

// snapshot returns the most frequent keys, those alone that were sampled more than once.
func (h *hotKeys) snapshot() []HotKey {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]HotKey, 0, len(h.counts))
	for k, n := range h.counts {
		if n > 1 {
			all = append(all, HotKey{k, float64(n) / float64(h.total)})
		}
	}
	slices.SortFunc(all, func(a, b HotKey) int { return cmp.Or(cmp.Compare(b.Share, a.Share), cmp.Compare(a.Key, b.Key)) })
	return all[:min(len(all), shownKeys)]
}

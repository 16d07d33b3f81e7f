package load

import (
	"sync"
	"time"
)

// history is what one thing was over time, as far as the driver knows: it made all the writes.
type history[T any] struct {
	mu       sync.Mutex // held over a write: the writes of one thing have an order
	versions []version[T]
}

// version is one state. It may be seen from the moment that its write began, and must be from when its write returned,
// until the next one's write began or, at the latest, returned.
type version[T any] struct {
	value           T
	began, returned time.Time // returned is zero while the write is under way
}

// histories are the histories of one kind of thing. What was never written is as seeded.
type histories[T any] struct {
	mu   sync.RWMutex
	of   map[int64]*history[T]
	seed func(id int64) T
}

func newHistories[T any](seed func(int64) T) *histories[T] {
	return &histories[T]{of: map[int64]*history[T]{}, seed: seed}
}

// possible returns the states that somebody who asked from start to end may have seen.
func (h *histories[T]) possible(id int64, start, end time.Time) []T {
	h.mu.RLock()
	defer h.mu.RUnlock()
	one := h.of[id]
	if one == nil {
		return []T{h.seed(id)}
	}
	var all []T
	for i, v := range one.versions {
		replaced := i+1 < len(one.versions) && !one.versions[i+1].returned.IsZero() && one.versions[i+1].returned.Before(start)
		if !replaced && !v.began.After(end) {
			all = append(all, v.value)
		}
	}
	return all
}

// lock returns the latest state of id, and keeps other writers of it away until unlock is called.
func (h *histories[T]) lock(id int64) (latest T, unlock func()) {
	h.mu.Lock()
	one := h.of[id]
	if one == nil {
		one = &history[T]{versions: []version[T]{{value: h.seed(id)}}}
		h.of[id] = one
	}
	h.mu.Unlock()
	one.mu.Lock()
	h.mu.RLock()
	defer h.mu.RUnlock()
	return one.versions[len(one.versions)-1].value, one.mu.Unlock
}

// begin notes that id, which is locked, is about to become value.
func (h *histories[T]) begin(id int64, value T) {
	h.mu.Lock()
	defer h.mu.Unlock()
	one := h.of[id]
	one.versions = append(one.versions, version[T]{value: value, began: time.Now()})
}

// returned notes that the write that was begun has returned, and what it made of id.
func (h *histories[T]) returned(id int64, value T) {
	h.mu.Lock()
	defer h.mu.Unlock()
	last := &h.of[id].versions[len(h.of[id].versions)-1]
	last.value, last.returned = value, time.Now()
}

// latest is the last state of id.
func (h *histories[T]) latest(id int64) T {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if one := h.of[id]; one != nil {
		return one.versions[len(one.versions)-1].value
	}
	return h.seed(id)
}

package tiered

import (
	"fmt"
	"sync"

	"github.com/dgraph-io/ristretto/v2"
)

const (
	ristrettoOverhead = 120     // bytes per entry of ristretto's own, measured
	windowShare       = 5       // one part in so many of the memory is the window
	windowBytes       = 1 << 20 // but it has at least so many bytes, or half of the memory
)

// Ristretto is the default engine: ristretto v2 (TinyLFU admission, sampled LFU eviction) behind a small LRU window.
//
// ristretto takes its Sets in late, drops them in bursts and turns away keys that it has not seen often. The window
// takes every item at once: a Get right after a Set finds it, and a new key gets the time to be asked for again. What
// leaves the window after it was read there is offered to ristretto a second time, with the frequency it has earned.
func Ristretto(bytes int64) (Memory, error) {
	window := max(bytes/windowShare, min(windowBytes, bytes/2))
	main, err := ristretto.NewCache(&ristretto.Config[uint64, Item]{
		NumCounters:        min(max(bytes/64, 10_000), 100_000_000),
		MaxCost:            bytes - window,
		BufferItems:        64,
		IgnoreInternalCost: true, // ours is the measured one
	})
	if err != nil {
		return nil, fmt.Errorf("tiered: ristretto: %w", err)
	}
	m := &ristrettoMemory{main: main, limit: bytes}
	m.window = newWindow(window, m.offer)
	return m, nil
}

type ristrettoMemory struct {
	main   *ristretto.Cache[uint64, Item]
	window *window
	limit  int64

	closing sync.RWMutex // a Set that races ristretto's Close panics
	closed  bool
}

// Get prefers ristretto, where the hot keys are. Two Sets of a new key in quick succession can leave the older item
// there; then the newer one is in the window.
func (m *ristrettoMemory) Get(hash uint64) (Item, bool) {
	if item, ok := m.main.Get(hash); ok && !item.Replaced() {
		return item, true
	}
	return m.window.get(hash)
}

func (m *ristrettoMemory) Set(hash uint64, item Item) {
	m.closing.RLock()
	closed := m.closed
	m.closing.RUnlock()
	if !closed {
		m.window.set(hash, item)
		m.offer(hash, item)
	}
}

func (m *ristrettoMemory) offer(hash uint64, item Item) {
	m.closing.RLock()
	defer m.closing.RUnlock()
	if !m.closed {
		m.main.Set(hash, item, item.Weight()+ristrettoOverhead)
	}
}

func (m *ristrettoMemory) Usage() (used, limit int64) {
	m.closing.RLock()
	defer m.closing.RUnlock()
	if m.closed {
		return 0, m.limit
	}
	return m.main.MaxCost() - m.main.RemainingCost() + m.window.bytes(), m.limit
}

func (m *ristrettoMemory) Close() {
	m.closing.Lock()
	defer m.closing.Unlock()
	if !m.closed {
		m.closed = true
		m.main.Close()
		m.window.clear()
	}
}

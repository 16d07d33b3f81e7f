package tiered

import (
	"slices"
	"sync"
)

// wakers are those who wait on this node for another's load.
type wakers struct {
	mu  sync.Mutex
	all map[string][]chan struct{}
}

func (w *wakers) add(key string) chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	ch := make(chan struct{}, 1)
	if w.all == nil {
		w.all = map[string][]chan struct{}{}
	}
	w.all[key] = append(w.all[key], ch)
	return ch
}

func (w *wakers) remove(key string, ch chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	left := slices.DeleteFunc(w.all[key], func(c chan struct{}) bool { return c == ch })
	if w.all[key] = left; len(left) == 0 {
		delete(w.all, key)
	}
}

func (w *wakers) wake(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ch := range w.all[key] {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

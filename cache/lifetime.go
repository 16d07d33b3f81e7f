package cache

import (
	"context"
	"sync"
)

// lifetime owns a cache's goroutines.
type lifetime struct {
	mu     sync.Mutex
	closed bool
	work   sync.WaitGroup
	ctx    context.Context // of work that nobody waits for
	cancel context.CancelFunc
}

func (l *lifetime) open() { l.ctx, l.cancel = context.WithCancel(context.Background()) }

// begin registers work, unless the cache is closed; end must follow.
func (l *lifetime) begin() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.work.Add(1)
	return true
}

func (l *lifetime) end() { l.work.Done() }

// close cancels what nobody waits for, and waits for all work.
func (l *lifetime) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.cancel()
	l.work.Wait()
}

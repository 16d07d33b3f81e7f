package cache

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
)

// lifetime owns a cache's goroutines.
type lifetime struct {
	work   atomic.Int64 // pieces of work under way; so many above closing once the cache is closed
	once   sync.Once
	idle   chan struct{}   // closed when the last of them has ended
	ctx    context.Context // of work that nobody waits for
	cancel context.CancelFunc
}

const closing = math.MinInt64 / 2

func (l *lifetime) open() {
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.idle = make(chan struct{})
}

// begin registers work, unless the cache is closed; end must follow.
func (l *lifetime) begin() bool {
	if l.work.Add(1) < 0 {
		l.end(1)
		return false
	}
	return true
}

// add registers more work on behalf of what is under way.
func (l *lifetime) add(n int) { l.work.Add(int64(n)) }

func (l *lifetime) end(n int) {
	if l.work.Add(-int64(n)) == closing {
		l.once.Do(func() { close(l.idle) })
	}
}

// run does more work on a goroutine of its own.
func (l *lifetime) run(work func()) {
	l.add(1)
	go func() {
		defer l.end(1)
		work()
	}()
}

// close cancels what nobody waits for, and waits for all work.
func (l *lifetime) close() {
	l.add(1)
	l.work.Add(closing)
	l.cancel()
	l.end(1)
	<-l.idle
}

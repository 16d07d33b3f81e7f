// Package clock is a coarse monotonic clock: reading it costs one atomic load, where time.Now costs tens of
// nanoseconds, which is most of a memory hit.
package clock

import (
	"sync"
	"sync/atomic"
	"time"
)

// Tick is how often a Clock moves. Now lags the truth by up to a Tick (more when the process was paused), so whoever
// turns a deadline into an instant of this clock takes a Tick off it.
const Tick = 10 * time.Millisecond

// Clock is a coarse clock. Its instants are nanoseconds since New, on the monotonic clock.
type Clock struct {
	now  atomic.Int64
	base time.Time
	stop chan struct{}
	once sync.Once
	done chan struct{}
}

// New starts a clock; Stop ends its goroutine.
func New() *Clock {
	c := &Clock{base: time.Now(), stop: make(chan struct{}), done: make(chan struct{})}
	go c.run()
	return c
}

func (c *Clock) run() {
	defer close(c.done)
	t := time.NewTicker(Tick)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			c.now.Store(c.Exact())
		case <-c.stop:
			return
		}
	}
}

// Now returns the instant of the last tick.
func (c *Clock) Now() int64 { return c.now.Load() }

// Exact returns the instant now; it reads the system's clock.
func (c *Clock) Exact() int64 { return int64(time.Since(c.base)) }

// Of returns the instant of t.
func (c *Clock) Of(t time.Time) int64 { return int64(t.Sub(c.base)) }

// Deadline returns the instant at which something that lasts for d from the instant now, an Exact one, has certainly not
// lasted longer when Now shows it: a Tick is taken off. Very long durations saturate.
func Deadline(now int64, d time.Duration) int64 {
	at := now + int64(d-Tick)
	if d > 0 && at < 0 {
		return 1<<63 - 1
	}
	return at
}

// Stop ends the clock's goroutine and waits for it. Further calls do nothing.
func (c *Clock) Stop() {
	c.once.Do(func() { close(c.stop) })
	<-c.done
}

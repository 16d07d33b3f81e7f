package breaker

import "sync"

// changes tells an observer of each change of state: in order, one at a time,
// and with no lock held, so that the observer may use the breaker.
type changes struct {
	call func(from, to State) // nil: nobody observes

	mu    sync.Mutex
	queue []change
	busy  bool // somebody is delivering, and will deliver what is added meanwhile
}

type change struct{ from, to State }

// add is called under the breaker's lock, which gives the order.
func (c *changes) add(from, to State) {
	if c.call == nil {
		return
	}
	c.mu.Lock()
	c.queue = append(c.queue, change{from, to})
	c.mu.Unlock()
}

// deliver is called under no lock.
func (c *changes) deliver() {
	if c.call == nil {
		return
	}
	c.mu.Lock()
	busy := c.busy
	c.busy = true
	c.mu.Unlock()
	if !busy {
		c.drain()
	}
}

func (c *changes) drain() {
	drained := false
	defer func() {
		if !drained { // the observer ended this goroutine by runtime.Goexit
			c.drain()
		}
	}()
	for next, ok := c.next(); ok; next, ok = c.next() {
		c.tell(next)
	}
	drained = true
}

// next takes the oldest change, or stops being busy if there is none.
func (c *changes) next() (change, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		c.busy = false
		return change{}, false
	}
	oldest := c.queue[0]
	c.queue = c.queue[1:]
	return oldest, true
}

func (c *changes) tell(next change) {
	defer func() { _ = recover() }()
	c.call(next.from, next.to)
}

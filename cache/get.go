package cache

import (
	"context"

	"github.com/freshet-go/freshet/cache/internal/flight"
	"github.com/freshet-go/freshet/tiered"
)

// result is what a flight brings.
type result[V any] struct {
	value V
	how   answer // redisHit, loaded, negative or stale

	failure error // of a Refresh, where others may have the stale value
}

// Get returns the value of key: from memory, from Redis or by a load, shared with all who ask at the same time. It
// returns ErrNotFound where there is none, and the loader's error if the load failed and no older value may be served.
// No fault of Redis is an error of Get. It obeys ctx, and no other caller's.
func (c *Cached[K, V]) Get(ctx context.Context, key K) (V, error) {
	if c.closed.Load() {
		var none V
		return none, ErrClosed
	}
	hash := c.hash(key)
	reach := c.reach(ctx)
	if reach == tiered.ReachMemory {
		if value, err, ok := c.remembered(hash, key); ok {
			return value, err
		}
	}
	k, err := c.encode(key)
	if err != nil {
		c.stats.count(failed)
		var none V
		return none, err
	}
	ctx, seen := c.reads(ctx, OpRead, 1)
	t, f, leads := c.ticket(ctx, hash, key, k, reach)
	if leads {
		c.lead(ctx, t)
	}
	return c.arrive(ctx, f, leads, seen)
}

// remembered answers from memory, if that may: with a value, fresh or stale, or a cached absence.
func (c *Cached[K, V]) remembered(hash uint64, key K) (value V, err error, ok bool) { //nolint:revive // err is an answer
	c.sample(key)
	e, f := c.lookup(hash, key)
	if f < tiered.Stale {
		return value, nil, false
	}
	how := memoryHit
	switch {
	case e.Negative():
		c.stats.count(negative)
		return value, ErrNotFound, true
	case f == tiered.Stale:
		how = stale
		if e.due() {
			c.refresh(hash, key, e.until)
		}
	case c.options.TTL.RefreshEarly(c.store.Remaining(&e.Entry), e.Cost()) && e.due():
		c.refresh(hash, key, e.until)
	}
	if value, err = c.isolate(e.value); err != nil {
		return value, nil, false
	}
	c.stats.count(how)
	return value, nil, true
}

// lead takes the flights that a caller leads through Redis, on the caller's own goroutine. What then still needs a load,
// or has not ended when ctx does, flies on without it. A closed cache ends the flights at once.
func (c *Cached[K, V]) lead(ctx context.Context, ts ...*ticket[K, V]) {
	if !c.life.begin() {
		for _, t := range ts {
			c.finish(t, result[V]{}, ErrClosed)
		}
		return
	}
	left := ts
	defer func() {
		for _, t := range left { // a panic, or a Goexit, in the client or a codec
			c.finish(t, result[V]{}, ErrGoexit)
		}
		c.life.end()
	}()
	rest := c.seek(ctx, ts)
	if rest == nil {
		if left = c.settle(ts); len(left) == 0 {
			return
		}
	}
	flying := left
	c.life.work.Add(1)
	left = nil
	go func() {
		defer c.life.end()
		if rest != nil {
			rest()
			flying = c.settle(flying)
		}
		c.fly(flying)
	}()
}

// depart flies in the background.
func (c *Cached[K, V]) depart(t *ticket[K, V]) {
	if !c.life.begin() {
		c.finish(t, result[V]{}, ErrClosed)
		return
	}
	go func() {
		defer c.life.end()
		ts := []*ticket[K, V]{t}
		c.seek(context.Background(), ts)
		c.fly(c.settle(ts))
	}()
}

// arrive waits for a flight, and counts what it brought.
func (c *Cached[K, V]) arrive(ctx context.Context, f *flight.Flight[result[V]], leads bool, seen *reading) (V, error) {
	r, err := f.Wait(ctx)
	if err == nil && leads {
		err = r.failure
	}
	how := r.how
	switch {
	case err != nil && !saysAbsent(err):
		how = failed
	case !leads && (how == loaded || how == redisHit):
		how = joined
	}
	if err == nil {
		r.value, err = c.isolate(r.value)
	}
	if err != nil && !saysAbsent(err) {
		how = failed
	}
	c.stats.count(how)
	seen.answered(how, err)
	if err != nil {
		var none V
		return none, err
	}
	return r.value, nil
}

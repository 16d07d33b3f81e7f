package cache

import (
	"context"
	"math/rand/v2"

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
	t, leads := c.ticket(ctx, hash, key, k, reach)
	if leads {
		c.depart(t)
	}
	return c.arrive(ctx, t.flight, leads, seen)
}

// remembered answers from memory, if that may: with a value, fresh or stale, or a cached absence.
func (c *Cached[K, V]) remembered(hash uint64, key K) (value V, err error, ok bool) { //nolint:revive // err is an answer
	draw := rand.Uint32()
	if draw < sampleBelow {
		c.sample(key)
	}
	e, f := c.lookup(hash, key)
	if f < tiered.Stale {
		return value, nil, false
	}
	how := memoryHit
	switch {
	case e.Negative():
		c.stats.countIn(draw, negative)
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
	c.stats.countIn(draw, how)
	return value, nil, true
}

// depart starts the flights that a caller leads. A closed cache ends them at once.
func (c *Cached[K, V]) depart(ts ...*ticket[K, V]) {
	if !c.life.begin() {
		for _, t := range ts {
			c.finish(t, result[V]{}, ErrClosed)
		}
		return
	}
	go func() {
		defer c.life.end()
		c.fly(ts)
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

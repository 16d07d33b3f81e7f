package cache

import (
	"context"
	"fmt"

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
		if value, how := c.remembered(hash, key); how != none {
			if c.stats.count(how) {
				c.sample(key)
			}
			if value == nil {
				var absent V
				return absent, ErrNotFound
			}
			return *value, nil
		}
	}
	return c.fetch(ctx, hash, key, reach)
}

// fetch is the part of Get that memory could not answer.
func (c *Cached[K, V]) fetch(ctx context.Context, hash uint64, key K, reach tiered.Reach) (V, error) {
	k, err := c.encode(key)
	if err != nil {
		c.stats.count(failed)
		var none V
		return none, err
	}
	ctx, seen := c.reads(ctx, OpRead, 1)
	defer seen.done()
	own, landed := c.tickets(1), true
	f, leads := c.board(ctx, own, hash, key, k, reach)
	if leads {
		landed = c.lead(ctx, own.all)
	}
	value, how, err := c.arrive(ctx, f, leads)
	if c.stats.count(how) {
		c.sample(key)
	}
	seen.answered(f.Owner(), leads, how, err)
	if landed {
		c.recycle(own)
	}
	return value, err
}

// remembered answers from memory, if that may: with a value, fresh or stale, or with nil for a cached absence.
func (c *Cached[K, V]) remembered(hash uint64, key K) (value *V, how answer) {
	e, f := c.lookup(hash, key)
	if f < tiered.Stale {
		return nil, none
	}
	how = memoryHit
	switch {
	case e.Negative():
		return nil, negative
	case f == tiered.Stale:
		how = stale
		c.revalidate(hash, e)
	case c.early && c.options.TTL.RefreshEarly(c.store.Remaining(&e.Entry), e.Cost()):
		c.revalidate(hash, e)
	}
	if !c.options.Isolate {
		return &e.value, how
	}
	own, err := c.clone(e.value)
	if err != nil {
		return nil, none
	}
	return &own, how
}

// lead takes the flights that a caller leads through Redis, on the caller's own goroutine. What then still needs a load,
// or has not ended when ctx does, flies on without it; landed tells that nothing does. A closed cache ends the flights at
// once.
func (c *Cached[K, V]) lead(ctx context.Context, ts []ticket[K, V]) (landed bool) {
	if !c.life.begin() {
		for i := range ts {
			c.finish(&ts[i], result[V]{}, ErrClosed)
		}
		return true
	}
	defer c.life.end(1)
	c.safely(ts, func() {
		rest := c.seek(ctx, ts)
		if rest != nil {
			c.life.run(func() {
				c.safely(ts, func() {
					rest()
					c.fly(c.settle(ts))
				})
			})
			return
		}
		left := c.settle(ts)
		if len(left) > 0 {
			c.life.run(func() { c.safely(ts, func() { c.fly(left) }) })
		}
		landed = len(left) == 0
	})
	return landed
}

// depart flies in the background.
func (c *Cached[K, V]) depart(ts []ticket[K, V]) {
	if !c.life.begin() {
		c.finish(&ts[0], result[V]{}, ErrClosed)
		return
	}
	go func() {
		defer c.life.end(1)
		c.safely(ts, func() {
			c.seek(context.Background(), ts)
			c.fly(c.settle(ts))
		})
	}()
}

// safely calls f. After a panic or a Goexit, in a codec perhaps, the flights that have not ended end with an error.
func (c *Cached[K, V]) safely(ts []ticket[K, V], f func()) {
	returned := false
	defer func() {
		if returned {
			return
		}
		err := ErrGoexit
		if p := recover(); p != nil {
			err = fmt.Errorf("cache: read %q: panic: %v", c.options.Name, p)
		}
		for i := range ts {
			c.finish(&ts[i], result[V]{}, err)
		}
	}()
	f()
	returned = true
}

// arrive waits for a flight, and tells how it answers the caller.
func (c *Cached[K, V]) arrive(ctx context.Context, f *flight.Flight[result[V]], leads bool) (value V, how answer, err error) {
	r, err := f.Wait(ctx)
	if err == nil && leads {
		err = r.failure
	}
	if err == nil {
		value, err = c.isolate(r.value)
	}
	how = r.how
	switch {
	case err != nil && !saysAbsent(err):
		how = failed
	case !leads && (how == loaded || how == redisHit):
		how = joined
	}
	if err != nil {
		var none V
		return none, how, err
	}
	return value, how, nil
}

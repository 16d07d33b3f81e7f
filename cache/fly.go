package cache

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/freshet-go/freshet/internal/wall"
	"github.com/freshet-go/freshet/tiered"
)

const (
	// leaseFor is how long a lease lasts without a sign of life from its holder.
	leaseFor = 3 * time.Second
	// leaseBeat is how often the lease of a load under way is renewed.
	leaseBeat = time.Second
)

// seek reads what Redis has for ts. If ctx ends first, it returns what is left to be done.
func (c *Cached[K, V]) seek(ctx context.Context, ts []ticket[K, V]) (rest func()) {
	if len(ts) == 1 {
		return c.store.Seek(ctx, &ts[0].fetch)
	}
	fetches := make([]*tiered.Fetch, len(ts))
	for i := range ts {
		fetches[i] = &ts[i].fetch
	}
	return c.store.SeekAll(ctx, fetches)
}

// settle ends the flights of what was found in Redis, and returns the others.
func (c *Cached[K, V]) settle(ts []ticket[K, V]) (others []*ticket[K, V]) {
	var values []V // not in the tickets, which are used again: a value may point into itself
	for i := range ts {
		t := &ts[i]
		if t.fetch.Outcome == tiered.Found && values == nil {
			values = make([]V, len(ts))
		}
		switch {
		case t.fetch.Outcome == tiered.Found && c.found(t, &values[i]):
		case c.loads == nil:
			c.finish(t, result[V]{how: negative}, ErrNotFound)
		default:
			others = append(others, t)
		}
	}
	return others
}

// fly takes keys that Redis has nothing for through their leases, and through the loader. Each flight ends on its own;
// none waits for another.
func (c *Cached[K, V]) fly(ts []*ticket[K, V]) {
	var absent []*tiered.Fetch
	for _, t := range ts {
		switch {
		case t.corrupt:
			c.reject(t)
		case t.fetch.Outcome == tiered.Absent:
			absent = append(absent, &t.fetch)
		}
	}
	c.store.Lease(absent...)
	missing := make([]*ticket[K, V], 0, len(ts))
	for _, t := range ts {
		if len(absent) > 0 && absent[0] == &t.fetch {
			absent = absent[1:]
			if t.fetch.Outcome == tiered.Found && c.found(t, new(V)) { // another has filled it meanwhile
				continue
			}
			if t.corrupt {
				c.reject(t)
			}
		}
		t.detach()
		if t.fetch.Outcome == tiered.Busy {
			if t.purpose != reload {
				c.life.run(func() { c.await(t) })
				continue
			}
			c.store.Seize(&t.fetch)
		}
		missing = append(missing, t)
	}
	if len(missing) > 0 {
		c.loads.add(missing)
	}
}

// reject gives up what was found and cannot be decoded.
func (c *Cached[K, V]) reject(t *ticket[K, V]) {
	t.corrupt = false
	c.store.Reject(&t.fetch)
}

// await waits for another node's load of t's key; if that does not end in time, t loads for itself.
func (c *Cached[K, V]) await(t *ticket[K, V]) {
	c.stats.waits.Add(1)
	ctx, cancel := context.WithTimeout(t.ctx, c.options.LoadTimeout)
	c.store.Await(ctx, &t.fetch)
	cancel()
	switch {
	case t.ctx.Err() != nil: // nobody waits any more
		c.finish(t, result[V]{}, fmt.Errorf("cache: load %q: %w", c.options.Name, t.ctx.Err()))
		c.store.Abandon(&t.fetch)
	case t.fetch.Outcome != tiered.Found || !c.found(t, new(V)):
		if t.corrupt {
			c.reject(t)
		}
		c.loads.add([]*ticket[K, V]{t})
	}
}

// found ends t's flight with what was Found in Redis. It is false where that is not what the flight is for, or cannot
// be decoded; then t needs a load. value is where to decode it.
func (c *Cached[K, V]) found(t *ticket[K, V], value *V) bool {
	old := t.purpose == ahead && t.fetch.Until() <= t.until // nobody has refreshed it yet
	if t.purpose == reload || old && c.store.Claim(&t.fetch, c.options.LoadTimeout) {
		return false
	}
	if !t.fetch.Negative() {
		if err := c.store.Decode(&t.fetch, value); err != nil {
			t.corrupt = true
			return false
		}
	}
	life := t.fetch.Life()
	r := result[V]{value: *value, how: redisHit}
	var err error
	switch {
	case t.fetch.Negative():
		r.how, err = negative, ErrNotFound
	case life.Fresh <= 0:
		r.how = stale
	default:
		// Memory's share of what remains is jittered, too. Past it, Redis still knows better than memory.
		if h := c.options.TTL.Hydrate(life.Fresh); h < life.Fresh {
			life.Fresh, life.Stale = h, h
		}
	}
	if c.store.Keepable(&t.fetch) {
		e := c.keep(t.hash, t.key, r.value, t.fetch.Negative(), t.fetch.Stamp, span{life, t.fetch.Came(), t.fetch.Until(), t.fetch.Cost()})
		if old {
			e.Due() // another node is at it: not the next read, too
		}
	}
	c.finish(t, r, err)
	if r.how == stale && t.purpose == fetch {
		if e, _ := c.lookup(t.hash, t.key); e == nil {
			c.refresh(t.hash, t.key, t.fetch.Until())
		} else if _, due := e.Due(); due {
			c.refresh(t.hash, t.key, t.fetch.Until())
		}
	}
	return true
}

// land ends t's flight with what the loader returned, keeps it in memory, and returns what Redis is to have: callers
// have the result before Redis has. If that is nothing, the Fill has no Fetch.
func (c *Cached[K, V]) land(t *ticket[K, V], value V, err error, cost time.Duration) (fill tiered.Fill) {
	defer func() {
		if p := recover(); p != nil { // in the functions of the options
			c.finish(t, result[V]{}, &PanicError{p, debug.Stack()})
			fill = tiered.Fill{}
		}
	}()
	f, now := tiered.Fill{Fetch: &t.fetch, Value: &value, Cost: cost, Since: wall.Now()}, c.store.Instant()
	switch {
	case err == nil:
		f.Life = c.bounded(c.options.TTL.Lifetime(&value))
	case c.absent(err):
		f.Negative, f.Life = true, c.bounded(c.options.TTL.NegativeLifetime())
		if err != ErrNotFound { //nolint:errorlint // the sentinel itself needs nothing around it
			err = &absence{err}
		}
	default:
		c.stats.loadErrors.Add(1)
		c.fail(t, fmt.Errorf("cache: load %q: %w", c.options.Name, err))
		return tiered.Fill{}
	}
	if t.purpose == reload {
		c.store.Supersede(&t.fetch)
	}
	if c.store.Keepable(&t.fetch) {
		if own, bad := c.isolate(value); bad == nil {
			c.keep(t.hash, t.key, own, f.Negative, t.fetch.Stamp, span{f.Life, now, f.Until(), cost})
		}
	}
	if f.Life.IsZero() {
		t.fetch.Forsake()
		c.drop(t)
		c.finish(t, result[V]{value: value, how: loaded}, err)
		return tiered.Fill{}
	}
	if r := (result[V]{value: value, how: loaded}); t.fetch.MayFill() {
		c.end(t, r, err) // joined until Redis has it
	} else {
		c.finish(t, r, err)
	}
	return f
}

// fail ends t's flight after a failed load: with a value that may be served on errors, if there is one. Whoever asked
// for a new value by Refresh gets the error all the same.
func (c *Cached[K, V]) fail(t *ticket[K, V], err error) {
	r := result[V]{how: stale}
	if t.purpose == reload {
		r.failure = err
	}
	e, f := c.lookup(t.hash, t.key)
	switch {
	case t.later && t.purpose == reload:
		c.finish(t, result[V]{}, err)
	case !t.later && f != tiered.Dead && !e.Negative():
		r.value = e.value
		c.finish(t, r, nil)
	case c.store.Spare(&t.fetch) && c.store.Decode(&t.fetch, &r.value) == nil:
		c.finish(t, r, nil)
	default:
		c.finish(t, result[V]{}, err)
	}
}

// end gives the result to all who wait. The flight can still be joined until it is forgotten.
func (c *Cached[K, V]) end(t *ticket[K, V], r result[V], err error) {
	t.flight.Finish(r, err)
	t.release()
}

// finish ends a flight that nobody may join any more.
func (c *Cached[K, V]) finish(t *ticket[K, V], r result[V], err error) {
	c.flights.End(t.hash, t.key, &t.flight, r, err)
	t.release()
}

// revalidate refreshes e in the background, if that is due.
func (c *Cached[K, V]) revalidate(hash uint64, e *entry[K, V]) {
	if until, due := e.Due(); due {
		c.refresh(hash, e.key, until)
	}
}

// refresh replaces, in the background, the value whose freshness ends at until, unless somebody is at it.
func (c *Cached[K, V]) refresh(hash uint64, key K, until int64) {
	if c.loads == nil {
		return
	}
	k, err := c.encode(key)
	if err != nil {
		return
	}
	own := c.tickets(1)
	t := c.issue(c.life.ctx, own, hash, key, k, ahead)
	t.until = until
	if c.flights.Offer(hash, key, &t.flight) {
		c.depart(own.all)
	} else {
		c.recycle(own)
	}
}

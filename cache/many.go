package cache

import (
	"context"

	"github.com/freshet-go/freshet/cache/internal/flight"
	"github.com/freshet-go/freshet/tiered"
)

// GetMany returns the values of keys that exist; a key that is absent from the map was not found. It asks Redis once
// for all that memory lacks, and the loader once for all that Redis lacks; keys that others fetch or load just now are
// shared with them. If some keys fail, it returns the others and a *BatchError.
func (c *Cached[K, V]) GetMany(ctx context.Context, keys []K) (map[K]V, error) {
	if c.closed.Load() {
		return nil, ErrClosed
	}
	out := make(map[K]V, len(keys))
	failures := map[K]error{}
	take := func(key K, value V, err error) {
		switch {
		case err == nil:
			out[key] = value
		case !saysAbsent(err):
			failures[key] = err
		}
	}
	type passenger struct {
		hash    uint64
		key     K
		encoded string
		flight  *flight.Flight[result[V]]
		leads   bool
	}
	var waiting []passenger
	asked := make(map[K]struct{}, len(keys))
	reach := c.reach(ctx)
	for _, key := range keys {
		if _, again := asked[key]; again {
			continue
		}
		asked[key] = struct{}{}
		hash := c.hash(key)
		if reach == tiered.ReachMemory {
			if value, err, ok := c.remembered(hash, key); ok {
				take(key, value, err)
				continue
			}
		}
		k, err := c.encode(key)
		if err != nil {
			c.stats.count(failed)
			failures[key] = err
			continue
		}
		waiting = append(waiting, passenger{hash: hash, key: key, encoded: k})
	}
	ctx, seen := c.reads(ctx, OpRead, len(waiting))
	var led []*ticket[K, V]
	for i := range waiting { // from here on, nothing can fail that would leave flights behind
		p := &waiting[i]
		var t *ticket[K, V]
		if t, p.flight, p.leads = c.ticket(ctx, p.hash, p.key, p.encoded, reach); p.leads {
			led = append(led, t)
		}
	}
	// Own flights go before joined ones are waited for, or two calls that share keys would wait for each other.
	if len(led) > 0 {
		c.lead(ctx, led...)
	}
	for _, p := range waiting {
		value, err := c.arrive(ctx, p.flight, p.leads, seen)
		take(p.key, value, err)
	}
	if len(failures) > 0 {
		return out, &BatchError[K]{failures}
	}
	return out, nil
}

// Peek returns the value of key if it is fresh in memory or in Redis. It never loads, joins nothing, and is not
// counted.
func (c *Cached[K, V]) Peek(ctx context.Context, key K) (V, bool) {
	var none V
	if c.closed.Load() {
		return none, false
	}
	switch c.reach(ctx) {
	case tiered.ReachLoader:
		return none, false
	case tiered.ReachMemory:
		if e, f := c.lookup(c.hash(key), key); f == tiered.Fresh {
			value, err := c.isolate(e.value)
			return value, err == nil && !e.Negative()
		}
	}
	k, err := c.encode(key)
	if err != nil {
		return none, false
	}
	f := tiered.Fetch{Key: k, Codec: c.options.Codec, Stamp: c.store.Stamp(k)}
	c.store.Look(&f)
	var value V
	if f.Outcome != tiered.Found || f.Negative() || f.Life().Fresh <= 0 || c.store.Decode(&f, &value) != nil {
		return none, false
	}
	return value, true
}

// Refresh loads the value of key anew, whatever is cached, and returns it. The load begins after the call did. Readers
// go on with the old value until the new one is there.
func (c *Cached[K, V]) Refresh(ctx context.Context, key K) (V, error) {
	if c.closed.Load() || c.loads == nil {
		return c.Get(ctx, key)
	}
	hash := c.hash(key)
	k, err := c.encode(key)
	if err != nil {
		c.stats.count(failed)
		var none V
		return none, err
	}
	ctx, seen := c.reads(ctx, OpRefresh, 1)
	t := c.newTicket(ctx, hash, key, k, reload)
	c.flights.Lead(hash, key, &t.flight)
	c.depart(t)
	return c.arrive(ctx, &t.flight, true, seen)
}

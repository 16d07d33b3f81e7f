package cache

import (
	"context"
	"math/rand/v2"

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
	g := gathering[K, V]{found: make(map[K]V, len(keys))}
	defer c.stats.add(&g.tally)
	var waiting []passenger[K, V]
	reach, chance := c.reach(ctx), rand.Uint64()
	for i, key := range keys {
		if drawn(chance + uint64(i)) {
			c.sample(key)
		}
		var absent V
		hash := c.hash(key)
		if reach == tiered.ReachMemory {
			switch value, how := c.remembered(hash, key); {
			case value != nil:
				if !g.lacked(key) {
					g.take(key, *value, how, nil)
				}
				continue
			case how == negative:
				if !g.met(key) {
					g.take(key, absent, how, ErrNotFound)
				}
				continue
			}
		}
		if g.room = len(keys) - i; g.met(key) {
			continue
		}
		k, err := c.encode(key)
		if err != nil {
			g.take(key, absent, failed, err)
			continue
		}
		if waiting == nil {
			waiting = make([]passenger[K, V], 0, len(keys)-i)
		}
		waiting = append(waiting, passenger[K, V]{hash: hash, key: key, encoded: k})
	}
	if len(waiting) > 0 {
		c.fetchMany(ctx, &g, waiting, reach)
	}
	if len(g.failures) > 0 {
		return g.found, &BatchError[K]{g.failures}
	}
	return g.found, nil
}

// passenger is a key that somebody waits for.
type passenger[K comparable, V any] struct {
	hash    uint64
	key     K
	encoded string
	flight  *flight.Flight[result[V]]
	leads   bool
}

// fetchMany answers what memory could not.
func (c *Cached[K, V]) fetchMany(ctx context.Context, g *gathering[K, V], waiting []passenger[K, V], reach tiered.Reach) {
	ctx, seen := c.reads(ctx, OpRead, len(waiting))
	defer seen.done()
	own, landed := c.tickets(len(waiting)), true
	for i := range waiting { // from here on, nothing can fail that would leave flights behind
		p := &waiting[i]
		p.flight, p.leads = c.board(ctx, own, p.hash, p.key, p.encoded, reach)
	}
	// Own flights go before joined ones are waited for, or two calls that share keys would wait for each other.
	if len(own.all) > 0 {
		landed = c.lead(ctx, own.all)
	}
	for i := range waiting {
		p := &waiting[i]
		value, how, err := c.arrive(ctx, p.flight, p.leads)
		g.take(p.key, value, how, err)
		seen.answered(p.flight.Owner(), p.leads, how, err)
	}
	if landed {
		c.recycle(own)
	}
}

// gathering is the answers to a GetMany.
type gathering[K comparable, V any] struct {
	found    map[K]V
	failures map[K]error
	others   map[K]struct{} // that memory had no value of
	room     int            // for so many of them at first
	tally    [answers]uint64
}

// met tells whether key, of which memory has no value, was asked for before.
func (g *gathering[K, V]) met(key K) bool {
	if len(g.found) > 0 {
		if _, ok := g.found[key]; ok {
			return true
		}
	}
	n := len(g.others)
	if g.others == nil {
		g.others = make(map[K]struct{}, g.room)
	}
	g.others[key] = struct{}{}
	return len(g.others) == n
}

// lacked tells whether key was asked for before, when memory had no value of it: it has its answer, or gets it.
func (g *gathering[K, V]) lacked(key K) bool {
	_, ok := g.others[key]
	return ok
}

// take takes an answer, and counts it if it is the first.
func (g *gathering[K, V]) take(key K, value V, how answer, err error) {
	switch {
	case err == nil:
		n := len(g.found)
		if g.found[key] = value; len(g.found) == n {
			return
		}
	case !saysAbsent(err):
		if g.failures == nil {
			g.failures = map[K]error{}
		}
		g.failures[key] = err
	}
	g.tally[how]++
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
	own := c.tickets(1)
	t := c.issue(ctx, own, hash, key, k, reload)
	c.flights.Lead(hash, key, &t.flight)
	c.depart(own.all)
	value, how, err := c.arrive(ctx, &t.flight, true)
	c.stats.count(how)
	seen.answered(t, true, how, err)
	return value, err
}

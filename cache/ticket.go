package cache

import (
	"context"
	"sync/atomic"

	"github.com/freshet-go/freshet/cache/internal/flight"
	"github.com/freshet-go/freshet/tiered"
)

// ticket is one key on its flight, in the hands of whoever leads it.
type ticket[K comparable, V any] struct {
	cache   *Cached[K, V]
	hash    uint64
	key     K
	fetch   tiered.Fetch
	stamp   tiered.Stamp // that callers join under: the first
	began   int64        // when it was taken, by Store.Now
	flight  flight.Flight[result[V]]
	caller  context.Context // whose values a load gets; the cache's own for ahead
	ctx     context.Context // of a load, once there is one: no caller's end ends it
	cancel  context.CancelFunc
	purpose purpose
	corrupt bool  // what was found in Redis cannot be decoded
	later   bool  // memory may be older than what the caller must see
	first   bool  // of the keys that load is for, whose caller it is a child of
	until   int64 // for ahead: end of freshness of the value to replace, Unix milliseconds

	load atomic.Pointer[context.Context] // that the observer made for the load, once that has begun
}

// purpose is what a flight is for.
type purpose uint8

const (
	fetch  purpose = iota // the value, from wherever
	reload                // a value loaded from now on
	ahead                 // a newer value than the one at hand, in the background
)

// tickets are those of one caller. They stay where they are.
type tickets[K comparable, V any] struct{ all []ticket[K, V] }

// tickets returns room for n.
func (c *Cached[K, V]) tickets(n int) *tickets[K, V] {
	if own, ok := c.spare[min(n-1, 1)].Get().(*tickets[K, V]); ok && cap(own.all) >= n {
		return own
	}
	return &tickets[K, V]{make([]ticket[K, V], 0, n)}
}

// recycle takes tickets back whose flights the caller has ended itself, before any load: a read of Redis costs so little
// that the memory of its ticket counts. What somebody else has joined is his, too.
func (c *Cached[K, V]) recycle(own *tickets[K, V]) {
	for i := range own.all {
		if !own.all[i].flight.Alone() {
			return
		}
	}
	clear(own.all)
	own.all = own.all[:0]
	c.spare[min(cap(own.all)-1, 1)].Put(own)
}

// board joins a flight whose Stamp is still valid, or begins one under a Stamp taken now, before anything is read. Its
// ticket is the next of own. A read that must not look further than reach joins no flight: one that is under way may have
// begun too early.
func (c *Cached[K, V]) board(ctx context.Context, own *tickets[K, V], hash uint64, key K, encoded string, reach tiered.Reach) (f *flight.Flight[result[V]], leads bool) {
	if reach == tiered.ReachMemory {
		return c.flights.Join(hash, key, func() *flight.Flight[result[V]] {
			return &c.issue(ctx, own, hash, key, encoded, fetch).flight
		})
	}
	p := fetch
	if reach == tiered.ReachLoader {
		p = reload
	}
	t := c.issue(ctx, own, hash, key, encoded, p)
	t.later = true
	c.flights.Lead(hash, key, &t.flight)
	return &t.flight, true
}

// issue makes the next ticket of a caller, for which there must be room.
func (c *Cached[K, V]) issue(ctx context.Context, own *tickets[K, V], hash uint64, key K, encoded string, p purpose) *ticket[K, V] {
	n := len(own.all)
	own.all = own.all[:n+1]
	t := &own.all[n]
	t.cache, t.hash, t.key, t.caller, t.purpose = c, hash, key, ctx, p
	t.stamp, t.began = c.store.Stamp(encoded), c.store.Now()
	t.fetch.Key, t.fetch.Codec, t.fetch.Stamp, t.fetch.Lease = encoded, c.options.Codec, t.stamp, leaseFor
	t.flight.Init(t, nil, p == ahead)
	return t
}

// Valid tells whether a new caller may have what t's flight brings.
func (t *ticket[K, V]) Valid() bool {
	return t.cache.store.Joinable(t.stamp, t.fetch.Key, t.began)
}

// shared returns the context of the load that t's flight waits or waited for, unless there is none, or it is the
// caller's own.
func (t *ticket[K, V]) shared(leads bool) context.Context {
	if load := t.load.Load(); load != nil && !(leads && t.first) {
		return *load
	}
	return nil
}

// detach gives t's flight a context of its own: with the values of its first caller's, but not its end. It ends when
// nobody waits any more, or, in the background, when the cache is closed.
func (t *ticket[K, V]) detach() {
	if t.ctx != nil {
		return
	}
	from := t.caller
	if t.purpose != ahead {
		from = context.WithoutCancel(from)
	}
	t.ctx, t.cancel = context.WithCancel(from)
	t.flight.OnCancel(t.cancel)
}

// release frees the context of a flight that has ended.
func (t *ticket[K, V]) release() {
	if t.cancel != nil {
		t.cancel()
	}
}

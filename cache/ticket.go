package cache

import (
	"context"

	"github.com/freshet-go/freshet/cache/internal/flight"
	"github.com/freshet-go/freshet/tiered"
)

// ticket is one key on its flight, in the hands of whoever leads it.
type ticket[K comparable, V any] struct {
	cache   *Cached[K, V]
	hash    uint64
	key     K
	value   V // as found in Redis
	fetch   tiered.Fetch
	stamp   tiered.Stamp // that callers join under: the first
	flight  flight.Flight[result[V]]
	caller  context.Context // whose values a load gets; the cache's own for ahead
	ctx     context.Context // of a load, once there is one: no caller's end ends it
	cancel  context.CancelFunc
	purpose purpose
	corrupt bool  // what was found in Redis cannot be decoded
	later   bool  // memory may be older than what the caller must see
	until   int64 // for ahead: end of freshness of the value to replace, Unix milliseconds
}

// purpose is what a flight is for.
type purpose uint8

const (
	fetch  purpose = iota // the value, from wherever
	reload                // a value loaded from now on
	ahead                 // a newer value than the one at hand, in the background
)

// ticket joins a flight whose Stamp is still valid, or makes one under a Stamp taken now, before anything is read.
func (c *Cached[K, V]) ticket(ctx context.Context, hash uint64, key K, encoded string, reach tiered.Reach) (t *ticket[K, V], f *flight.Flight[result[V]], leads bool) {
	if reach < tiered.ReachMemory {
		t = c.later(ctx, hash, key, encoded, reach)
		return t, &t.flight, true
	}
	t = c.newTicket(ctx, hash, key, encoded, fetch)
	f, leads = c.flights.Join(hash, key, &t.flight)
	return t, f, leads
}

func (c *Cached[K, V]) newTicket(ctx context.Context, hash uint64, key K, encoded string, p purpose) *ticket[K, V] {
	t := &ticket[K, V]{
		cache:   c,
		hash:    hash,
		key:     key,
		fetch:   tiered.Fetch{Key: encoded, Codec: c.options.Codec, Stamp: c.store.Stamp(encoded), Lease: leaseFor},
		caller:  ctx,
		purpose: p,
	}
	t.stamp = t.fetch.Stamp
	t.flight.Init(t, nil, p == ahead)
	return t
}

// Valid tells whether a new caller may have what t's flight brings.
func (t *ticket[K, V]) Valid() bool { return t.cache.store.Valid(t.stamp, t.fetch.Key) }

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

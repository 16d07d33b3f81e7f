package cache

import (
	"context"

	"github.com/freshet-go/freshet/cache/internal/flight"
	"github.com/freshet-go/freshet/tiered"
)

// ticket is one key on its flight, in the hands of whoever leads it.
type ticket[K comparable, V any] struct {
	hash    uint64
	key     K
	fetch   tiered.Fetch
	flight  *flight.Flight[result[V]]
	ctx     context.Context // of the load: a caller's values, no caller's end
	cancel  context.CancelFunc
	purpose purpose
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
func (c *Cached[K, V]) ticket(ctx context.Context, hash uint64, key K, encoded string, reach tiered.Reach) (t *ticket[K, V], leads bool) {
	if reach < tiered.ReachMemory {
		return c.later(ctx, hash, key, encoded, reach), true
	}
	t = c.newTicket(context.WithoutCancel(ctx), hash, key, encoded, fetch)
	f, leads := c.flights.Join(hash, key, t.flight)
	if !leads {
		t.cancel()
		t.flight = f
	}
	return t, leads
}

func (c *Cached[K, V]) newTicket(ctx context.Context, hash uint64, key K, encoded string, p purpose) *ticket[K, V] {
	stamp := c.store.Stamp(encoded)
	ctx, cancel := context.WithCancel(ctx)
	return &ticket[K, V]{
		hash:    hash,
		key:     key,
		fetch:   tiered.Fetch{Key: encoded, Codec: c.options.Codec, Stamp: stamp, Lease: leaseFor},
		flight:  flight.New[result[V]](c.store.Joinable(stamp, encoded), cancel, p == ahead),
		ctx:     ctx,
		cancel:  cancel,
		purpose: p,
	}
}

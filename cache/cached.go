package cache

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/freshet-go/freshet/cache/internal/flight"
	"github.com/freshet-go/freshet/cache/internal/hot"
	"github.com/freshet-go/freshet/cache/internal/keys"
	"github.com/freshet-go/freshet/cache/internal/size"
	"github.com/freshet-go/freshet/tiered"
)

// Cached is a function, cached: its Get stands in for the function that New was given. All methods may be called
// concurrently.
type Cached[K comparable, V any] struct {
	options Options
	store   *tiered.Store
	private bool       // the store is this cache's own
	early   bool       // values are refreshed ahead of their expiry
	sampler KeySampler // of the Observer; nil: none
	hot     *hot.Sketch[K]
	seed    maphash.Seed
	keys    *keys.Encoder[K]
	size    size.Sizer[V]
	loads   *loads[K, V] // nil: a plain cache
	flights flight.Group[K, result[V]]
	spare   [2]sync.Pool // tickets to be used again: of one key, of many
	placing [64]sync.Mutex
	maxKey  int
	maxTTL  time.Duration
	stats   counters
	closed  atomic.Bool
	life    lifetime
}

// New caches load, which is called for one key at a time. A nil load makes a plain cache, filled by Set alone.
//
// load gets a context of its own: the values of one caller's context, and a deadline by LoadTimeout; it is cancelled
// when nobody waits any more. It must obey it. It may be called from any goroutine, for different keys at once. What it
// returns is shared by all callers and must not be changed afterwards, unless Options.Isolate is set.
func New[K comparable, V any](load func(context.Context, K) (V, error), o Options) (*Cached[K, V], error) {
	c, err := open[K, V](o)
	if err == nil && load != nil {
		c.loads = newLoads(c, one(load), false)
	}
	return c, err
}

// NewBatch caches load, which is called for many keys at once: those that a GetMany lacks, and those that concurrent
// Gets lack at the same time. Keys that are missing from its map do not exist. It may return a *BatchError for some keys
// beside a map for the others; any other error, a wrapped *BatchError too, is that of all its keys. For the rest it is like New.
func NewBatch[K comparable, V any](load func(context.Context, []K) (map[K]V, error), o Options) (*Cached[K, V], error) {
	c, err := open[K, V](o)
	if err == nil && load != nil {
		c.loads = newLoads(c, load, true)
	}
	return c, err
}

// Must panics if err is not nil, for caches that are package variables.
func Must[K comparable, V any](c *Cached[K, V], err error) *Cached[K, V] {
	if err != nil {
		panic(err)
	}
	return c
}

func open[K comparable, V any](o Options) (*Cached[K, V], error) {
	o, err := o.withDefaults(reflect.TypeFor[V]())
	encoder, keyErr := keys.For[K](o.Name)
	if err := errors.Join(err, keyErr); err != nil {
		return nil, err
	}
	c := &Cached[K, V]{
		options: o,
		store:   o.Store,
		seed:    maphash.MakeSeed(),
		keys:    encoder,
		size:    size.For[V](),
		early:   o.TTL.RefreshEarly(0, 0),
	}
	if c.store == nil {
		if c.store, err = tiered.Open(tiered.Options{}); err != nil {
			return nil, fmt.Errorf("cache: private store: %w", err)
		}
		c.private = true
	}
	limits := c.store.Options()
	c.maxKey, c.maxTTL = limits.MaxKeyBytes, limits.MaxTTL
	c.sampler, _ = o.Observer.(KeySampler)
	c.stats.init()
	c.life.open()
	if err := c.store.Register(o.Name, c); err != nil {
		if c.private {
			_ = c.store.Close()
		}
		return nil, fmt.Errorf("cache: Options.Name: %w", err)
	}
	c.track()
	return c, nil
}

// Close ends the cache: it waits for what is under way, and drops what nobody waits for. Later calls of other methods
// return ErrClosed. A private store is closed, too. The second Close does nothing.
func (c *Cached[K, V]) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	c.life.close()
	c.store.Unregister(c.options.Name)
	if c.private {
		return c.store.Close()
	}
	return nil
}

// Stats returns a snapshot of the cache's counters.
func (c *Cached[K, V]) Stats() Stats { return c.stats.snapshot() }

// Name returns the cache's name.
func (c *Cached[K, V]) Name() string { return c.options.Name }

// encode returns the key as the Store knows it.
func (c *Cached[K, V]) encode(key K) (string, error) {
	k, err := c.keys.Encode(key)
	if err != nil {
		return "", err
	}
	if len(k) > c.maxKey {
		return "", fmt.Errorf("cache: key of %d bytes, the limit is %d: %w", len(k), c.maxKey, tiered.ErrTooLarge)
	}
	return k, nil
}

// encodeAll returns the keys that can be encoded; the others cannot have been cached.
func (c *Cached[K, V]) encodeAll(ks []K) ([]string, error) {
	if c.closed.Load() {
		return nil, ErrClosed
	}
	all := make([]string, 0, len(ks))
	var faults []error
	for _, key := range ks {
		k, err := c.encode(key)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		all = append(all, k)
	}
	return all, errors.Join(faults...)
}

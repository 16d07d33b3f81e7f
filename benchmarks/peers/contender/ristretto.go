package contender

import (
	"context"
	"fmt"
	"time"

	"github.com/dgraph-io/ristretto/v2"
)

// ristrettoCache is ristretto with the few lines around it that every program writes.
type ristrettoCache[K Key, V any] struct {
	load  Load[K, V]
	ttl   time.Duration
	cache *ristretto.Cache[K, V]
}

func openRistretto[K Key, V any](_ context.Context, s Setup[K, V]) (Cache[K, V], error) {
	c, err := ristretto.NewCache(&ristretto.Config[K, V]{
		NumCounters: 10 * int64(s.Entries), MaxCost: int64(s.Entries), BufferItems: 64, IgnoreInternalCost: true,
	})
	if err != nil {
		return nil, fmt.Errorf("contender: ristretto: %w", err)
	}
	return &ristrettoCache[K, V]{s.Load, s.TTL, c}, nil
}

func (c *ristrettoCache[K, V]) Get(ctx context.Context, key K) (V, error) {
	if value, ok := c.cache.Get(key); ok {
		return value, nil
	}
	value, err := c.load(ctx, key)
	if err == nil {
		c.cache.SetWithTTL(key, value, 1, c.ttl)
	}
	return value, err
}

func (c *ristrettoCache[K, V]) Invalidate(_ context.Context, key K) error {
	c.cache.Del(key)
	return nil
}

func (c *ristrettoCache[K, V]) Close() { c.cache.Close() }

// Settle waits until what was set has been taken in, or dropped.
func (c *ristrettoCache[K, V]) Settle() { c.cache.Wait() }

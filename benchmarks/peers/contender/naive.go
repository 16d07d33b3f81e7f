package contender

import (
	"context"

	"golang.org/x/sync/singleflight"
)

// naive is cache-aside behind a singleflight, as programs do after their first stampede.
type naive[K Key, V any] struct {
	Cache[K, V]

	flights singleflight.Group
}

func openNaive[K Key, V any](ctx context.Context, s Setup[K, V]) (Cache[K, V], error) {
	aside, err := openGoRedis(ctx, s)
	if err != nil {
		return nil, err
	}
	return &naive[K, V]{Cache: aside}, nil
}

func (c *naive[K, V]) Get(ctx context.Context, key K) (V, error) {
	value, err, _ := c.flights.Do(text(key), func() (any, error) { return c.Cache.Get(ctx, key) })
	if err != nil {
		var none V
		return none, err
	}
	return value.(V), nil
}

package contender

import (
	"context"
	"errors"
	"fmt"

	"github.com/maypok86/otter/v2"
)

// Otter is otter's loading cache. It has no second tier.
type Otter[K Key, V any] struct {
	*otter.Cache[K, V]

	loader otter.Loader[K, V]
}

func openOtter[K Key, V any](_ context.Context, s Setup[K, V]) (Cache[K, V], error) {
	o := otter.Options[K, V]{MaximumSize: s.Entries}
	if s.TTL > 0 {
		o.ExpiryCalculator = otter.ExpiryWriting[K, V](s.TTL)
	}
	c, err := otter.New(&o)
	if err != nil {
		return nil, fmt.Errorf("contender: otter: %w", err)
	}
	return &Otter[K, V]{c, otter.LoaderFunc[K, V](func(ctx context.Context, key K) (V, error) {
		value, err := s.Load(ctx, key)
		if errors.Is(err, ErrNotFound) {
			err = otter.ErrNotFound
		}
		return value, err
	})}, nil
}

// Get loads what is missing.
func (c *Otter[K, V]) Get(ctx context.Context, key K) (V, error) {
	value, err := c.Cache.Get(ctx, key, c.loader)
	if err != nil && errors.Is(err, otter.ErrNotFound) {
		err = ErrNotFound
	}
	return value, err
}

// Invalidate removes the entry, and keeps a load under way from adding it.
func (c *Otter[K, V]) Invalidate(_ context.Context, key K) error {
	c.Cache.Invalidate(key)
	return nil
}

// Close ends the goroutines.
func (c *Otter[K, V]) Close() { c.StopAllGoroutines() }

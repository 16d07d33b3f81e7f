package contender

import (
	"context"
	"fmt"

	"github.com/Yiling-J/theine-go"
)

// theineCache is theine's loading cache.
type theineCache[K Key, V any] struct{ *theine.LoadingCache[K, V] }

func openTheine[K Key, V any](_ context.Context, s Setup[K, V]) (Cache[K, V], error) {
	c, err := theine.NewBuilder[K, V](int64(s.Entries)).BuildWithLoader(func(ctx context.Context, key K) (theine.Loaded[V], error) {
		value, err := s.Load(ctx, key)
		return theine.Loaded[V]{Value: value, Cost: 1, TTL: s.TTL}, err
	})
	if err != nil {
		return nil, fmt.Errorf("contender: theine: %w", err)
	}
	return theineCache[K, V]{c}, nil
}

func (c theineCache[K, V]) Invalidate(_ context.Context, key K) error {
	c.Delete(key)
	return nil
}

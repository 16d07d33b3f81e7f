package contender

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// goRedis is cache-aside in ten lines, as most programs begin: GET, or load and SET.
type goRedis[K Key, V any] struct {
	Setup[K, V]

	wire  wire[V]
	redis *redis.Client
}

func openGoRedis[K Key, V any](_ context.Context, s Setup[K, V]) (Cache[K, V], error) {
	w, err := newWire[V]()
	if err != nil {
		return nil, err
	}
	return &goRedis[K, V]{s, w, dial(s.Redis)}, nil
}

func (c *goRedis[K, V]) Get(ctx context.Context, key K) (V, error) {
	data, err := c.redis.Get(ctx, text(key)).Bytes()
	if err == nil {
		return c.wire.decode(data)
	}
	value, loadErr := c.Load(ctx, key)
	if loadErr != nil {
		return value, loadErr
	}
	if errors.Is(err, redis.Nil) {
		if data, err = c.wire.encode(value); err == nil {
			_ = c.redis.Set(ctx, text(key), data, c.TTL).Err() // the value is there all the same
		}
	}
	return value, nil
}

func (c *goRedis[K, V]) Invalidate(ctx context.Context, key K) error {
	return c.redis.Del(ctx, text(key)).Err()
}

func (c *goRedis[K, V]) Close() { _ = c.redis.Close() }

package contender

import (
	"cmp"
	"context"
	"time"

	rediscache "github.com/go-redis/cache/v9"
	"github.com/redis/go-redis/v9"
)

// goRedisCache is github.com/go-redis/cache with its own codec, and a TinyLFU in front where there is room.
type goRedisCache[K Key, V any] struct {
	Setup[K, V]

	cache *rediscache.Cache
	redis *redis.Client
}

func openGoRedisCache[K Key, V any](_ context.Context, s Setup[K, V]) (Cache[K, V], error) { //nolint:unparam // as all of them
	c := &goRedisCache[K, V]{Setup: s}
	o := rediscache.Options{}
	if s.Redis != "" {
		c.redis = dial(s.Redis)
		o.Redis = c.redis
	}
	if s.Entries > 0 {
		o.LocalCache = rediscache.NewTinyLFU(s.Entries, cmp.Or(s.TTL, 24*time.Hour))
	}
	c.cache = rediscache.New(&o)
	return c, nil
}

func (c *goRedisCache[K, V]) Get(ctx context.Context, key K) (value V, err error) {
	err = c.cache.Once(&rediscache.Item{
		Ctx: ctx, Key: text(key), Value: &value, TTL: c.TTL,
		Do: func(*rediscache.Item) (any, error) { return c.Load(ctx, key) },
	})
	return value, err
}

func (c *goRedisCache[K, V]) Invalidate(ctx context.Context, key K) error {
	return c.cache.Delete(ctx, text(key))
}

func (c *goRedisCache[K, V]) Close() {
	if c.redis != nil {
		_ = c.redis.Close()
	}
}

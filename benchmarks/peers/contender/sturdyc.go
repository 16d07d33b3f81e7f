package contender

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/viccon/sturdyc"
)

const sturdycShards = 64

// sturdycCache is sturdyc, with Redis as its distributed storage where there is one. It always has memory.
type sturdycCache[K Key, V any] struct {
	Setup[K, V]

	client *sturdyc.Client[V]
	redis  *redis.Client
}

func openSturdyc[K Key, V any](_ context.Context, s Setup[K, V]) (Cache[K, V], error) { //nolint:unparam // as all of them
	c := &sturdycCache[K, V]{Setup: s}
	o := []sturdyc.Option{sturdyc.WithMissingRecordStorage(), sturdyc.WithNoContinuousEvictions()} // the latter run for ever
	lifetime := cmp.Or(s.TTL, 24*time.Hour)
	if s.Redis != "" {
		c.redis = dial(s.Redis)
		o = append(o, sturdyc.WithDistributedStorage(redisStorage{c.redis, lifetime}))
	}
	c.client = sturdyc.New[V](max(s.Entries, sturdycShards), sturdycShards, lifetime, 10, o...)
	return c, nil
}

func (c *sturdycCache[K, V]) Get(ctx context.Context, key K) (V, error) {
	value, err := c.client.GetOrFetch(ctx, text(key), func(ctx context.Context) (V, error) {
		value, err := c.Load(ctx, key)
		if errors.Is(err, ErrNotFound) {
			err = sturdyc.ErrNotFound
		}
		return value, err
	})
	if err != nil && (errors.Is(err, sturdyc.ErrMissingRecord) || errors.Is(err, sturdyc.ErrNotFound)) {
		err = ErrNotFound
	}
	return value, err
}

// Invalidate is all that sturdyc has: it leaves the second tier alone.
func (c *sturdycCache[K, V]) Invalidate(_ context.Context, key K) error {
	c.client.Delete(text(key))
	return nil
}

func (c *sturdycCache[K, V]) Close() {
	if c.redis != nil {
		_ = c.redis.Close()
	}
}

// redisStorage is what sturdyc asks its users to write.
type redisStorage struct {
	redis *redis.Client
	ttl   time.Duration
}

func (s redisStorage) Get(ctx context.Context, key string) ([]byte, bool) {
	data, err := s.redis.Get(ctx, key).Bytes()
	return data, err == nil
}

func (s redisStorage) Set(ctx context.Context, key string, value []byte) {
	_ = s.redis.Set(ctx, key, value, s.ttl).Err() // there is nobody to tell
}

func (s redisStorage) GetBatch(ctx context.Context, keys []string) map[string][]byte {
	found := make(map[string][]byte, len(keys))
	values, _ := s.redis.MGet(ctx, keys...).Result() // none after an error
	for i, value := range values {
		if data, ok := value.(string); ok {
			found[keys[i]] = []byte(data)
		}
	}
	return found
}

func (s redisStorage) SetBatch(ctx context.Context, records map[string][]byte) {
	_, _ = s.redis.Pipelined(ctx, func(p redis.Pipeliner) error { // there is nobody to tell
		for key, value := range records {
			p.Set(ctx, key, value, s.ttl)
		}
		return nil
	})
}

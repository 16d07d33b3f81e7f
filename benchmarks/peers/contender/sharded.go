package contender

import (
	"context"
	"hash/maphash"
	"sync"
)

const shards = 256

// sharded is the floor: a map under a lock, in shards. It forgets nothing and bounds nothing, and has no time to live.
type sharded[K Key, V any] struct {
	load   Load[K, V]
	seed   maphash.Seed
	shards [shards]shard[K, V]
}

type shard[K Key, V any] struct {
	mu     sync.RWMutex
	values map[K]V
}

func openMap[K Key, V any](_ context.Context, s Setup[K, V]) (Cache[K, V], error) { //nolint:unparam // as all of them
	c := &sharded[K, V]{load: s.Load, seed: maphash.MakeSeed()}
	for i := range c.shards {
		c.shards[i].values = make(map[K]V, s.Entries/shards)
	}
	return c, nil
}

func (c *sharded[K, V]) shard(key K) *shard[K, V] {
	return &c.shards[maphash.Comparable(c.seed, key)%shards]
}

func (c *sharded[K, V]) Get(ctx context.Context, key K) (V, error) {
	s := c.shard(key)
	s.mu.RLock()
	value, ok := s.values[key]
	s.mu.RUnlock()
	if ok {
		return value, nil
	}
	value, err := c.load(ctx, key)
	if err == nil {
		s.mu.Lock()
		s.values[key] = value
		s.mu.Unlock()
	}
	return value, err
}

func (c *sharded[K, V]) Invalidate(_ context.Context, key K) error {
	s := c.shard(key)
	s.mu.Lock()
	delete(s.values, key)
	s.mu.Unlock()
	return nil
}

func (*sharded[K, V]) Close() {}

package contender

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/redis/rueidis"
)

// rueidisCache is cache-aside with rueidis, which pipelines what is asked at the same time. With client-side caching it
// keeps in memory what it read, and Redis tells it when that changes.
type rueidisCache[K Key, V any] struct {
	Setup[K, V]

	wire   wire[V]
	client rueidis.Client
	csc    bool
}

func openRueidis[K Key, V any](ctx context.Context, s Setup[K, V]) (Cache[K, V], error) {
	return dialRueidis(ctx, s, false)
}

func openRueidisCSC[K Key, V any](ctx context.Context, s Setup[K, V]) (Cache[K, V], error) {
	return dialRueidis(ctx, s, true)
}

func dialRueidis[K Key, V any](_ context.Context, s Setup[K, V], csc bool) (Cache[K, V], error) {
	w, err := newWire[V]()
	if err != nil {
		return nil, err
	}
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{s.Redis}, DisableCache: !csc})
	if err != nil {
		return nil, fmt.Errorf("contender: rueidis: %w", err)
	}
	return &rueidisCache[K, V]{s, w, client, csc}, nil
}

func (c *rueidisCache[K, V]) Get(ctx context.Context, key K) (V, error) {
	k := text(key)
	get := c.client.B().Get().Key(k)
	var reply rueidis.RedisResult
	if c.csc {
		reply = c.client.DoCache(ctx, get.Cache(), cmp.Or(c.TTL, 24*time.Hour))
	} else {
		reply = c.client.Do(ctx, get.Build())
	}
	data, err := reply.AsBytes()
	if err == nil {
		return c.wire.decode(data)
	}
	value, loadErr := c.Load(ctx, key)
	if loadErr != nil {
		return value, loadErr
	}
	if rueidis.IsRedisNil(err) {
		if data, err = c.wire.encode(value); err == nil {
			set := c.client.B().Set().Key(k).Value(rueidis.BinaryString(data)).Px(cmp.Or(c.TTL, 24*time.Hour)).Build()
			_ = c.client.Do(ctx, set).Error() // the value is there all the same
		}
	}
	return value, nil
}

func (c *rueidisCache[K, V]) Invalidate(ctx context.Context, key K) error {
	return c.client.Do(ctx, c.client.B().Del().Key(text(key)).Build()).Error()
}

func (c *rueidisCache[K, V]) Close() { c.client.Close() }

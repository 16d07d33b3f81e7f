package contender

import (
	"context"
	"errors"
	"time"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
	"github.com/redis/go-redis/v9"
)

// entryBytes is more than an entry of the scenarios takes in memory.
const entryBytes = 1 << 10

// Freshet is this library, with what it holds in reach of the scenarios.
type Freshet[K Key, V any] struct {
	*cache.Cached[K, V]

	Store *tiered.Store
	Redis redis.UniversalClient // nil: memory only
}

func openFreshetRistretto[K Key, V any](_ context.Context, s Setup[K, V]) (Cache[K, V], error) {
	return OpenFreshet(s, tiered.Options{Engine: tiered.Ristretto})
}

func openFreshetOtter[K Key, V any](_ context.Context, s Setup[K, V]) (Cache[K, V], error) {
	return OpenFreshet(s, tiered.Options{Engine: tiered.Otter})
}

// OpenFreshet opens a Store of its own with the options o, and one cache in it.
func OpenFreshet[K Key, V any](s Setup[K, V], o tiered.Options) (*Freshet[K, V], error) {
	f := &Freshet[K, V]{}
	if s.Entries == 0 {
		o.Engine = tiered.NoMemory
	}
	if o.MemoryBytes == 0 {
		o.MemoryBytes = min(max(int64(s.Entries)*entryBytes, 16<<20), 8<<30)
	}
	if s.Redis != "" {
		client, err := tiered.Dial("redis://" + s.Redis)
		if err != nil {
			return nil, err
		}
		o.Redis, f.Redis, o.Budget = client, client, s.Budget
	}
	var err error
	if f.Store, err = tiered.Open(o); err != nil {
		f.Close()
		return nil, err
	}
	if err := f.link(); err != nil {
		f.Close()
		return nil, err
	}
	options := cache.Options{
		Store: f.Store, Name: "rows",
		NotFound: func(err error) bool { return errors.Is(err, ErrNotFound) },
	}
	if s.TTL > 0 {
		options.TTL = ttl.Fixed(s.TTL)
	}
	if f.Cached, err = cache.New(s.Load, options); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Get says of an absence what the other contenders say.
func (f *Freshet[K, V]) Get(ctx context.Context, key K) (V, error) {
	value, err := f.Cached.Get(ctx, key)
	if err != nil && errors.Is(err, cache.ErrNotFound) {
		err = ErrNotFound
	}
	return value, err
}

// link waits for the link to the other nodes: without it, memory is not trusted.
func (f *Freshet[K, V]) link() error {
	for end := time.Now().Add(patience); f.Redis != nil && !f.Store.Stats().LinkUp; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			return errors.New("contender: the link does not come up")
		}
	}
	return nil
}

// Invalidate has one key, for the interface.
func (f *Freshet[K, V]) Invalidate(ctx context.Context, key K) error {
	return f.Cached.Invalidate(ctx, key)
}

// Close closes the Store, its cache with it, and the client.
func (f *Freshet[K, V]) Close() {
	if f.Store != nil {
		_ = f.Store.Close()
	}
	if f.Redis != nil {
		_ = f.Redis.Close()
	}
}

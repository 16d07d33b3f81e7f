package service

import (
	"context"
	"errors"
	"time"

	"github.com/freshet-go/freshet/breaker"
	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/examples/social/internal/audit"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
)

// function is a cached function under audit: whoever reads or writes is noted, so that each load can be explained.
type function[K comparable, V any] struct {
	cached *cache.Cached[K, V]
	book   *audit.Book[K]
}

func newBook[K comparable](store *tiered.Store, name string, pick func(K) uint64) *audit.Book[K] {
	o := store.Options()
	life := lives[name]
	return audit.New(audit.Options{
		Name: name, TTL: life, Jitter: jitter, Absence: min(life, ttl.DefaultNegative), Budget: o.Budget,
		Lease: orphaned,
		Faults: func() (uint64, bool) {
			s := store.Stats()
			return s.RedisErrors + s.FillsDropped + s.LinkOutages, s.Fallback || !s.LinkUp || s.Breaker != breaker.Closed
		},
	}, pick)
}

// home is where functions are cached, and who watches them.
type home struct {
	store    *tiered.Store
	observer cache.Observer
}

// many caches a query for many keys.
func many[K comparable, V any](h home, name string, pick func(K) uint64, load func(context.Context, []K) (map[K]V, error)) (*function[K, V], error) {
	book := newBook(h.store, name, pick)
	cached, err := cache.NewBatch(func(ctx context.Context, keys []K) (map[K]V, error) {
		book.Loading(ctx, keys...)
		values, err := load(ctx, keys)
		book.Landed(keys, func(k K) bool { _, ok := values[k]; return ok }, err)
		return values, err
	}, cache.Options{Store: h.store, Observer: h.observer, Name: name, LoadTimeout: loadTimeout})
	return &function[K, V]{cached, book}, err
}

// single caches a query for one key. notFound tells which of its errors means that there is nothing.
func single[K comparable, V any](h home, name string, pick func(K) uint64, load func(context.Context, K) (V, error), notFound error) (*function[K, V], error) {
	book := newBook(h.store, name, pick)
	absent := func(err error) bool { return notFound != nil && errors.Is(err, notFound) }
	cached, err := cache.New(func(ctx context.Context, key K) (V, error) {
		book.Loading(ctx, key)
		value, err := load(ctx, key)
		failure := err
		if absent(err) {
			failure = nil
		}
		book.Landed([]K{key}, func(K) bool { return err == nil }, failure)
		return value, err
	}, cache.Options{Store: h.store, Observer: h.observer, Name: name, LoadTimeout: loadTimeout, NotFound: absent})
	return &function[K, V]{cached, book}, err
}

const (
	loadTimeout = 15 * time.Second
	orphaned    = 5 * time.Second // longer than a lease lasts that Redis granted, but nobody heard of
)

// get is Get under audit, with the service's own ErrNotFound.
func (f *function[K, V]) get(ctx context.Context, key K) (V, error) {
	ctx, done := f.book.Reading(ctx, key)
	defer done()
	v, err := f.cached.Get(ctx, key)
	if errors.Is(err, cache.ErrNotFound) {
		err = ErrNotFound
	}
	return v, err
}

func (f *function[K, V]) getMany(ctx context.Context, keys []K) (map[K]V, error) {
	ctx, done := f.book.Reading(ctx, keys...)
	defer done()
	return f.cached.GetMany(ctx, keys)
}

// mutate is Mutate under audit. That Redis hears of the write only later is no fault of the write: on this node the old
// value is gone all the same.
func (f *function[K, V]) mutate(ctx context.Context, key K, write func(context.Context) error) error {
	defer f.book.Writing(key)()
	written := false
	err := f.cached.Mutate(ctx, key, func(ctx context.Context) error {
		err := write(ctx)
		written = err == nil
		return err
	})
	if written && errors.Is(err, tiered.ErrDeferred) {
		return nil
	}
	return err
}

// invalidate is Invalidate under audit.
func (f *function[K, V]) invalidate(ctx context.Context, key K) error {
	defer f.book.Writing(key)()
	if err := f.cached.Invalidate(ctx, key); !errors.Is(err, tiered.ErrDeferred) {
		return err
	}
	return nil
}

// counted is a function's part of Stats.
func (f *function[K, V]) counted() Counted {
	loads, strange := f.book.Count()
	return Counted{f.cached.Name(), f.cached.Stats(), loads, strange}
}

package contender

import (
	"context"
	"errors"
	"strconv"
	"time"
)

// ErrNotFound is what a Load returns, and a Get then too, if there is no value.
var ErrNotFound = errors.New("contender: not found")

// Key is what keys can be. Libraries that know strings only get the digits of an int, as they would from their users.
type Key interface{ string | int }

// Cache is a function, cached. All methods may be called concurrently.
type Cache[K Key, V any] interface {
	// Get returns the cached value, or what the load returns.
	Get(ctx context.Context, key K) (V, error)
	// Invalidate makes the next Get load.
	Invalidate(ctx context.Context, key K) error
	// Close ends the goroutines and the connections that the cache began.
	Close()
}

// Load is the function that is cached.
type Load[K Key, V any] func(ctx context.Context, key K) (V, error)

// Setup is what a contender is opened with.
type Setup[K Key, V any] struct {
	Load Load[K, V]
	// Redis is the address of the second tier. "": none.
	Redis string
	// Entries is how many entries memory has room for, generously. 0: memory keeps nothing, every read goes to Redis.
	Entries int
	// TTL is how long entries live. 0: for ever, in memory only.
	TTL time.Duration
	// Budget is how long one that can do without Redis waits for it. 0: what it does by itself.
	Budget time.Duration
}

// Tiers says where a contender can keep values.
type Tiers int

// A contender of Both can also be opened with one of the two.
const (
	Memory Tiers = 1 << iota
	Redis
	Both = Memory | Redis
)

// Contender is a way to cache.
type Contender[K Key, V any] struct {
	Name  string
	Tiers Tiers
	Open  func(context.Context, Setup[K, V]) (Cache[K, V], error)
}

// All returns the contenders, the floor last.
func All[K Key, V any]() []Contender[K, V] {
	return []Contender[K, V]{
		{"freshet-ristretto", Both, openFreshetRistretto[K, V]},
		{"freshet-otter", Both, openFreshetOtter[K, V]},
		{"go-redis-cache", Both, openGoRedisCache[K, V]},
		{"sturdyc", Both, openSturdyc[K, V]},
		{"rueidis", Redis, openRueidis[K, V]},
		{"rueidis-csc", Both, openRueidisCSC[K, V]},
		{"ristretto", Memory, openRistretto[K, V]},
		{"otter", Memory, openOtter[K, V]},
		{"theine", Memory, openTheine[K, V]},
		{"go-redis", Redis, openGoRedis[K, V]},
		{"naive", Redis, openNaive[K, V]},
		{"map", Memory, openMap[K, V]},
	}
}

// Named returns a contender by name. It panics if there is none: names are constants of the scenarios.
func Named[K Key, V any](name string) Contender[K, V] {
	for _, c := range All[K, V]() {
		if c.Name == name {
			return c
		}
	}
	panic("contender: no contender is called " + name)
}

// text is a key for libraries that know strings only.
func text[K Key](key K) string {
	switch k := any(key).(type) {
	case string:
		return k
	case int:
		return strconv.Itoa(k)
	}
	panic("contender: unreachable: Key has two types")
}

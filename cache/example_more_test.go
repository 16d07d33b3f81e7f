package cache_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/freshet-go/freshet/breaker"
	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
)

// Read your own writes on another node: the token travels with the user, in a cookie for example.
func ExampleWithToken() {
	ctx := context.Background()
	redis, err := miniredis.Run() // a small Redis inside this process
	if err != nil {
		fmt.Println(err)
		return
	}
	defer redis.Close()
	repo := repository{42: "Ada"}
	open := func() (*tiered.Store, *cache.Cached[int, user]) { // one process of an application
		rdb, _ := tiered.Dial("redis://" + redis.Addr())
		store, _ := tiered.Open(tiered.Options{Redis: rdb, Budget: time.Second}) // this Redis is slow
		return store, cache.Must(cache.New(repo.UserByID, cache.Options{Store: store, Name: "users"}))
	}
	here, users := open()
	there, others := open()
	defer here.Close()
	defer there.Close()

	_, _ = others.Get(ctx, 42)
	err = users.Mutate(ctx, 42, func(context.Context) error { repo[42] = "Ada Lovelace"; return nil })
	cookie := here.Token().String()
	fmt.Println(err)

	var token tiered.Token
	err = token.UnmarshalText([]byte(cookie))
	u, _ := others.Get(cache.WithToken(ctx, token), 42)
	fmt.Println(u.Name, err)
	// Output:
	// load 42
	// <nil>
	// load 42
	// Ada Lovelace <nil>
}

// Fetch what will be asked for, before it is.
func ExampleCached_Warm() {
	ctx := context.Background()
	repo := repository{1: "Ada", 2: "Grace", 3: "Barbara"}
	users := cache.Must(cache.NewBatch(repo.UsersByID, cache.Options{}))
	defer users.Close()

	err := users.Warm(ctx, slices.Values([]int{1, 2, 3}), cache.WarmOptions{
		Batch: 2, Concurrency: 1, Rate: 1000, // keys a second: the database has others to serve
		Progress: func(p cache.WarmProgress) { fmt.Println("done:", p.Done, "failed:", p.Failed) },
	})
	fmt.Println(err)
	u, _ := users.Get(ctx, 3)
	fmt.Println(u.Name)
	// Output:
	// load [1 2]
	// done: 2 failed: 0
	// load [3]
	// done: 3 failed: 0
	// <nil>
	// Barbara
}

// Peek asks the cache alone.
func ExampleCached_Peek() {
	ctx := context.Background()
	repo := repository{42: "Ada"}
	users := cache.Must(cache.New(repo.UserByID, cache.Options{}))
	defer users.Close()

	_, ok := users.Peek(ctx, 42)
	fmt.Println(ok)
	_, _ = users.Get(ctx, 42)
	u, ok := users.Peek(ctx, 42)
	fmt.Println(u.Name, ok)
	// Output:
	// false
	// load 42
	// Ada true
}

// A GetMany of which a part fails returns the other part.
func ExampleBatchError() {
	ctx := context.Background()
	users := cache.Must(cache.New(func(_ context.Context, id int) (string, error) {
		if id == 2 {
			return "", errors.New("shard 2 is down")
		}
		return fmt.Sprint("user ", id), nil
	}, cache.Options{Name: "users"}))
	defer users.Close()

	found, err := users.GetMany(ctx, []int{1, 2, 3})
	fmt.Println(len(found), "found")
	if batch, ok := errors.AsType[*cache.BatchError[int]](err); ok {
		fmt.Println(batch.Failed[2])
	}
	// Output:
	// 2 found
	// cache: load "users": shard 2 is down
}

// Every key that was asked for is counted once.
func ExampleCached_Stats() {
	ctx := context.Background()
	users := cache.Must(cache.New(repository{42: "Ada"}.UserByID, cache.Options{}))
	defer users.Close()

	for range 10 {
		_, _ = users.Get(ctx, 42)
	}
	s := users.Stats()
	fmt.Println(s.Requests, "=", s.MemoryHits, "hits +", s.Loads, "load")
	// Output:
	// load 42
	// 10 = 9 hits + 1 load
}

// A database that fails is left alone for a while: its callers get an error, or what is stale, at once.
func ExampleOptions_breaker() {
	ctx := context.Background()
	guard, err := breaker.New(breaker.Options{Consecutive: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	queries := 0
	users := cache.Must(cache.New(func(context.Context, int) (string, error) {
		queries++
		return "", errors.New("connection refused")
	}, cache.Options{Breaker: guard}))
	defer users.Close()

	for id := range 100 {
		_, err = users.Get(ctx, id)
	}
	fmt.Println(queries, "queries;", errors.Is(err, breaker.ErrOpen))
	// Output:
	// 2 queries; true
}

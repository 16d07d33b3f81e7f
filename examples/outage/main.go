// Outage takes Redis away for four seconds while requests go on. None of them fails, none gets an old value, and the
// invalidation that Redis missed reaches it before its values are read again. It runs for nine seconds.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
	"github.com/redis/go-redis/v9/logging"
)

// the database's version, the oldest one that may be read of row 7, and how many reads were older
var version, invalidated, stale atomic.Int64

// node is one process of an application: a Store and a cache of its own.
func node(redis *miniredis.Miniredis) (*tiered.Store, *cache.Cached[int, int64]) {
	rdb, err := tiered.Dial("redis://" + redis.Addr())
	check(err == nil, err)
	store, err := tiered.Open(tiered.Options{Redis: rdb})
	check(err == nil, err)
	return store, cache.Must(cache.New(func(context.Context, int) (int64, error) { return version.Load(), nil },
		cache.Options{Store: store, Name: "rows"}))
}

func main() {
	logging.Disable()                                            // go-redis would tell of every refused connection
	ctx, redis := context.Background(), miniredis.NewMiniRedis() // a small Redis inside this process
	check(redis.Start() == nil, "miniredis does not start")
	store, rows := node(redis)
	go func() { // about two thousand requests per second, half of them for row 7
		for range time.Tick(time.Millisecond) {
			least := invalidated.Load()
			if got, err := rows.Get(ctx, 7); err == nil && got < least {
				stale.Add(1)
			}
			_, _ = rows.Get(ctx, rand.IntN(1000)) // Stats counts the errors
		}
	}()
	fmt.Println("second  link   breaker    memory hits  redis hits  loads  errors  stale reads")
	for second, last := 1, (cache.Stats{}); second <= 9; second++ {
		time.Sleep(time.Second)
		s, c := store.Stats(), rows.Stats()
		fmt.Printf("%6d  %-5v  %-9v  %11d  %10d  %5d  %6d  %11d\n", second, s.LinkUp, s.Breaker,
			c.MemoryHits-last.MemoryHits, c.RedisHits-last.RedisHits, c.Loads-last.Loads, c.Errors, stale.Load())
		switch last = c; second {
		case 2:
			redis.Close()
			fmt.Println("        Redis dies")
		case 4:
			version.Store(1)
			check(errors.Is(rows.Invalidate(ctx, 7), tiered.ErrDeferred), "Redis cannot have been told")
			invalidated.Store(1)
			fmt.Println("        row 7 changes; Redis cannot be told: ErrDeferred")
		case 6:
			check(redis.Restart() == nil, "Redis does not start")
			fmt.Println("        Redis returns, with the old row 7 in it")
		}
	}
	_, other := node(redis)
	got, err := other.Get(ctx, 7)
	fmt.Printf("another node reads version %d; invalidations replayed: %d\n", got, store.Stats().Replayed)
	check(err == nil && got == version.Load() && store.Stats().Replayed >= 1, "Redis was not told")
	check(stale.Load()+int64(rows.Stats().Errors) == 0, "there were old answers or errors")
}

func check(ok bool, otherwise any) {
	if !ok {
		log.Fatal(otherwise)
	}
}

// Cluster shows that nothing changes for the application when Redis is a Cluster: batches are split by node, and an
// invalidation, of a key or of a prefix, reaches every node of the application, whichever shard it went to.
//
//	REDIS_URL='redis+cluster://localhost:7000?addr=localhost:7001' go run ./examples/cluster
//
// Without REDIS_URL it uses one small Redis inside the process, and says so.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"sync/atomic"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
)

type item struct {
	Shelf, Number int
}

var version, loads atomic.Int64

func load(_ context.Context, items []item) (map[item]int64, error) {
	found := make(map[item]int64, len(items))
	for _, it := range items {
		loads.Add(1)
		found[it] = version.Load()
	}
	return found, nil
}

// node is one process of an application: a client, a Store and a cache of its own.
func node(url string) (redis.UniversalClient, *tiered.Store, *cache.Cached[item, int64]) {
	rdb, err := tiered.Dial(url)
	check(err == nil, err)
	store, err := tiered.Open(tiered.Options{Redis: rdb, Namespace: "cluster-example", Budget: time.Second}) // an embedded Redis is slow
	check(err == nil, err)
	for began := time.Now(); !store.Stats().LinkUp; time.Sleep(time.Millisecond) {
		check(time.Since(began) < 10*time.Second, "no Redis at REDIS_URL, or it does not answer")
	}
	return rdb, store, cache.Must(cache.NewBatch(load, cache.Options{Store: store, Name: "items"}))
}

func main() {
	ctx := context.Background()
	url := os.Getenv("REDIS_URL")
	if url == "" {
		mini := miniredis.NewMiniRedis()
		check(mini.Start() == nil, "miniredis does not start")
		defer mini.Close()
		url = "redis://" + mini.Addr()
		fmt.Println("REDIS_URL is not set: one embedded Redis stands for the Cluster")
	}
	rdb, storeA, a := node(url)
	_, storeB, b := node(url)
	defer func() { _, _ = storeA.Close(), storeB.Close() }()
	check(a.InvalidatePrefix(ctx) == nil, "not invalidated") // what an earlier run may have left
	shards := 1
	if c, ok := rdb.(*redis.ClusterClient); ok {
		var masters atomic.Int64
		check(c.ForEachMaster(ctx, func(context.Context, *redis.Client) error { masters.Add(1); return nil }) == nil, "no masters")
		shards = int(masters.Load())
	}

	var items []item
	for i := range 150 {
		items = append(items, item{i / 50, i % 50})
	}
	all := func(c *cache.Cached[item, int64], what string, want func(item) int64, most int64) {
		before := loads.Load()
		got, err := c.GetMany(ctx, items)
		check(err == nil && len(got) == len(items), err)
		for it, v := range got {
			check(v >= want(it), fmt.Sprintf("%s: %v is of version %d", what, it, v))
		}
		fmt.Printf("%-34s %3d values, %3d loads\n", what, len(got), loads.Load()-before)
		check(loads.Load()-before <= most, "too many loads")
	}
	fmt.Printf("%d shards\n", shards)
	all(a, "one node, cold", func(item) int64 { return 0 }, 150)
	for began := time.Now(); storeA.Stats().Fills < 150; time.Sleep(time.Millisecond) {
		check(time.Since(began) < 5*time.Second, "Redis did not take the values")
	}
	all(b, "another node, from Redis", func(item) int64 { return 0 }, 0)

	version.Store(1)
	check(a.InvalidatePrefix(ctx, 1) == nil, "not invalidated") // shelf 1: fifty keys on all shards, one command
	check(a.Invalidate(ctx, item{2, 7}) == nil, "not invalidated")
	newer := func(it item) int64 {
		if it.Shelf == 1 || it == (item{2, 7}) {
			return 1
		}
		return 0
	}
	all(a, "after shelf 1 and an item changed", newer, 51)
	for began := time.Now(); ; time.Sleep(time.Millisecond) { // until the messages have arrived
		one, err1 := b.Get(ctx, item{1, 40})
		other, err2 := b.Get(ctx, item{2, 7})
		if err1 == nil && err2 == nil && one == 1 && other == 1 {
			break
		}
		check(time.Since(began) < 2*time.Second, "the other node was not told")
	}
	all(b, "the other node", newer, 51)
}

func check(ok bool, otherwise any) {
	if !ok {
		log.Fatal(otherwise)
	}
}

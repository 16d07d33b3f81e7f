// Batch caches a function that reads many rows with one query, such as SELECT … WHERE id = ANY($1). However its keys
// are asked for, one by one or many at once, the query runs as seldom as it can.
//
//	go run ./examples/batch
package main

import (
	"context"
	"fmt"
	"log"
	"slices"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
)

// usersByID is the query. Ids that it does not return do not exist: here those above 900.
func usersByID(_ context.Context, ids []int) (map[int]string, error) {
	fmt.Printf("  query for %d ids: %v … %v\n", len(ids), slices.Min(ids), slices.Max(ids))
	rows := map[int]string{}
	for _, id := range ids {
		if id <= 900 {
			rows[id] = fmt.Sprint("user ", id)
		}
	}
	return rows, nil
}

// node is one process of an application: a Store and a cache of its own.
func node(redis *miniredis.Miniredis) *cache.Cached[int, string] {
	rdb, err := tiered.Dial("redis://" + redis.Addr())
	check(err == nil, err)
	store, err := tiered.Open(tiered.Options{Redis: rdb, Budget: time.Second}) // miniredis runs scripts slowly
	check(err == nil, err)
	return cache.Must(cache.NewBatch(usersByID, cache.Options{Store: store, Name: "users"}))
}

func main() {
	redis, err := miniredis.Run() // a small Redis inside this process
	check(err == nil, err)
	here, there := node(redis), node(redis)
	many(here, "users 1 to 100, none cached:", 1, 100, 100, 1)
	many(here, "the same again, from memory:", 1, 100, 100, 0)
	many(here, "1 to 200, so the query sees the other half only:", 1, 200, 200, 1)
	many(here, "891 to 910, of whom ten do not exist:", 891, 910, 10, 1)
	many(here, "the same again, for absence is cached too:", 891, 910, 10, 0)
	many(there, "1 to 200 on another node, from Redis, in one MGET:", 1, 200, 200, 0)

	fmt.Println("50 callers at once, each with one id and Get:")
	before := here.Stats().LoaderCalls
	var callers sync.WaitGroup
	for id := 301; id <= 350; id++ {
		callers.Go(func() { _, err := here.Get(context.Background(), id); check(err == nil, err) })
	}
	callers.Wait()
	check(here.Stats().LoaderCalls-before < 50, "they shared no query")
}

// many asks for all users of a range, and checks how many exist and how many queries it took.
func many(users *cache.Cached[int, string], what string, from, to, exist int, queries uint64) {
	fmt.Println(what)
	var ids []int
	for id := from; id <= to; id++ {
		ids = append(ids, id)
	}
	before := users.Stats().LoaderCalls
	found, err := users.GetMany(context.Background(), ids)
	check(err == nil && len(found) == exist, len(found), " found: ", err)
	check(users.Stats().LoaderCalls-before == queries, "the query ran too often")
}

func check(ok bool, otherwise ...any) {
	if !ok {
		log.Fatal(otherwise...)
	}
}

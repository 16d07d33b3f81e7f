// Quickstart puts a cache in front of one function, and changes what the function reads. It needs nothing installed:
//
//	go run ./examples/quickstart
//	REDIS_URL=redis://localhost:6379 go run ./examples/quickstart
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"sync/atomic"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
)

// repo stands for a database with one table.
type repo struct {
	name  atomic.Value
	reads atomic.Int64
}

func (r *repo) UserByID(_ context.Context, id int) (string, error) {
	r.reads.Add(1)
	time.Sleep(20 * time.Millisecond) // a slow query
	return fmt.Sprintf("%s (user %d)", r.name.Load(), id), nil
}

func main() {
	ctx := context.Background()
	url := os.Getenv("REDIS_URL")
	if url == "" { // a small Redis inside this process
		mini := miniredis.NewMiniRedis()
		check(mini.Start())
		defer mini.Close()
		url = "redis://" + mini.Addr()
	}

	// One Store per process: memory over Redis.
	rdb, err := tiered.Dial(url)
	check(err)
	store, err := tiered.Open(tiered.Options{Redis: rdb, MemoryBytes: 64 << 20, Namespace: "quickstart"})
	check(err)
	defer func() { check(store.Close()) }()

	// One cache per function. users.Get has the type of db.UserByID, and can stand in for it.
	db := &repo{}
	db.name.Store("Ada")
	users, err := cache.New(db.UserByID, cache.Options{Store: store, Name: "users", TTL: ttl.Fixed(5 * time.Minute).Jitter(0.1)})
	check(err)
	check(users.Invalidate(ctx, 42)) // what an earlier run may have left in a real Redis

	get := func(want string) {
		start, before := time.Now(), db.reads.Load()
		name, err := users.Get(ctx, 42)
		check(err)
		fmt.Printf("%-18s %8v  %d read of the database\n", name, time.Since(start).Round(time.Microsecond), db.reads.Load()-before)
		if name != want {
			log.Fatalf("got %q, want %q", name, want)
		}
	}
	get("Ada (user 42)") // from the database, into both tiers
	get("Ada (user 42)") // from memory
	// Mutate marks the key on all nodes, writes, and invalidates: no read that starts after it returned is older.
	check(users.Mutate(ctx, 42, func(context.Context) error { db.name.Store("Grace"); return nil }))
	get("Grace (user 42)")
	get("Grace (user 42)")
	fmt.Printf("%+v\n", users.Stats())
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

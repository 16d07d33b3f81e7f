package tiered_test

import (
	"context"
	"fmt"
	"time"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
)

// A Store belongs to the process; its caches share its memory and its connection to Redis. Here it has no Redis.
func ExampleOpen() {
	store, err := tiered.Open(tiered.Options{
		MemoryBytes: 16 << 20,
		Engine:      tiered.Otter,
		Strategies:  ttl.Table{"users": ttl.Fixed(5 * time.Minute)},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()

	users, err := cache.New(func(_ context.Context, id int) (string, error) {
		return fmt.Sprintf("user %d", id), nil
	}, cache.Options{Store: store, Name: "users"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(users.Get(context.Background(), 42))
	// Output: user 42 <nil>
}

// Every fault is named, and all of them at once.
func ExampleOpen_badOptions() {
	_, err := tiered.Open(tiered.Options{MemoryBytes: -1, MaxStaleness: time.Millisecond})
	fmt.Println(err)
	// Output:
	// tiered: Options.MemoryBytes is -1: must not be negative (0 means the default)
	// tiered: Options.MaxStaleness is 1ms: must be at least 100ms
}

// One command removes every key that begins with the given segments.
func ExampleStore_InvalidatePrefix() {
	store, _ := tiered.Open(tiered.Options{})
	defer store.Close()
	type page struct {
		User int
		Page int
	}
	loads := 0
	feed, _ := cache.New(func(_ context.Context, p page) (string, error) {
		loads++
		return fmt.Sprintf("page %d of user %d, load %d", p.Page, p.User, loads), nil
	}, cache.Options{Store: store, Name: "feed"})

	ctx := context.Background()
	feed.Get(ctx, page{42, 1})
	feed.Get(ctx, page{7, 1})
	_ = store.InvalidatePrefix(ctx, "feed", "42")
	fmt.Println(feed.Get(ctx, page{42, 1}))
	fmt.Println(feed.Get(ctx, page{7, 1}))
	// Output:
	// page 1 of user 42, load 3 <nil>
	// page 1 of user 7, load 2 <nil>
}

// Dial connects when the client is first used.
func ExampleDial() {
	rdb, err := tiered.Dial("redis://localhost:6379/0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer rdb.Close()
	_, err = tiered.Dial("redis+sentinel://localhost:26379")
	fmt.Println(err)
	// Output: tiered: Dial: the URL of Sentinel names no master: add ?master_name=…
}

package cachetest_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/cache/cachetest"
	"github.com/freshet-go/freshet/ttl"
)

// A test of a program's own: Redis dies, and nobody gets the old name.
func Example() {
	t := new(example) // in a test: its *testing.T
	defer t.end()
	ctx := context.Background()

	db := cachetest.NewSource(map[int]string{42: "Ada"})
	node := cachetest.NewRedis(t).Node(t)
	users, err := cache.New(db.Load, cache.Options{Store: node.Store, Name: "users", TTL: ttl.Fixed(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}

	_, _ = users.Get(ctx, 42)
	_, _ = users.Get(ctx, 42)
	db.RequireLoads(t, 1, 42)

	node.Down()
	db.Put(42, "Ada Lovelace")
	fmt.Println("Redis was told:", users.Invalidate(ctx, 42) == nil)

	since := db.Version(42)
	name, err := users.Get(ctx, 42)
	db.RequireFresh(t, since, 42, name, err)
	fmt.Println(name)
	fmt.Println("still to tell:", node.Store.Stats().Journal)
	// Output:
	// Redis was told: false
	// Ada Lovelace
	// still to tell: 1
}

func ExampleSource() {
	ctx := context.Background()
	db := cachetest.NewSource(map[int]string{1: "Ada", 2: "Grace"})
	users := cache.Must(cache.NewBatch(db.LoadMany, cache.Options{}))
	defer users.Close()

	found, err := users.GetMany(ctx, []int{1, 2, 3})
	fmt.Println(len(found), err)
	fmt.Println("calls:", db.Calls(), "keys:", db.Loads())
	_, _ = users.Refresh(ctx, 1)
	fmt.Println("loads of 1:", db.Loads(1))
	// Output:
	// 2 <nil>
	// calls: 1 keys: 3
	// loads of 1: 2
}

func ExampleStore() {
	t := new(example) // in a test: its *testing.T
	defer t.end()

	squares := cache.Must(cache.New(func(_ context.Context, n int) (int, error) { return n * n, nil }, cache.Options{
		Store: cachetest.Store(t), Name: "squares",
	}))
	n, _ := squares.Get(context.Background(), 12)
	fmt.Println(n)
	// Output:
	// 144
}

// Two nodes and one Redis: what the first has loaded the second finds there, until one of them invalidates.
func ExampleRedis() {
	t := new(example) // in a test: its *testing.T
	defer t.end()
	ctx := context.Background()

	db := cachetest.NewSource(map[int]string{42: "Ada"})
	redis := cachetest.NewRedis(t)
	open := func() *cache.Cached[int, string] {
		return cache.Must(cache.New(db.Load, cache.Options{Store: redis.Node(t).Store, Name: "users"}))
	}
	here, there := open(), open()
	_, _ = here.Get(ctx, 42)
	_, _ = there.Get(ctx, 42)
	fmt.Println("loads:", db.Loads(42))

	redis.Freeze() // it hangs: no reader fails, and none waits for long
	name, err := there.Get(ctx, 42)
	fmt.Println(name, err)
	// Output:
	// loads: 1
	// Ada <nil>
}

// example stands for a *testing.T, which examples do not have.
type example struct {
	testing.TB
	cleanups []func()
}

func (e *example) Helper()          {}
func (e *example) Cleanup(f func()) { e.cleanups = append(e.cleanups, f) }

func (e *example) end() {
	for len(e.cleanups) > 0 {
		last := len(e.cleanups) - 1
		f := e.cleanups[last]
		e.cleanups = e.cleanups[:last]
		f()
	}
}

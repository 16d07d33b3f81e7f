// Package docs_test compiles and runs the code of the guides.
package docs_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
)

type User struct {
	ID   int64
	Name string
}

// repository stands for a database.
type repository map[int64]User

func (r repository) UserByID(_ context.Context, id int64) (User, error) {
	fmt.Println("query", id)
	if u, ok := r[id]; ok {
		return u, nil
	}
	return User{}, sql.ErrNoRows
}

func (r repository) UsersByID(_ context.Context, ids []int64) (map[int64]User, error) {
	fmt.Println("query", len(ids), "ids")
	found := map[int64]User{}
	for _, id := range ids {
		if u, ok := r[id]; ok {
			found[id] = u
		}
	}
	return found, nil
}

func (r repository) Rename(_ context.Context, id int64, name string) error {
	r[id] = User{id, name}
	return nil
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func Example_comingFromGoRedisCache() {
	mini := miniredis.NewMiniRedis()
	check(mini.Start())
	defer mini.Close()
	ctx, repo, id, url := context.Background(), repository{42: {42, "Ada"}}, int64(42), "redis://"+mini.Addr()

	// snippet: go-redis/cache
	rdb, err := tiered.Dial(url)
	check(err)
	store, err := tiered.Open(tiered.Options{Redis: rdb, MemoryBytes: 64 << 20})
	check(err)
	users, err := cache.New(repo.UserByID, cache.Options{Store: store, Name: "users", TTL: ttl.Fixed(time.Hour)})
	check(err)

	u, err := users.Get(ctx, id)
	check(err)
	err = users.Mutate(ctx, id, func(ctx context.Context) error { return repo.Rename(ctx, id, "Grace") })
	check(err)
	// end

	fmt.Println(u.Name)
	u, err = users.Get(ctx, id)
	fmt.Println(u.Name, err)
	check(store.Close())
	check(rdb.Close())
	// Output:
	// query 42
	// Ada
	// query 42
	// Grace <nil>
}

func Example_comingFromGocache() {
	ctx, repo := context.Background(), repository{42: {42, "Ada"}}
	store, err := tiered.Open(tiered.Options{})
	check(err)

	// snippet: gocache
	type post struct {
		Author int64
		Number int
	}
	posts, err := cache.New(func(ctx context.Context, p post) (string, error) {
		u, err := repo.UserByID(ctx, p.Author)
		return fmt.Sprintf("post %d by %s", p.Number, u.Name), err
	}, cache.Options{Store: store, Name: "posts"})
	check(err)

	text, err := posts.Get(ctx, post{Author: 42, Number: 1})
	check(err)
	err = posts.InvalidatePrefix(ctx, 42) // all posts of author 42: what a tag would have been for
	check(err)
	stats := posts.Stats()
	// end

	fmt.Println(text, stats.Loads)
	check(store.Close())
	// Output:
	// query 42
	// post 1 by Ada 1
}

func Example_comingFromSturdyc() {
	ctx, repo, ids := context.Background(), repository{1: {1, "Ada"}, 2: {2, "Grace"}}, []int64{1, 2, 3}

	// snippet: sturdyc
	users, err := cache.NewBatch(repo.UsersByID, cache.Options{
		TTL: ttl.Fixed(time.Hour).
			Jitter(0.1).
			StaleWhileRevalidate(10 * time.Minute). // an asynchronous refresh, when it is asked for
			StaleIfError(6 * time.Hour).
			EarlyRefresh(1).
			Negative(time.Minute), // absent records are remembered, too
	})
	check(err)

	found, err := users.GetMany(ctx, ids) // each id is cached by itself
	check(err)
	u, err := users.Get(ctx, 2) // and is found one by one
	check(err)
	_, err = users.Get(ctx, 3)
	absent := errors.Is(err, cache.ErrNotFound)
	// end

	fmt.Println(len(found), u.Name, absent)
	check(users.Close())
	// Output:
	// query 3 ids
	// 2 Grace true
}

func Example_comingFromRueidisaside() {
	mini := miniredis.NewMiniRedis()
	check(mini.Start())
	defer mini.Close()
	rdb, err := tiered.Dial("redis://" + mini.Addr())
	check(err)
	store, err := tiered.Open(tiered.Options{Redis: rdb})
	check(err)
	ctx, repo, id := context.Background(), repository{}, int64(7)

	// snippet: rueidisaside
	users, err := cache.New(repo.UserByID, cache.Options{
		Store: store, Name: "users",
		TTL:      ttl.Fixed(time.Minute).Negative(10 * time.Second),
		NotFound: func(err error) bool { return errors.Is(err, sql.ErrNoRows) }, // no "_nil_" among the values
	})
	check(err)

	_, err = users.Get(ctx, id)
	absent := errors.Is(err, cache.ErrNotFound)
	err = users.Invalidate(ctx, id)
	check(err)
	// end

	fmt.Println(absent)
	check(store.Close())
	check(rdb.Close())
	// Output:
	// query 7
	// true
}

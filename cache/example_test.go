package cache_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/ttl"
)

type user struct {
	ID   int
	Name string
}

// repository stands for a database.
type repository map[int]string

func (r repository) UserByID(_ context.Context, id int) (user, error) {
	fmt.Println("load", id)
	name, ok := r[id]
	if !ok {
		return user{}, sql.ErrNoRows
	}
	return user{id, name}, nil
}

func (r repository) UsersByID(_ context.Context, ids []int) (map[int]user, error) {
	slices.Sort(ids)
	fmt.Println("load", ids)
	users := map[int]user{}
	for _, id := range ids {
		if name, ok := r[id]; ok {
			users[id] = user{id, name}
		}
	}
	return users, nil
}

func ExampleNew() {
	ctx := context.Background()
	repo := repository{42: "Ada"}
	users, err := cache.New(repo.UserByID, cache.Options{
		TTL:      ttl.Fixed(5 * time.Minute).Jitter(0.1).StaleIfError(time.Hour),
		NotFound: func(err error) bool { return errors.Is(err, sql.ErrNoRows) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer users.Close()

	for range 2 {
		u, err := users.Get(ctx, 42)
		fmt.Println(u.Name, err)
	}
	_, err = users.Get(ctx, 43)
	fmt.Println(errors.Is(err, cache.ErrNotFound))
	// Output:
	// load 42
	// Ada <nil>
	// Ada <nil>
	// load 43
	// true
}

func ExampleCached_GetMany() {
	ctx := context.Background()
	repo := repository{1: "Ada", 2: "Grace"}
	users := cache.Must(cache.NewBatch(repo.UsersByID, cache.Options{}))
	defer users.Close()

	found, err := users.GetMany(ctx, []int{2, 1, 3, 1})
	fmt.Println(found[1].Name, found[2].Name, len(found), err)
	_, _ = users.GetMany(ctx, []int{1, 2, 3})
	// Output:
	// load [1 2 3]
	// Ada Grace 2 <nil>
}

func ExampleNewBatch() {
	ctx := context.Background()
	repo := repository{1: "Ada", 2: "Grace"}
	users, err := cache.NewBatch(repo.UsersByID, cache.Options{MaxBatch: 100})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer users.Close()

	u, err := users.Get(ctx, 1) // a batch of one; Gets that come at the same time share one
	fmt.Println(u.Name, err)
	// Output:
	// load [1]
	// Ada <nil>
}

func ExampleCached_Mutate() {
	ctx := context.Background()
	repo := repository{42: "Ada"}
	users := cache.Must(cache.New(repo.UserByID, cache.Options{}))
	defer users.Close()

	_, _ = users.Get(ctx, 42)
	err := users.Mutate(ctx, 42, func(context.Context) error {
		repo[42] = "Ada Lovelace"
		return nil
	})
	fmt.Println(err)
	u, _ := users.Get(ctx, 42)
	fmt.Println(u.Name)
	// Output:
	// load 42
	// <nil>
	// load 42
	// Ada Lovelace
}

func ExampleCached_InvalidatePrefix() {
	ctx := context.Background()
	type page struct {
		User int
		Page int
	}
	feed := cache.Must(cache.New(func(_ context.Context, p page) (string, error) {
		fmt.Println("load", p)
		return "posts", nil
	}, cache.Options{}))
	defer feed.Close()

	for _, p := range []page{{42, 1}, {42, 2}, {43, 1}} {
		_, _ = feed.Get(ctx, p)
	}
	fmt.Println(feed.InvalidatePrefix(ctx, 42)) // every page of user 42
	for _, p := range []page{{42, 1}, {43, 1}} {
		_, _ = feed.Get(ctx, p)
	}
	// Output:
	// load {42 1}
	// load {42 2}
	// load {43 1}
	// <nil>
	// load {42 1}
}

func ExampleCached_Set() {
	ctx := context.Background()
	sessions := cache.Must(cache.New[string, user](nil, cache.Options{})) // no loader: a plain cache
	defer sessions.Close()

	_, err := sessions.Get(ctx, "token")
	fmt.Println(err)
	_ = sessions.Set(ctx, "token", user{42, "Ada"})
	u, _ := sessions.Get(ctx, "token")
	fmt.Println(u.Name)
	// Output:
	// cache: not found
	// Ada
}

func ExampleCached_Refresh() {
	ctx := context.Background()
	repo := repository{42: "Ada"}
	users := cache.Must(cache.New(repo.UserByID, cache.Options{}))
	defer users.Close()

	_, _ = users.Get(ctx, 42)
	repo[42] = "Ada Lovelace"
	u, _ := users.Refresh(ctx, 42)
	fmt.Println(u.Name)
	// Output:
	// load 42
	// load 42
	// Ada Lovelace
}

func ExampleCached_Expire() {
	ctx := context.Background()
	down := errors.New("the database is down")
	var err error
	users := cache.Must(cache.New(func(context.Context, int) (string, error) { return "Ada", err }, cache.Options{}))
	defer users.Close()

	_, _ = users.Get(ctx, 42)
	_ = users.Expire(ctx, 42) // perhaps outdated, but better than nothing
	err = down
	name, got := users.Get(ctx, 42)
	fmt.Println(name, got)
	_ = users.Invalidate(ctx, 42) // wrong
	name, got = users.Get(ctx, 42)
	fmt.Println(name, errors.Is(got, down))
	// Output:
	// Ada <nil>
	//  true
}

func ExampleOptions_ttl() {
	ctx := context.Background()
	type token struct {
		Secret  string
		Expires time.Time
	}
	tokens, err := cache.New(func(context.Context, string) (token, error) {
		fmt.Println("log in")
		return token{"secret", time.Now().Add(time.Hour)}, nil
	}, cache.Options{
		TTL: ttl.FromValue(func(t token) time.Duration { return time.Until(t.Expires) - time.Minute }).
			AtMost(12 * time.Hour).
			StaleIfError(time.Minute).
			EarlyRefresh(1),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer tokens.Close()

	for range 2 {
		t, _ := tokens.Get(ctx, "api")
		fmt.Println(t.Secret)
	}
	// Output:
	// log in
	// secret
	// secret
}

func ExampleOptions_isolate() {
	ctx := context.Background()
	tags := cache.Must(cache.New(func(context.Context, int) ([]string, error) {
		return []string{"go", "cache"}, nil
	}, cache.Options{Isolate: true}))
	defer tags.Close()

	mine, _ := tags.Get(ctx, 1)
	mine[0] = "changed"
	yours, _ := tags.Get(ctx, 1)
	fmt.Println(mine, yours)
	// Output:
	// [changed cache] [go cache]
}

// A service that starts warms what was read most before it ended, and says only then that it is ready.
func ExampleCached_HotKeys() {
	ctx := context.Background()
	repo := repository{1: "Ada", 2: "Grace", 3: "Barbara"}
	users := cache.Must(cache.NewBatch(repo.UsersByID, cache.Options{}))
	defer users.Close()
	for i := range 20_000 { // with a shared Store these are reads of the process before, or of other nodes
		_, _ = users.Get(ctx, 1)
		if i%4 == 0 {
			_, _ = users.Get(ctx, 3)
		}
	}
	_ = users.InvalidatePrefix(ctx)

	hot, err := users.HotKeys(ctx, 1000)
	fmt.Println(hot, err)
	err = users.Warm(ctx, slices.Values(hot), cache.WarmOptions{})
	fmt.Println("ready", err)
	// Output:
	// load [1]
	// load [3]
	// [1 3] <nil>
	// load [1 3]
	// ready <nil>
}

func ExampleMust() {
	var squares = cache.Must(cache.New(func(_ context.Context, n int) (int, error) { return n * n, nil }, cache.Options{}))
	defer squares.Close()

	n, _ := squares.Get(context.Background(), 12)
	fmt.Println(n)
	// Output:
	// 144
}

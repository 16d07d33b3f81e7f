// Wrap caches an interface by the comments on its methods: go generate writes the type CachedUserRepo, which implements
// the interface too, and the rest of the program does not change.
//
//	go generate ./examples/wrap
//	go run ./examples/wrap
package main

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
)

func main() {
	ctx := context.Background()
	mini := miniredis.NewMiniRedis() // a small Redis inside this process
	check(mini.Start())
	defer mini.Close()
	rdb, err := tiered.Dial("redis://" + mini.Addr())
	check(err)
	store, err := tiered.Open(tiered.Options{Redis: rdb, Namespace: "wrap"})
	check(err)
	defer func() { check(store.Close()) }()

	db := &table{rows: map[int64]User{1: {1, "red", "Ada"}, 2: {2, "red", "Grace"}, 3: {3, "blue", "Barbara"}}}
	repo, err := NewCachedUserRepo(db, store, func(o *cache.Options) { o.LoadTimeout = time.Second })
	check(err)
	defer func() { check(repo.Close()) }()

	show := func(what string, reads int) {
		fmt.Printf("%-42s %d reads of the database\n", what, db.reads)
		if db.reads != reads {
			log.Fatalf("want %d", reads)
		}
		db.reads = 0
	}
	use := func(r UserRepo, name string) { // what any caller does: it knows no cache
		u, err := r.UserByID(ctx, 1)
		check(err)
		many, err := r.UsersByID(ctx, []int64{1, 2})
		check(err)
		page, err := r.Page(ctx, "red", 0)
		check(err)
		if u.Name != name || many[1].Name != name || page[0] != name {
			log.Fatalf("got %v, %v and %v, want %s", u, many, page, name)
		}
	}
	use(repo, "Ada")
	show("the first time", 3)
	for range 100 {
		use(repo, "Ada")
	}
	show("a hundred times more", 0)
	check(repo.Save(ctx, User{1, "red", "Ada Lovelace"}))
	use(repo, "Ada Lovelace")
	show("after Save", 3)
	_, err = repo.Page(ctx, "blue", 0)
	check(err)
	_, err = repo.Page(ctx, "blue", 0)
	check(err)
	show("another team", 1)
	check(repo.Ping(ctx))
	fmt.Printf("users: %+v\n", repo.UsersCache.Stats())
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

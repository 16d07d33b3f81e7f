// Pgx puts caches in front of a repository over PostgreSQL: users.go is what to copy. Concurrent misses share one query,
// a write is a transaction inside of Mutate, and what hangs on it is invalidated by a prefix.
//
//	go -C examples/pgx run .
//	DATABASE_URL=postgres://… REDIS_URL=redis://… go -C examples/pgx run .
//
// Without DATABASE_URL it starts a PostgreSQL of its own, if there is one installed; without REDIS_URL, a small Redis in
// the process.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"slices"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// run opens everything, and closes it again.
func run(ctx context.Context, out io.Writer) (err error) {
	url, stop, err := database(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	pool, drop, err := connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, drop()) }()

	redis := os.Getenv("REDIS_URL")
	if redis == "" {
		mini, err := miniredis.Run()
		if err != nil {
			return err
		}
		defer mini.Close()
		redis = "redis://" + mini.Addr() + "?read_timeout=2s&write_timeout=2s" // it runs scripts slowly
	}
	here, closeHere, err := node(pool, redis)
	if err != nil {
		return err
	}
	defer closeHere()
	there, closeThere, err := node(pool, redis)
	if err != nil {
		return err
	}
	defer closeThere()
	return show(ctx, out, here, there)
}

// node is one process of an application. It has a Store of its own; Redis and the database are everybody's.
func node(pool *pgxpool.Pool, redis string) (users *Users, end func(), err error) {
	rdb, err := tiered.Dial(redis)
	if err != nil {
		return nil, nil, err
	}
	store, err := tiered.Open(tiered.Options{
		Redis: rdb, Namespace: "freshet-pgx",
		Budget: 2 * time.Second, // for the Redis in the process; leave it out with a real one
	})
	if err != nil {
		_ = rdb.Close()
		return nil, nil, err
	}
	end = func() { _, _ = store.Close(), rdb.Close() }
	if users, err = NewUsers(pool, store); err != nil {
		end()
	}
	return users, end, err
}

// show uses the repository, and says what it costs. Each step fails if it takes another number of queries than it must.
func show(ctx context.Context, out io.Writer, here, there *Users) error {
	if err := errors.Join(here.byID.InvalidatePrefix(ctx), here.pages.InvalidatePrefix(ctx)); err != nil {
		return err // an earlier run may have left something in a real Redis
	}
	hundred := make([]int64, 100)
	for i := range hundred {
		hundred[i] = int64(i + 1)
	}
	many := func(u *Users) func() error {
		return func() error {
			found, err := u.Many(ctx, hundred)
			return errors.Join(err, want(len(found), 100))
		}
	}
	first := func(u *Users, team, name string) func() error {
		return func() error {
			names, err := u.Page(ctx, team, 0)
			return errors.Join(err, want(slices.Contains(names, name), true))
		}
	}
	named := func(u *Users, name string) error {
		user, err := u.ByID(ctx, 1)
		return errors.Join(err, want(user.Name, name))
	}

	const fewer = -1 // than callers
	for _, step := range []struct {
		what    string
		queries int64
		do      func() error
	}{
		{"100 users, none of them cached", 1, many(here)},
		{"the same again, from memory", 0, many(here)},
		{"the same on another node, once Redis has them", 0, func() error {
			return errors.Join(soon(func() error { return cached(ctx, there, hundred) }), many(there)())
		}},
		{"50 callers at once, each of one other user", fewer, func() error { return atOnce(ctx, here) }},
		{"a page of the red team, and one of the blue", 2, func() error {
			return errors.Join(first(here, "red", "user 1")(), first(here, "blue", "user 51")())
		}},
		{"user 1, of the red team, is renamed", 0, func() error { return here.Rename(ctx, 1, "Ada") }},
		{"  her row", 1, func() error { return named(here, "Ada") }},
		{"  the page of the red team", 1, first(here, "red", "Ada")},
		{"  the page of the blue team", 0, first(here, "blue", "user 51")},
		{"  her row on the other node, when it has heard", 0, func() error { return soon(func() error { return named(there, "Ada") }) }},
		{"a rename that is rolled back: the name is taken", 0, func() error {
			var taken *pgconn.PgError
			return want(errors.As(here.Rename(ctx, 1, "user 2"), &taken), true)
		}},
		{"  her row, which is not changed", 1, func() error { return named(here, "Ada") }},
		{"somebody who does not exist, asked for twice", 1, func() error {
			_, err := here.ByID(ctx, 999)
			_, again := here.ByID(ctx, 999)
			return want(errors.Is(err, cache.ErrNotFound) && errors.Is(again, cache.ErrNotFound), true)
		}},
	} {
		before := here.reads.Load() + there.reads.Load()
		if err := step.do(); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
		queries := here.reads.Load() + there.reads.Load() - before
		fmt.Fprintf(out, "%-50s %d queries\n", step.what, queries)
		if queries != step.queries && (step.queries != fewer || queries >= callers) {
			return fmt.Errorf("%s: %d queries, want %d", step.what, queries, step.queries)
		}
	}
	return nil
}

// cached asks without loading: callers do not wait for what they loaded to be written to Redis.
func cached(ctx context.Context, u *Users, ids []int64) error {
	for _, id := range ids {
		if _, ok := u.byID.Peek(ctx, id); !ok {
			return fmt.Errorf("user %d is not cached", id)
		}
	}
	return nil
}

const callers = 50

// atOnce asks for users 101 to 150, each by itself: whoever misses while a query runs goes together in the next.
func atOnce(ctx context.Context, u *Users) error {
	var all sync.WaitGroup
	errs := make([]error, callers)
	for i := range errs {
		all.Go(func() { _, errs[i] = u.ByID(ctx, int64(101+i)) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// soon waits for what a message brings about; a lost one is noticed within a second (MaxStaleness).
func soon(is func() error) (err error) {
	for began := time.Now(); time.Since(began) < 5*time.Second; time.Sleep(time.Millisecond) {
		if err = is(); err == nil {
			return nil
		}
	}
	return err
}

func want[T comparable](got, want T) error {
	if got != want {
		return fmt.Errorf("got %v, want %v", got, want)
	}
	return nil
}

// Mutate shows a write path: a transaction of database/sql inside of Mutate. Readers on two nodes never get a balance that is
// older than a transfer that was answered, also if the transaction fails, and not even if the process dies between the
// commit and the invalidation. Run it with go -C examples/mutate run .
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/alicebob/miniredis/v2"
	_ "modernc.org/sqlite"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
)

var errTooLittle = errors.New("too little money")

// bank is one process of an application.
type bank struct {
	db       *sql.DB
	balances *cache.Cached[int, int]
}

func open(db *sql.DB, redis string) *bank {
	rdb, err := tiered.Dial(redis)
	check(err == nil, err)
	store, err := tiered.Open(tiered.Options{Redis: rdb, Namespace: "mutate"})
	check(err == nil, err)
	b := &bank{db: db}
	b.balances = cache.Must(cache.New(b.balance, cache.Options{
		Store: store, Name: "balances", NotFound: func(err error) bool { return errors.Is(err, sql.ErrNoRows) },
		MutateTimeout: 2 * time.Second, // of a transaction; after a crash, readers bypass the cache for a second more
	}))
	return b
}

func (b *bank) balance(ctx context.Context, account int) (amount int, err error) {
	err = b.db.QueryRowContext(ctx, "SELECT amount FROM accounts WHERE id = ?", account).Scan(&amount)
	return amount, err
}

// transfer marks both accounts, runs the transaction, and invalidates both, whether it was committed or not: an error of
// Commit does not say. The context of the transaction ends before the marks do.
func (b *bank) transfer(ctx context.Context, from, to, amount int) error {
	moved := false
	err := b.balances.Mutate(ctx, from, func(ctx context.Context) error {
		return b.balances.Mutate(ctx, to, func(ctx context.Context) error {
			err := b.move(ctx, from, to, amount)
			moved = err == nil
			return err
		})
	})
	if moved && errors.Is(err, tiered.ErrDeferred) {
		return nil // Redis will be told when it is back, and this node does not need it
	}
	return err
}

// move is what it would be without a cache.
func (b *bank) move(ctx context.Context, from, to, amount int) error {
	tx, err := b.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	done, err := tx.ExecContext(ctx, "UPDATE accounts SET amount = amount - ?1 WHERE id = ?2 AND amount >= ?1", amount, from)
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, errTooLittle)
	}
	if _, err := tx.ExecContext(ctx, "UPDATE accounts SET amount = amount + ? WHERE id = ?", amount, to); err != nil {
		return err
	}
	return tx.Commit()
}

func main() {
	ctx := context.Background()
	mini := miniredis.NewMiniRedis() // a small Redis inside this process
	check(mini.Start() == nil, "miniredis does not start")
	dir, err := os.MkdirTemp("", "mutate")
	check(err == nil, err)
	defer func() { _ = os.RemoveAll(dir) }()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "bank.db")+"?_pragma=busy_timeout(2000)&_pragma=journal_mode(wal)")
	check(err == nil, err)
	defer func() { _ = db.Close() }()
	_, err = db.ExecContext(ctx, "CREATE TABLE accounts (id INTEGER PRIMARY KEY, amount INTEGER); INSERT INTO accounts VALUES (1, 100), (2, 0)")
	check(err == nil, err)
	a, b := open(db, "redis://"+mini.Addr()), open(db, "redis://"+mini.Addr())

	shows := func(what string, one, two int) {
		for _, n := range []*bank{a, b} {
			var x, y int
			for began := time.Now(); x != one || y != two; { // a at once; b when the message has arrived
				check(time.Since(began) < time.Second && (n == b || x+y == 0), fmt.Sprintf("%s: %d and %d", what, x, y))
				var err1, err2 error
				x, err1 = n.balances.Get(ctx, 1)
				y, err2 = n.balances.Get(ctx, 2)
				check(err1 == nil && err2 == nil, errors.Join(err1, err2))
			}
		}
		fmt.Printf("%-30s %3d %3d\n", what, one, two)
	}
	shows("before", 100, 0)
	check(a.transfer(ctx, 1, 2, 30) == nil, "not transferred")
	shows("30 transferred", 70, 30)
	check(errors.Is(a.transfer(ctx, 1, 2, 500), errTooLittle), "500 transferred")
	shows("500 refused", 70, 30)

	_ = a.balances.Mutate(ctx, 1, func(ctx context.Context) error {
		check(a.move(ctx, 1, 2, 20) == nil, "not moved")
		// Committed, and nothing is invalidated yet: here the process may die. The mark is there for readers on all nodes.
		got, err := b.balances.Get(ctx, 1)
		fmt.Printf("%-30s %3d\n", "another node, before Mutate ends", got)
		check(err == nil && got == 50, "an old balance after the commit")
		return a.balances.Invalidate(ctx, 2)
	})
	shows("20 transferred", 50, 50)
}

func check(ok bool, otherwise any) {
	if !ok {
		log.Fatal(otherwise)
	}
}

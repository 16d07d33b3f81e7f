package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
)

// User is a row.
type User struct {
	ID         int64
	Team, Name string
}

// page is a key of two segments: InvalidatePrefix(ctx, "red") is of all pages of the red team.
type page struct {
	Team   string
	Number int
}

const pageSize = 20

// Users is a repository: its reads are cached, and each of its writes says what it changes.
type Users struct {
	pool  *pgxpool.Pool
	byID  *cache.Cached[int64, User]
	pages *cache.Cached[page, []string]
	reads atomic.Int64 // queries, for this example to show
}

// NewUsers makes the repository of one process.
func NewUsers(pool *pgxpool.Pool, store *tiered.Store) (u *Users, err error) {
	u = &Users{pool: pool}
	if u.byID, err = cache.NewBatch(u.loadUsers, cache.Options{
		Store: store, Name: "users",
		TTL:           ttl.Fixed(5 * time.Minute).Jitter(0.1).StaleIfError(time.Hour).Negative(10 * time.Second),
		MutateTimeout: 5 * time.Second, // of a transaction
	}); err != nil {
		return nil, err
	}
	u.pages, err = cache.New(u.loadPage, cache.Options{Store: store, Name: "pages", TTL: ttl.Fixed(time.Minute).Jitter(0.1)})
	return u, err
}

// ByID returns a user, or cache.ErrNotFound.
func (u *Users) ByID(ctx context.Context, id int64) (User, error) { return u.byID.Get(ctx, id) }

// Many returns those of the users that exist.
func (u *Users) Many(ctx context.Context, ids []int64) (map[int64]User, error) {
	return u.byID.GetMany(ctx, ids)
}

// Page returns the names of a team's users, in order.
func (u *Users) Page(ctx context.Context, team string, number int) ([]string, error) {
	return u.pages.Get(ctx, page{team, number})
}

// loadUsers is one query, however many are missing: those of one Many, or of callers of ByID at the same time. Who is not
// in the map does not exist.
func (u *Users) loadUsers(ctx context.Context, ids []int64) (map[int64]User, error) {
	u.reads.Add(1)
	rows, err := u.pool.Query(ctx, "SELECT id, team, name FROM users WHERE id = ANY($1)", ids)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[User])
	found := make(map[int64]User, len(all))
	for _, user := range all {
		found[user.ID] = user
	}
	return found, err
}

func (u *Users) loadPage(ctx context.Context, p page) ([]string, error) {
	u.reads.Add(1)
	rows, err := u.pool.Query(ctx, "SELECT name FROM users WHERE team = $1 ORDER BY id LIMIT $2 OFFSET $3", p.Team, pageSize, p.Number*pageSize)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// Rename writes in a transaction. Mutate marks the user on all nodes before it, and invalidates after it, whether it was
// committed or not: an error of COMMIT does not say. The team's pages follow, by their prefix; if the process dies in
// between they are old for their minute, which a hold of each would prevent, and nobody minds.
func (u *Users) Rename(ctx context.Context, id int64, name string) error {
	var team string
	committed := false
	err := u.byID.Mutate(ctx, id, func(ctx context.Context) error { // a context that ends before the mark does
		err := pgx.BeginFunc(ctx, u.pool, func(tx pgx.Tx) error {
			if err := tx.QueryRow(ctx, "UPDATE users SET name = $2 WHERE id = $1 RETURNING team", id, name).Scan(&team); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, "INSERT INTO renames (user_id, name) VALUES ($1, $2)", id, name)
			return err
		})
		committed = err == nil
		return err
	})
	if team != "" {
		err = errors.Join(err, u.pages.InvalidatePrefix(ctx, team))
	}
	switch {
	case committed && errors.Is(err, tiered.ErrDeferred):
		return nil // Redis will be told when it is back; this node knows already
	case err != nil:
		return fmt.Errorf("rename user %d: %w", id, err)
	}
	return nil
}

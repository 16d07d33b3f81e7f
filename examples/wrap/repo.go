package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// User is a row.
type User struct {
	ID   int64
	Team string
	Name string
}

// UserRepo is what the application asks for users. The comments say what is cached and what ends it; go generate writes
// CachedUserRepo, which obeys them.
//
//go:generate go tool freshet wrap -type UserRepo
type UserRepo interface {
	// UserByID returns one user.
	//
	//freshet:cache name=users ttl=5m key=id
	UserByID(ctx context.Context, id int64) (User, error)

	// UsersByID returns those that exist.
	//
	//freshet:cache name=users_many ttl=5m
	UsersByID(ctx context.Context, ids []int64) (map[int64]User, error)

	// Page returns the names of a team's users, twenty at a time.
	//
	//freshet:cache name=pages ttl=1m key=team,page
	Page(ctx context.Context, team string, page int) ([]string, error)

	// Save changes a user, who stays in the same team.
	//
	//freshet:invalidate users key=u.ID
	//freshet:invalidate users_many key=u.ID
	//freshet:invalidate pages prefix=u.Team
	Save(ctx context.Context, u User) error

	// Ping tells whether the database is there. It has no comment for the cache, and is passed on.
	Ping(ctx context.Context) error
}

var errNoUser = errors.New("no such user")

// table stands for a database, and counts what it is asked.
type table struct {
	mu    sync.Mutex
	rows  map[int64]User
	reads int
}

func (t *table) UserByID(_ context.Context, id int64) (User, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reads++
	u, ok := t.rows[id]
	if !ok {
		return User{}, fmt.Errorf("user %d: %w", id, errNoUser)
	}
	return u, nil
}

func (t *table) UsersByID(_ context.Context, ids []int64) (map[int64]User, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reads++
	found := map[int64]User{}
	for _, id := range ids {
		if u, ok := t.rows[id]; ok {
			found[id] = u
		}
	}
	return found, nil
}

func (t *table) Page(_ context.Context, team string, page int) (names []string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reads++
	for id := int64(page * 20); id < int64(page+1)*20; id++ {
		if u, ok := t.rows[id]; ok && u.Team == team {
			names = append(names, u.Name)
		}
	}
	return names, nil
}

func (t *table) Save(_ context.Context, u User) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows[u.ID] = u
	return nil
}

func (t *table) Ping(context.Context) error { return nil }

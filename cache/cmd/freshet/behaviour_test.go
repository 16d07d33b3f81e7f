package main

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/cache/cmd/freshet/testdata/golden"
	"github.com/freshet-go/freshet/internal/redistest"
	"github.com/freshet-go/freshet/tiered"
)

// db counts what it is asked for; what it does not have, golden.Repo's nil lacks too.
type db struct {
	golden.Repo
	users map[golden.UserID]*golden.User
	asked int
	fails error
	ends  bool
}

func (d *db) UserByID(_ context.Context, id golden.UserID) (*golden.User, error) {
	d.asked++
	if u, ok := d.users[id]; ok {
		return u, nil
	}
	return nil, io.EOF
}

func (d *db) UsersByID(_ context.Context, ids []golden.UserID) (map[golden.UserID]*golden.User, error) {
	found := map[golden.UserID]*golden.User{}
	for _, id := range ids {
		d.asked++
		if u, ok := d.users[id]; ok {
			found[id] = u
		}
	}
	return found, nil
}

func (d *db) Count(context.Context) (int, error) {
	d.asked++
	return len(d.users), nil
}

func (d *db) Search(_ context.Context, q *golden.Query, _ bool) ([]string, error) {
	d.asked++
	if q == nil {
		return nil, io.ErrUnexpectedEOF
	}
	return []string{q.Team, q.Note[0]}, nil
}

func (d *db) Feed(_ context.Context, _ int, team string) (string, error) {
	d.asked++
	return "feed of " + team, nil
}

func (d *db) Slot(_ context.Context, s golden.Slot) (string, error) {
	d.asked++
	return s.Team, nil
}

func (d *db) Move(_ context.Context, u *golden.User, _ golden.Slot) (*golden.User, error) {
	return u, d.fails
}

func (d *db) Save(_ context.Context, u *golden.User) error {
	if u == nil {
		return io.ErrUnexpectedEOF
	}
	if u.ID == 0 {
		u.ID = 77 // a new row
	}
	if u.Team == "" {
		u.Team = "red" // by default
	}
	d.users[u.ID] = u
	return d.fails
}

func (d *db) Create(_ context.Context, team string) (*golden.User, error) {
	u := &golden.User{ID: 99, Team: team}
	d.users[u.ID] = u
	return u, d.fails
}

func (d *db) Delete(_ context.Context, ids ...golden.UserID) (int, error) {
	for _, id := range ids {
		delete(d.users, id)
	}
	return len(ids), d.fails
}

func (d *db) Join(sep string, parts ...string) string { return parts[0] + sep + parts[1] }

func (d *db) Close() error {
	d.ends = true
	return nil
}

func wrapped(t *testing.T, o tiered.Options) (*db, *golden.CachedRepo) {
	t.Helper()
	store, err := tiered.Open(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	d := &db{users: map[golden.UserID]*golden.User{1: {ID: 1, Team: "red"}, 2: {ID: 2, Team: "red"}}}
	r, err := golden.NewCachedRepo(d, store)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return d, r
}

// asks requires that the calls ask the database so many times.
func (d *db) asks(t *testing.T, times int, calls ...func() error) {
	t.Helper()
	before := d.asked
	for _, call := range calls {
		require.NoError(t, call())
	}
	require.Equal(t, times, d.asked-before)
}

func TestGeneratedCodeHitsAndInvalidates(t *testing.T) {
	d, r := wrapped(t, tiered.Options{})
	ctx := t.Context()
	one := func() error { _, err := r.UserByID(ctx, 1); return err }
	many := func() error { _, err := r.UsersByID(ctx, []golden.UserID{1, 2}); return err }
	count := func() error { _, err := r.Count(ctx); return err }
	feed := func() error { _, err := r.Feed(ctx, 1, "red"); return err }
	blue := func() error { _, err := r.Feed(ctx, 1, "blue"); return err }
	all := []func() error{one, many, count, feed, blue}

	d.asks(t, 6, all...)
	d.asks(t, 0, all...)
	require.NoError(t, r.Save(ctx, &golden.User{ID: 1, Team: "red"}))
	d.asks(t, 0, blue)
	d.asks(t, 4, all...) // user 1 in both caches, the count, and red
	d.asks(t, 0, all...)

	n, err := r.Delete(ctx, 2, 3)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	d.asks(t, 1, one, count)
	_, err = r.UserByID(ctx, 99)
	require.ErrorIs(t, err, io.EOF)
	created, err := r.Create(ctx, "blue")
	require.NoError(t, err)
	require.Equal(t, golden.UserID(99), created.ID)
	require.Equal(t, "a-b", r.Join("-", "a", "b"))
}

// The write's own error comes back as it is, and invalidates all the same: what became of the write is not known.
func TestGeneratedCodeAfterAFailedWrite(t *testing.T) {
	d, r := wrapped(t, tiered.Options{})
	ctx := t.Context()
	one := func() error { _, err := r.UserByID(ctx, 1); return err }
	d.asks(t, 1, one)
	d.fails = errors.New("connection lost")
	require.Same(t, d.fails, r.Save(ctx, &golden.User{ID: 1}))
	d.asks(t, 1, one)
	require.Equal(t, io.ErrUnexpectedEOF, r.Save(ctx, nil), "no key: passed on")
}

// A pointer that is nil leaves nothing out but the keys behind it. A prefix may be made of structs and arrays.
func TestGeneratedCodeWithoutSomeKeys(t *testing.T) {
	d, r := wrapped(t, tiered.Options{})
	ctx := t.Context()
	slot, grid := golden.Slot{Team: "red", Day: 3}, [2]int8{1, -2}
	place := golden.CachedRepoPlaceKey{Place: golden.Place{Slot: slot, At: grid}}
	one := func() error { _, err := r.UserByID(ctx, 1); return err }
	count := func() error { _, err := r.Count(ctx); return err }
	red := func() error { _, err := r.Feed(ctx, 1, "red"); return err }
	day := func() error { _, err := r.Slot(ctx, slot); return err }
	fill := func() {
		require.NoError(t, errors.Join(one(), count(), red(), day(), golden.SetPlace(ctx, r, place)))
	}
	placed := func() bool { _, ok := r.PlacesCache.Peek(ctx, place); return ok }

	fill()
	_, err := r.Move(ctx, &golden.User{ID: 1, Home: &golden.Address{City: "red", Grid: grid}}, slot)
	require.NoError(t, err)
	require.False(t, placed())
	d.asks(t, 4, one, count, red, day)

	fill()
	_, err = r.Move(ctx, &golden.User{ID: 1}, slot)
	require.NoError(t, err)
	require.True(t, placed())
	d.asks(t, 3, one, count, red, day)

	fill()
	_, err = r.Move(ctx, nil, slot)
	require.NoError(t, err)
	d.asks(t, 2, one, count, red, day)
}

func TestGeneratedCodeKeyThatTheCallMakes(t *testing.T) {
	d, r := wrapped(t, tiered.Options{})
	ctx := t.Context()
	require.NoError(t, r.UsersCache.Set(ctx, 77, &golden.User{Team: "old"}))
	require.NoError(t, r.Save(ctx, &golden.User{Team: "new"}))
	u, err := r.UserByID(ctx, 77)
	require.NoError(t, err)
	require.Equal(t, "new", u.Team)
	require.Equal(t, 1, d.asked)

	red := func() error { _, err := r.Feed(ctx, 1, "red"); return err }
	d.asks(t, 1, red)
	require.NoError(t, r.Save(ctx, &golden.User{ID: 1}))
	d.asks(t, 1, red)
}

func TestGeneratedCodeArgumentsThatAreNotInTheKey(t *testing.T) {
	d, r := wrapped(t, tiered.Options{})
	ctx := t.Context()
	got, err := r.Search(ctx, &golden.Query{Team: "red", Page: 1, Note: []string{"first"}}, true)
	require.NoError(t, err)
	require.Equal(t, []string{"red", "first"}, got)
	got, err = r.Search(ctx, &golden.Query{Team: "red", Page: 1, Note: []string{"second"}}, true)
	require.NoError(t, err)
	require.Equal(t, []string{"red", "first"}, got, "the key is the same")
	require.Equal(t, 1, d.asked)
	_, err = r.Search(ctx, nil, true)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	_, err = r.SearchCache.Get(ctx, golden.CachedRepoSearchKey{Team: "blue"})
	require.ErrorContains(t, err, "loads only what Search is asked for")
}

// Redis away: the write is done, and that is what its caller hears.
func TestGeneratedCodeWithoutRedis(t *testing.T) {
	m, _ := redistest.Mini(t)
	network := redistest.Network(t, m)
	network.Down()
	d, r := wrapped(t, tiered.Options{Redis: network.Client(t)})
	ctx := t.Context()
	require.ErrorIs(t, r.UsersCache.Invalidate(ctx, 1), tiered.ErrDeferred)
	require.NoError(t, r.Save(ctx, &golden.User{ID: 1, Team: "blue"}))
	u, err := r.UserByID(ctx, 1)
	require.NoError(t, err)
	require.Equal(t, "blue", u.Team)

	// But a write that one cache refuses is not done, whatever the others have deferred.
	require.NoError(t, r.CountCache.Close())
	require.Error(t, r.Save(ctx, &golden.User{ID: 1, Team: "green"}))
	require.Equal(t, "blue", d.users[1].Team)
}

func TestGeneratedCodeConstructorAndClose(t *testing.T) {
	_, err := golden.NewCachedRepo(nil, nil)
	require.ErrorContains(t, err, "inner is nil")
	d, r := wrapped(t, tiered.Options{})
	require.NoError(t, r.Close())
	require.True(t, d.ends)
	_, err = r.UserByID(t.Context(), 1)
	require.Error(t, err)
}

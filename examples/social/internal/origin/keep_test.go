//go:build unix

package origin_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/freshet-go/freshet/examples/social/internal/origin"
)

// TestKeep: services that open a new database at once fill it once; what they write outlives them, and a measured run.
func TestKeep(t *testing.T) {
	url, p := postgres(t), origin.Population{Users: 100, Seed: 4, LoggedOut: true}
	var dbs [3]*origin.DB
	var g errgroup.Group
	for i := range dbs {
		g.Go(func() (err error) { dbs[i], err = origin.Keep(t.Context(), url, p); return err })
	}
	require.NoError(t, g.Wait())
	for _, db := range dbs {
		require.NotEmpty(t, db.ID())
		require.Equal(t, dbs[0].ID(), db.ID(), "one database")
	}
	require.NoError(t, dbs[0].Rename(t.Context(), 1, "Ada"))
	sessions, err := dbs[0].Sessions(t.Context(), []int64{1, 2})
	require.NoError(t, err)
	require.Empty(t, sessions, "nobody is logged in")
	for _, db := range dbs {
		require.NoError(t, db.Close())
	}

	measured, err := origin.Open(t.Context(), url)
	require.NoError(t, err)
	require.NotEqual(t, dbs[0].ID(), measured.ID())
	require.NoError(t, measured.Seed(t.Context(), p))
	require.NoError(t, measured.Close())

	db, err := origin.Keep(t.Context(), url, origin.Population{Users: 200, Seed: 5})
	require.NoError(t, err)
	require.Equal(t, dbs[0].ID(), db.ID())
	users, err := db.Users(t.Context(), []int64{1, 2, 101})
	require.NoError(t, err)
	require.Equal(t, map[int64]origin.User{1: {ID: 1, Name: "Ada", Handle: "@u1"}, 2: p.User(2)}, users)
	post, err := db.AddPost(t.Context(), 1, "Hello")
	require.NoError(t, err)
	require.Equal(t, int64(p.Writers()*5+1), post.ID, "the sequence knows of the seeded rows")
	require.NoError(t, db.Close())
}

// TestLogin: a login replaces the session, a logout ends only its own.
func TestLogin(t *testing.T) {
	p := origin.Population{Users: 100, Seed: 4, LoggedOut: true}
	open := map[string]func() (*origin.DB, error){
		"SQLite":     func() (*origin.DB, error) { return origin.Open(t.Context(), "") },
		"PostgreSQL": func() (*origin.DB, error) { return origin.Open(t.Context(), postgres(t)) },
	}
	for name, open := range open {
		db, err := open()
		require.NoError(t, err, name)
		require.NoError(t, db.Seed(t.Context(), p))
		session := func() []byte {
			s, err := db.Sessions(t.Context(), []int64{1})
			require.NoError(t, err)
			return s[1].Hash
		}
		first, second := origin.HashSecret("first"), origin.HashSecret("second")
		require.NoError(t, db.Login(t.Context(), 1, first))
		require.Equal(t, first, session())
		require.NoError(t, db.Login(t.Context(), 1, second))
		require.NoError(t, db.Logout(t.Context(), 1, first))
		require.Equal(t, second, session(), name)
		require.NoError(t, db.Logout(t.Context(), 1, second))
		require.Nil(t, session(), name)
		require.Error(t, db.Login(t.Context(), 4711, first), name)
		require.NoError(t, db.Close())
	}
}

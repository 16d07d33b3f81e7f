package benchmarks

import (
	"cmp"
	"context"
	"slices"
	"testing"
	"time"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
	"github.com/stretchr/testify/require"
)

// service is the application. Its functions are the origin's or those of caches in front of them: it cannot tell.
type service struct {
	follows func(context.Context, int) ([]int, error)
	posts   func(context.Context, []int) (map[int][]post, error)
	users   func(context.Context, []int) (map[int]user, error)
	user    func(context.Context, int) (user, error)
	session func(context.Context, string) (session, error)
	health  func(context.Context, string) (health, error)
}

func (o *origin) service() *service {
	return &service{
		follows: o.Follows, posts: o.PostsBy, users: o.Users, session: o.Session, health: o.Health,
		user: func(ctx context.Context, id int) (user, error) {
			found, err := o.Users(ctx, []int{id})
			return found[id], err
		},
	}
}

func (o *origin) cached(store *tiered.Store) *service {
	name := func(name string) cache.Options { return cache.Options{Store: store, Name: name} }
	users := cache.Must(cache.NewBatch(o.Users, name("users")))
	return &service{
		follows: cache.Must(cache.New(o.Follows, name("follows"))).Get,
		posts:   cache.Must(cache.NewBatch(o.PostsBy, name("posts"))).GetMany,
		users:   users.GetMany,
		user:    users.Get,
		session: cache.Must(cache.New(o.Session, name("sessions"))).Get,
		health:  cache.Must(cache.New(o.Health, name("health"))).Get,
	}
}

type line struct {
	Post   post
	Author user
}

// feed is the first page of what the people write whom a user follows.
func (s *service) feed(ctx context.Context, id int) ([]line, error) {
	followed, err := s.follows(ctx, id)
	if err != nil {
		return nil, err
	}
	posts, err := s.posts(ctx, followed)
	if err != nil {
		return nil, err
	}
	authors, err := s.users(ctx, followed)
	if err != nil {
		return nil, err
	}
	newest := make([]post, 0, follows*postsPerUser)
	for _, author := range followed {
		newest = append(newest, posts[author]...)
	}
	slices.SortFunc(newest, func(a, b post) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.ID, b.ID)) })
	page := make([]line, 0, feedLength)
	for _, p := range newest[:min(feedLength, len(newest))] {
		page = append(page, line{p, authors[p.Author]})
	}
	return page, nil
}

// auth finds out who sent a request.
func (s *service) auth(ctx context.Context, token string) (user, error) {
	sess, err := s.session(ctx, token)
	if err != nil {
		return user{}, err
	}
	return s.user(ctx, sess.User)
}

// TestTiersAgree keeps the benchmarks honest: whatever the tier, the answers are those of the origin.
func TestTiersAgree(t *testing.T) {
	o := newOrigin()
	direct := o.service()
	redis := startRedis(t)
	for _, engine := range []struct {
		name string
		open tiered.Engine
	}{{"redis", tiered.NoMemory}, {"ristretto", tiered.Ristretto}, {"otter", tiered.Otter}} {
		t.Run(engine.name, func(t *testing.T) {
			store := openStore(t, tiered.Options{Redis: redis.client, Engine: engine.open})
			cached := o.cached(store)
			for range 2 {
				for id := range 20 {
					want, err := direct.feed(t.Context(), id)
					require.NoError(t, err)
					page, err := cached.feed(t.Context(), id)
					require.NoError(t, err)
					require.Len(t, page, feedLength)
					require.Equal(t, want, page)

					who, err := cached.auth(t.Context(), o.token(id))
					require.NoError(t, err)
					require.Equal(t, o.users[id], who)
				}
				want, err := direct.health(t.Context(), "all")
				require.NoError(t, err)
				got, err := cached.health(t.Context(), "all")
				require.NoError(t, err)
				require.Equal(t, want, got)
			}
		})
	}
}

func openStore(tb testing.TB, o tiered.Options) *tiered.Store {
	tb.Helper()
	store, err := tiered.Open(o)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, store.Close()) })
	if o.Redis != nil {
		require.Eventually(tb, func() bool { return store.Stats().LinkUp }, 5*time.Second, time.Millisecond)
	}
	return store
}

package service

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/freshet-go/freshet/cache/cachehttp"
	"github.com/freshet-go/freshet/examples/social/internal/origin"
	"github.com/freshet-go/freshet/tiered"
)

// Cached is the service with a cache in front of each query.
type Cached struct {
	db    *origin.DB
	store *tiered.Store

	users         *function[int64, origin.User]
	profiles      *function[int64, origin.Profile]
	settings      *function[int64, origin.Settings]
	roles         *function[int64, []string]
	followers     *function[int64, int]
	sessions      *function[int64, origin.Session]
	following     *function[int64, []int64]
	posts         *function[int64, origin.Post]
	postsOf       *function[int64, []origin.Post]
	notifications *function[int64, int]
	messages      *function[int64, []origin.Message]
	jobs          *function[string, []origin.Job]
	jobStats      *function[string, []origin.JobStats]

	watch *watch
	page  *cachehttp.Stats
}

// allJobs is the one key of jobStats.
const allJobs = "all"

// NewCached caches the queries of db in store, and begins to watch the health of the jobs.
func NewCached(db *origin.DB, store *tiered.Store) (*Cached, error) {
	page, err := cachehttp.New(cachehttp.Options{Store: store, ShowKeys: true}) // keys are ids, which are no secret
	if err != nil {
		return nil, fmt.Errorf("service: %w", err)
	}
	c, in := &Cached{db: db, store: store, page: page}, home{store, page.Observer()}
	var errs [13]error
	id := func(k int64) uint64 { return uint64(k) }
	name := func(k string) uint64 { return uint64(len(k)) }
	stats := func(ctx context.Context, _ string) ([]origin.JobStats, error) { return db.JobStats(ctx) }

	c.users, errs[0] = many(in, "users", id, db.Users)
	c.profiles, errs[1] = many(in, "user_profile", id, db.Profiles)
	c.sessions, errs[2] = many(in, "sessions", id, db.Sessions)
	c.following, errs[3] = many(in, "following", id, db.Following)
	c.posts, errs[4] = single(in, "posts", id, db.Post, sql.ErrNoRows)
	c.postsOf, errs[5] = many(in, "posts_user", id, db.PostsOf)
	c.notifications, errs[6] = many(in, "notifications", id, db.Unread)
	c.messages, errs[7] = many(in, "messages", id, db.Messages)
	c.jobs, errs[8] = single(in, "jobs", name, db.Jobs, nil)
	c.jobStats, errs[9] = single(in, "jobs_stats", name, stats, nil)
	c.settings, errs[10] = many(in, "settings", id, db.Settings)
	c.roles, errs[11] = many(in, "roles", id, db.Roles)
	c.followers, errs[12] = many(in, "follower_count", id, db.Followers)
	if err := errors.Join(errs[:]...); err != nil {
		_ = page.Close() // never fails
		return nil, fmt.Errorf("service: %w", err)
	}
	c.watch = newWatch(c.look)
	return c, nil
}

// Close ends what goes on in the background. The caches end with their store.
func (c *Cached) Close() {
	c.watch.close()
	_ = c.page.Close() // never fails
}

// Feed takes at most two round trips: whom the user follows, then all of them at once.
func (c *Cached) Feed(ctx context.Context, user int64) (Feed, error) {
	following, err := c.following.get(ctx, user)
	if err != nil {
		return Feed{}, err
	}
	if len(following) == 0 {
		_, err := c.users.get(ctx, user)
		return Feed{User: user, Authors: []Column{}}, err
	}
	var authors map[int64]origin.User
	var posts map[int64][]origin.Post
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { authors, err = c.users.getMany(ctx, following); return err })
	g.Go(func() (err error) { posts, err = c.postsOf.getMany(ctx, following); return err })
	if err := g.Wait(); err != nil {
		return Feed{}, err
	}
	feed := Feed{User: user, Authors: make([]Column, 0, len(following))}
	for _, f := range following {
		author, ok := authors[f]
		if !ok {
			return Feed{}, ErrNotFound
		}
		feed.Authors = append(feed.Authors, Column{author, posts[f]})
	}
	return feed, nil
}

// Authenticate takes one round trip: the token names the user, so that no look-up needs another's result. Nothing is
// told before the secret is verified, and no secret is part of a cache's key.
func (c *Cached) Authenticate(ctx context.Context, user int64, secret string) (a Account, err error) {
	var session origin.Session
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		session, err = c.sessions.get(ctx, user)
		return admit(session, secret, err)
	})
	g.Go(func() (err error) { a.User, err = c.users.get(ctx, user); return other(err) })
	g.Go(func() (err error) { a.Profile, err = c.profiles.get(ctx, user); return other(err) })
	g.Go(func() (err error) { a.Settings, err = c.settings.get(ctx, user); return other(err) })
	g.Go(func() (err error) { a.Roles, err = c.roles.get(ctx, user); return other(err) })
	g.Go(func() (err error) { a.Followers, err = c.followers.get(ctx, user); return other(err) })
	g.Go(func() (err error) { a.Unread, err = c.notifications.get(ctx, user); return other(err) })
	g.Go(func() (err error) { a.Messages, err = c.messages.get(ctx, user); return other(err) })
	if err := g.Wait(); err != nil {
		return Account{}, err
	}
	return a, nil
}

// Admit tells whether the secret is that of the user's session.
func (c *Cached) Admit(ctx context.Context, user int64, secret string) error {
	session, err := c.sessions.get(ctx, user)
	return admit(session, secret, err)
}

// Login changes the session: the secret before this one is void at once.
func (c *Cached) Login(ctx context.Context, user int64) (secret string, err error) {
	err = c.sessions.mutate(ctx, user, func(ctx context.Context) (err error) {
		secret, err = Plain{c.db}.Login(ctx, user)
		return err
	})
	if err != nil {
		return "", err
	}
	return secret, nil
}

// Logout changes the session: no cached one admits anybody afterwards.
func (c *Cached) Logout(ctx context.Context, user int64, secret string) error {
	return c.sessions.mutate(ctx, user, func(ctx context.Context) error { return Plain{c.db}.Logout(ctx, user, secret) })
}

// other is the error of a look-up beside the session's, which alone says whether there is such a user.
func other(err error) error {
	if errors.Is(err, ErrNotFound) {
		return ErrToken
	}
	return err
}

// Post takes two round trips: the post names its author.
func (c *Cached) Post(ctx context.Context, id int64) (Article, error) {
	post, err := c.posts.get(ctx, id)
	if err != nil {
		return Article{}, err
	}
	author, err := c.users.get(ctx, post.Author)
	return Article{post, author}, err
}

// Health never waits.
func (c *Cached) Health(context.Context) (Health, error) { return c.watch.health(), nil }

// AddPost invalidates the author's posts, and the absence that somebody may have found under the new id.
func (c *Cached) AddPost(ctx context.Context, author int64, text string) (p origin.Post, err error) {
	err = c.postsOf.mutate(ctx, author, func(ctx context.Context) (err error) {
		p, err = Plain{c.db}.AddPost(ctx, author, text)
		return err
	})
	if err != nil {
		return origin.Post{}, err
	}
	return p, c.posts.invalidate(ctx, p.ID)
}

// Follow changes whom the user follows, and the other's followers and notifications.
func (c *Cached) Follow(ctx context.Context, user, followee int64) error {
	return c.following.mutate(ctx, user, func(ctx context.Context) error {
		return c.followers.mutate(ctx, followee, func(ctx context.Context) error {
			return c.notifications.mutate(ctx, followee, func(ctx context.Context) error {
				return c.db.Follow(ctx, user, followee)
			})
		})
	})
}

// Unfollow changes whom the user follows, and the other's followers.
func (c *Cached) Unfollow(ctx context.Context, user, followee int64) error {
	return c.following.mutate(ctx, user, func(ctx context.Context) error {
		return c.followers.mutate(ctx, followee, func(ctx context.Context) error { return c.db.Unfollow(ctx, user, followee) })
	})
}

// Rename changes a user.
func (c *Cached) Rename(ctx context.Context, user int64, name string) error {
	return c.users.mutate(ctx, user, func(ctx context.Context) error { return Plain{c.db}.Rename(ctx, user, name) })
}

package load

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/freshet-go/freshet/examples/social/internal/origin"
	"github.com/freshet-go/freshet/examples/social/internal/service"
)

// Mirror is what the database must hold: as seeded, and as changed by the writes of this driver, which are all there
// are. Each part of a response must be what the database held at some moment between the request's begin and its end.
type Mirror struct {
	p         origin.Population
	users     []origin.User // as seeded, by id
	names     *histories[string]
	following *histories[[]int64]
	followers *histories[int]
	posts     *histories[[]origin.Post]
	unread    *histories[int]
}

// NewMirror mirrors a database that was just seeded.
func NewMirror(p origin.Population) *Mirror {
	n := int64(p.Users) + 1
	users, following, posts := make([]origin.User, n), make([][]int64, n), make([][]origin.Post, n)
	for id := int64(1); id < n; id++ { // at once: to make them anew for each response costs more than the response
		users[id], following[id], posts[id] = p.User(id), p.Following(id), p.Posts(id)
	}
	followers := make([]int, n)
	for _, f := range slices.Concat(following...) {
		followers[f]++
	}
	return &Mirror{
		p:         p,
		users:     users,
		names:     newHistories(func(id int64) string { return users[id].Name }),
		following: newHistories(func(id int64) []int64 { return following[id] }),
		followers: newHistories(func(id int64) int { return followers[id] }),
		posts:     newHistories(func(id int64) []origin.Post { return posts[id] }),
		unread:    newHistories(p.Unread),
	}
}

func (m *Mirror) user(u origin.User, id int64, start, end time.Time) error {
	if id < 1 || id >= int64(len(m.users)) {
		return fmt.Errorf("there is no user %d", id)
	}
	names := m.names.possible(id, start, end)
	if u.ID != id || u.Handle != m.users[id].Handle || !slices.Contains(names, u.Name) {
		return fmt.Errorf("user %d is %+v, the database had the name %q", id, u, names)
	}
	return nil
}

// Feed checks a feed.
func (m *Mirror) Feed(f service.Feed, user int64, start, end time.Time) error {
	authors := make([]int64, len(f.Authors))
	for i, c := range f.Authors {
		authors[i] = c.Author.ID
	}
	following := m.following.possible(user, start, end)
	if f.User != user || !slices.ContainsFunc(following, func(l []int64) bool { return slices.Equal(l, authors) }) {
		return fmt.Errorf("user %d follows %v, in the database %v", user, authors, following)
	}
	for _, c := range f.Authors { // who are users: the database says so
		if err := m.user(c.Author, c.Author.ID, start, end); err != nil {
			return err
		}
		posts := m.posts.possible(c.Author.ID, start, end)
		if !slices.ContainsFunc(posts, func(p []origin.Post) bool { return slices.EqualFunc(p, c.Posts, samePost) }) {
			return fmt.Errorf("posts of user %d are %+v, in the database %+v", c.Author.ID, c.Posts, posts)
		}
	}
	return nil
}

// samePost allows for a post whose id is not known yet: its write is under way. Texts are unique.
func samePost(want, got origin.Post) bool {
	if want.ID == 0 {
		want.ID, want.At = got.ID, got.At
	}
	return want == got
}

// Account checks the answer to an authentication.
func (m *Mirror) Account(a service.Account, user int64, start, end time.Time) error {
	if err := m.user(a.User, user, start, end); err != nil {
		return err
	}
	if want := m.p.Profile(user); a.Profile != want {
		return fmt.Errorf("profile is %+v, in the database %+v", a.Profile, want)
	}
	if want := m.p.Settings(user); a.Settings != want {
		return fmt.Errorf("settings are %+v, in the database %+v", a.Settings, want)
	}
	if want := m.p.Roles(user); !slices.Equal(a.Roles, want) {
		return fmt.Errorf("roles of user %d are %q, in the database %q", user, a.Roles, want)
	}
	if want := m.followers.possible(user, start, end); !slices.Contains(want, a.Followers) {
		return fmt.Errorf("user %d has %d followers, in the database %v", user, a.Followers, want)
	}
	if want := m.p.Messages(user); !slices.Equal(a.Messages, want) {
		return fmt.Errorf("messages of user %d are %+v, in the database %+v", user, a.Messages, want)
	}
	if want := m.unread.possible(user, start, end); !slices.Contains(want, a.Unread) {
		return fmt.Errorf("user %d has %d unread notifications, in the database %v", user, a.Unread, want)
	}
	return nil
}

// Article checks a post, which never changes, and its author.
func (m *Mirror) Article(a service.Article, want origin.Post, start, end time.Time) error {
	if a.Post != want {
		return fmt.Errorf("post is %+v, in the database %+v", a.Post, want)
	}
	return m.user(a.Author, want.Author, start, end)
}

// Health checks the state of the jobs, which do not change, against what the database said at the start.
func (m *Mirror) Health(h, want service.Health) error {
	if h.Status != "ok" || h.AgeMS < 0 || !slices.Equal(h.Jobs, want.Jobs) || !slices.Equal(h.Failed, want.Failed) {
		return fmt.Errorf("health is %+v, in the database %+v", h, want)
	}
	return nil
}

// Prove compares the whole mirror with the database, by queries of its own, and returns how many values it compared.
// After it, what was true by the mirror was true by the database.
func (m *Mirror) Prove(ctx context.Context, db *origin.DB) (compared int, err error) {
	for from := int64(1); from <= int64(m.p.Users); from += 500 {
		var ids []int64
		for id := from; id < from+500 && id <= int64(m.p.Users); id++ {
			ids = append(ids, id)
		}
		accounts, err := accounts(ctx, db, ids)
		if err != nil {
			return compared, err
		}
		following, err := db.Following(ctx, ids)
		if err != nil {
			return compared, err
		}
		posts, err := db.PostsOf(ctx, ids)
		if err != nil {
			return compared, err
		}
		now := time.Now()
		for _, id := range ids {
			if err := m.Account(accounts[id], id, now, now); err != nil {
				return compared, err
			}
			if want := m.following.latest(id); !slices.Equal(following[id], want) {
				return compared, fmt.Errorf("user %d follows %v in the database, %v in the mirror", id, following[id], want)
			}
			if want := m.posts.latest(id); !slices.Equal(posts[id], want) {
				return compared, fmt.Errorf("user %d wrote %+v in the database, %+v in the mirror", id, posts[id], want)
			}
			compared += 9
		}
	}
	return compared, nil
}

// accounts returns what authentications must answer, by the database.
func accounts(ctx context.Context, db *origin.DB, ids []int64) (map[int64]service.Account, error) {
	users, e1 := db.Users(ctx, ids)
	profiles, e2 := db.Profiles(ctx, ids)
	settings, e3 := db.Settings(ctx, ids)
	roles, e4 := db.Roles(ctx, ids)
	followers, e5 := db.Followers(ctx, ids)
	unread, e6 := db.Unread(ctx, ids)
	messages, e7 := db.Messages(ctx, ids)
	all := make(map[int64]service.Account, len(ids))
	for _, id := range ids {
		all[id] = service.Account{
			User: users[id], Profile: profiles[id], Settings: settings[id], Roles: roles[id],
			Followers: followers[id], Unread: unread[id], Messages: messages[id],
		}
	}
	return all, errors.Join(e1, e2, e3, e4, e5, e6, e7)
}

// Package service is the HTTP service: a feed, authentication, health, and the writes that change them. It runs over
// plain queries or over cached ones; the handlers are the same.
package service

import (
	"context"
	"errors"
	"net/http"

	"github.com/freshet-go/freshet/examples/social/internal/origin"
)

// ErrNotFound: what was asked for does not exist.
var ErrNotFound = errors.New("not found")

// ErrToken: the bearer token is not that of a session.
var ErrToken = errors.New("invalid token")

// ErrPassword: with this password nobody logs in.
var ErrPassword = errors.New("wrong password")

// Data is what the handlers work on: Plain or Cached.
type Data interface {
	Feed(ctx context.Context, user int64) (Feed, error)
	Authenticate(ctx context.Context, user int64, secret string) (Account, error)
	Admit(ctx context.Context, user int64, secret string) error // Authenticate for writes: only the session
	Post(ctx context.Context, id int64) (Article, error)
	Health(ctx context.Context) (Health, error)
	Stats() Stats
	Page() http.Handler // of what the caches do, for /cache/stats

	AddPost(ctx context.Context, author int64, text string) (origin.Post, error)
	Follow(ctx context.Context, user, followee int64) error
	Unfollow(ctx context.Context, user, followee int64) error
	Rename(ctx context.Context, user int64, name string) error
	Login(ctx context.Context, user int64) (secret string, err error)
	Logout(ctx context.Context, user int64, secret string) error
}

// Feed is what those whom a user follows wrote last.
type Feed struct {
	User    int64    `json:"user"`
	Authors []Column `json:"authors"`
}

// Column is one author's part of a feed.
type Column struct {
	Author origin.User   `json:"author"`
	Posts  []origin.Post `json:"posts"`
}

// Account is what a user sees after authentication.
type Account struct {
	User      origin.User      `json:"user"`
	Profile   origin.Profile   `json:"profile"`
	Settings  origin.Settings  `json:"settings"`
	Roles     []string         `json:"roles"`
	Followers int              `json:"followers"`
	Unread    int              `json:"unread"`
	Messages  []origin.Message `json:"messages"`
}

// Article is a post and who wrote it.
type Article struct {
	Post   origin.Post `json:"post"`
	Author origin.User `json:"author"`
}

// Health is the state of the jobs in the background.
type Health struct {
	Status string            `json:"status"` // ok, stale (the last look failed), or starting (none yet)
	AgeMS  int64             `json:"age_ms"`
	Jobs   []origin.JobStats `json:"jobs"`
	Failed []origin.Job      `json:"failed"` // the newest
}

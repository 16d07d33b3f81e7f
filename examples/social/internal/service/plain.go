package service

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"database/sql"
	"errors"
	"net/http"

	"github.com/freshet-go/freshet/examples/social/internal/origin"
)

// Plain is the service without a cache, written the way such services are: one query after the other.
type Plain struct{ *origin.DB }

// one asks a function of many keys for one.
func one[V any](ctx context.Context, load func(context.Context, []int64) (map[int64]V, error), key int64) (V, error) {
	values, err := load(ctx, []int64{key})
	if err == nil {
		if v, ok := values[key]; ok {
			return v, nil
		}
		err = ErrNotFound
	}
	var none V
	return none, err
}

// Feed is the classic N+1: whom the user follows, and two queries for each of them.
func (p Plain) Feed(ctx context.Context, user int64) (Feed, error) {
	following, err := one(ctx, p.DB.Following, user)
	if err != nil {
		return Feed{}, err
	}
	if len(following) == 0 {
		_, err := one(ctx, p.Users, user)
		return Feed{User: user, Authors: []Column{}}, err
	}
	feed := Feed{User: user, Authors: make([]Column, 0, len(following))}
	for _, f := range following {
		author, err := one(ctx, p.Users, f)
		if err != nil {
			return Feed{}, err
		}
		posts, err := one(ctx, p.PostsOf, f)
		if err != nil {
			return Feed{}, err
		}
		feed.Authors = append(feed.Authors, Column{author, posts})
	}
	return feed, nil
}

// Authenticate takes eight queries.
func (p Plain) Authenticate(ctx context.Context, user int64, secret string) (a Account, err error) {
	session, err := one(ctx, p.Sessions, user)
	if err = admit(session, secret, err); err != nil {
		return Account{}, err
	}
	if a.User, err = one(ctx, p.Users, user); err != nil {
		return Account{}, err
	}
	if a.Profile, err = one(ctx, p.Profiles, user); err != nil {
		return Account{}, err
	}
	if a.Settings, err = one(ctx, p.DB.Settings, user); err != nil {
		return Account{}, err
	}
	if a.Roles, err = one(ctx, p.DB.Roles, user); err != nil {
		return Account{}, err
	}
	if a.Followers, err = one(ctx, p.DB.Followers, user); err != nil {
		return Account{}, err
	}
	if a.Unread, err = one(ctx, p.Unread, user); err != nil {
		return Account{}, err
	}
	a.Messages, err = one(ctx, p.DB.Messages, user)
	return a, err
}

// Admit tells whether the secret is that of the user's session.
func (p Plain) Admit(ctx context.Context, user int64, secret string) error {
	session, err := one(ctx, p.Sessions, user)
	return admit(session, secret, err)
}

// admit compares in constant time. It does not tell a wrong secret from a missing session.
func admit(s origin.Session, secret string, err error) error {
	if errors.Is(err, ErrNotFound) {
		return ErrToken
	}
	if err == nil && subtle.ConstantTimeCompare(s.Hash, origin.HashSecret(secret)) != 1 {
		return ErrToken
	}
	return err
}

// Post takes two queries.
func (p Plain) Post(ctx context.Context, id int64) (Article, error) {
	post, err := p.DB.Post(ctx, id)
	if errors.Is(err, sql.ErrNoRows) {
		return Article{}, ErrNotFound
	}
	if err != nil {
		return Article{}, err
	}
	author, err := one(ctx, p.Users, post.Author)
	return Article{post, author}, err
}

// Health takes two queries, one of which is slow.
func (p Plain) Health(ctx context.Context) (h Health, err error) {
	if h.Jobs, err = p.JobStats(ctx); err != nil {
		return Health{}, err
	}
	h.Failed, err = p.Jobs(ctx, "failed")
	h.Status = "ok"
	return h, err
}

// AddPost tells a missing author by ErrNotFound.
func (p Plain) AddPost(ctx context.Context, author int64, text string) (origin.Post, error) {
	post, err := p.DB.AddPost(ctx, author, text)
	return post, missing(err)
}

// Rename tells a missing user by ErrNotFound.
func (p Plain) Rename(ctx context.Context, user int64, name string) error {
	return missing(p.DB.Rename(ctx, user, name))
}

// Login makes a new session, which replaces the user's last one, and returns its secret. That is kept nowhere.
func (p Plain) Login(ctx context.Context, user int64) (secret string, err error) {
	secret = rand.Text()
	if err := missing(p.DB.Login(ctx, user, origin.HashSecret(secret))); err != nil {
		return "", err
	}
	return secret, nil
}

// Logout ends the session of the secret.
func (p Plain) Logout(ctx context.Context, user int64, secret string) error {
	return p.DB.Logout(ctx, user, origin.HashSecret(secret))
}

func missing(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	return err
}

// Stats is empty: there is no cache.
func (p Plain) Stats() Stats { return Stats{} }

// Page is none, for the same reason.
func (p Plain) Page() http.Handler { return http.NotFoundHandler() }

package load

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/freshet-go/freshet/examples/social/internal/origin"
)

// mostFollowed keeps feeds as long as they were: who follows more than that unfollows next.
const mostFollowed = 15

// write makes one of the three kinds of writes, and notes in the mirror when it began and when it returned.
func (d *Driver) write(ctx context.Context, user int64, h uint64) (time.Duration, error) {
	n := d.written.Add(1)
	writer := d.Population.Writer(int(h >> 2 % uint64(d.Population.Writers())))
	switch h % 3 {
	case 0:
		return d.post(ctx, writer, fmt.Sprintf("Post by request %d: news.", n))
	case 1:
		return d.rename(ctx, user, fmt.Sprintf("User %d, renamed by request %d", user, n))
	default:
		if user == writer {
			user = user%int64(d.Population.Users) + 1
		}
		return d.follow(ctx, user, writer)
	}
}

func (d *Driver) post(ctx context.Context, author int64, text string) (time.Duration, error) {
	posts := d.Mirror.posts
	old, unlock := posts.lock(author)
	defer unlock()
	with := func(p origin.Post) []origin.Post {
		all := append([]origin.Post{p}, old...)
		return all[:min(len(all), 5)]
	}
	posts.begin(author, with(origin.Post{Author: author, Text: text}))
	var p origin.Post
	start, end, err := d.call(ctx, "POST", "/post", d.token(author), map[string]any{"user": author, "text": text}, &p)
	if err == nil {
		posts.returned(author, with(p))
	}
	return end.Sub(start), err
}

func (d *Driver) rename(ctx context.Context, user int64, name string) (time.Duration, error) {
	names := d.Mirror.names
	_, unlock := names.lock(user)
	defer unlock()
	names.begin(user, name)
	start, end, err := d.call(ctx, "POST", "/rename", d.token(user), map[string]any{"user": user, "name": name}, &struct{}{})
	if err == nil {
		names.returned(user, name)
	}
	return end.Sub(start), err
}

// follow follows the writer, or, if the user follows many, or the writer already, unfollows the first of them.
func (d *Driver) follow(ctx context.Context, user, writer int64) (time.Duration, error) {
	following := d.Mirror.following
	old, unlock := following.lock(user)
	defer unlock()
	if len(old) >= mostFollowed || slices.Contains(old, writer) {
		return d.unfollow(ctx, user, old)
	}
	now := append(slices.Clone(old), writer)
	slices.Sort(now)
	followers, unlockFollowers := d.Mirror.followers.lock(writer)
	defer unlockFollowers()
	unread, unlockUnread := d.Mirror.unread.lock(writer)
	defer unlockUnread()
	following.begin(user, now)
	d.Mirror.followers.begin(writer, followers+1)
	d.Mirror.unread.begin(writer, unread+1)
	start, end, err := d.call(ctx, "POST", "/follow", d.token(user), map[string]any{"user": user, "followee": writer}, &struct{}{})
	if err == nil {
		following.returned(user, now)
		d.Mirror.followers.returned(writer, followers+1)
		d.Mirror.unread.returned(writer, unread+1)
	}
	return end.Sub(start), err
}

// unfollow unfollows the first of old, whom the user follows. His following is locked.
func (d *Driver) unfollow(ctx context.Context, user int64, old []int64) (time.Duration, error) {
	writer, now := old[0], slices.Clone(old[1:])
	followers, unlock := d.Mirror.followers.lock(writer)
	defer unlock()
	d.Mirror.following.begin(user, now)
	d.Mirror.followers.begin(writer, followers-1)
	start, end, err := d.call(ctx, "POST", "/unfollow", d.token(user), map[string]any{"user": user, "followee": writer}, &struct{}{})
	if err == nil {
		d.Mirror.following.returned(user, now)
		d.Mirror.followers.returned(writer, followers-1)
	}
	return end.Sub(start), err
}

package benchmarks

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/freshet-go/freshet/benchmarks/internal/trace"
	"github.com/freshet-go/freshet/cache"
)

const (
	userCount    = 10_000
	follows      = 20 // per user
	postsPerUser = 5
	feedLength   = 20
	wordsPerPost = 12 // words per post
)

type user struct {
	ID       int
	Name     string
	Email    string
	Bio      string
	Roles    []string
	Joined   time.Time
	Verified bool
}

type post struct {
	ID     int
	Author int
	Text   string
	At     time.Time
	Likes  int
}

type session struct {
	User    int
	Scopes  []string
	Expires time.Time
}

type health struct {
	Status string
	Users  int
	Posts  int
	Newest time.Time
}

// origin is the database: tables in this process. It answers without latency, so that the tiers are compared with the
// least that a load can cost, not with a network.
type origin struct {
	calls   atomic.Int64
	follows [][]int
	users   []user
	posts   [][]post // by author, newest first
	secret  []byte
}

func newOrigin() *origin {
	rnd := rand.New(rand.NewPCG(trace.Seed, trace.Seed))
	popular := rand.NewZipf(rnd, 1.1, 10, userCount-1)
	epoch := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	o := &origin{secret: []byte("benchmark")}
	for id := range userCount {
		o.users = append(o.users, user{
			ID: id, Name: fmt.Sprintf("User %d", id), Email: fmt.Sprintf("user%d@example.com", id),
			Bio: words(rnd, 15), Roles: []string{"member", "author"}, Joined: epoch.Add(time.Duration(id) * time.Minute),
			Verified: id%3 == 0,
		})
		seen := map[int]bool{}
		for len(seen) < follows {
			seen[int(popular.Uint64())] = true
		}
		followed := make([]int, 0, follows)
		for author := range seen {
			followed = append(followed, author)
		}
		o.follows = append(o.follows, followed)
		posts := make([]post, postsPerUser)
		for i := range posts {
			posts[i] = post{
				ID: id*postsPerUser + i, Author: id, Text: words(rnd, wordsPerPost), Likes: rnd.IntN(1000),
				At: epoch.Add(-time.Duration(i)*time.Hour - time.Duration(rnd.IntN(3600))*time.Second),
			}
		}
		o.posts = append(o.posts, posts)
	}
	return o
}

func words(rnd *rand.Rand, n int) string {
	all := strings.Fields("the river rises with fresh water after rain and keeps what it carries moving toward the sea")
	var b strings.Builder
	for range n {
		b.WriteString(all[rnd.IntN(len(all))] + " ")
	}
	return b.String()
}

func (o *origin) Follows(_ context.Context, id int) ([]int, error) {
	o.calls.Add(1)
	if id < 0 || id >= len(o.follows) {
		return nil, cache.ErrNotFound
	}
	return append([]int(nil), o.follows[id]...), nil
}

func (o *origin) PostsBy(_ context.Context, authors []int) (map[int][]post, error) {
	o.calls.Add(1)
	found := make(map[int][]post, len(authors))
	for _, id := range authors {
		if id >= 0 && id < len(o.posts) {
			found[id] = append([]post(nil), o.posts[id]...)
		}
	}
	return found, nil
}

func (o *origin) Users(_ context.Context, ids []int) (map[int]user, error) {
	o.calls.Add(1)
	found := make(map[int]user, len(ids))
	for _, id := range ids {
		if id >= 0 && id < len(o.users) {
			found[id] = o.users[id]
		}
	}
	return found, nil
}

// Session checks the signature of a token: a thing worth caching even without a database.
func (o *origin) Session(_ context.Context, token string) (session, error) {
	o.calls.Add(1)
	text, signature, _ := strings.Cut(token, ".")
	id, err := strconv.Atoi(text)
	if err != nil || !hmac.Equal([]byte(signature), []byte(o.sign(text))) {
		return session{}, cache.ErrNotFound
	}
	return session{User: id, Scopes: []string{"read", "write"}, Expires: o.users[id].Joined.AddDate(1, 0, 0)}, nil
}

func (o *origin) token(id int) string {
	text := strconv.Itoa(id)
	return text + "." + o.sign(text)
}

func (o *origin) sign(text string) string {
	mac := hmac.New(sha256.New, o.secret)
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

// Health looks at every author's newest post.
func (o *origin) Health(context.Context, string) (health, error) {
	o.calls.Add(1)
	h := health{Status: "ok", Users: len(o.users)}
	for _, posts := range o.posts {
		h.Posts += len(posts)
		if posts[0].At.After(h.Newest) {
			h.Newest = posts[0].At
		}
	}
	return h, nil
}
